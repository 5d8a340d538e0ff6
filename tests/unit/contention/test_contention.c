/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "contention/contention.h"

#include "example.h"

static const struct contended *only(const struct contention *in, enum contention_by by)
{
    assert_int_equal(in->lists[by].count, 1);
    return &in->lists[by].items[0];
}

static void subtracts(void **state)
{
    _contention_ struct contention earlier = example(), later = example();
    struct contended *locks = later.lists[CONTENTION_BY_LOCK].items;
    const struct contended *line;

    later.now_ns += 7;
    later.sum = (struct wait_sum){15, 95 * MS};
    later.histogram[5] = 9;
    later.histogram[3] = 5;
    later.waiters = 1;
    later.longest_wait_ns = 4 * MS;
    locks[0].sum = (struct wait_sum){8, 75 * MS};
    locks[0].tid = 99; /* the owner is another one now */
    locks[0].waiters = 0;
    later.lists[CONTENTION_BY_LOCK].other = (struct wait_sum){6, 19 * MS};
    later.lists[CONTENTION_BY_OWNER].items[1].sum = (struct wait_sum){2, 3 * MS};
    later.lists[CONTENTION_BY_STACK].items[0].sum.waits++;
    later.lists[CONTENTION_BY_STACK].items[0].longest_ns = 5;

    contention_subtract(&later, &earlier);
    assert_int_equal(later.since_ns, 2000000005);
    assert_int_equal(later.now_ns, 2000000012);
    assert_int_equal(later.sum.waits, 5);
    assert_int_equal(later.sum.wait_ns, 25 * MS);
    assert_int_equal(later.histogram[5], 4);
    assert_int_equal(later.histogram[3], 1);
    assert_int_equal(later.histogram[31], 0);
    assert_int_equal(later.waiters, 1);
    assert_int_equal(later.longest_wait_ns, 4 * MS);
    assert_int_equal(later.unpaired, 0);
    line = only(&later, CONTENTION_BY_LOCK);
    assert_int_equal(line->sum.waits, 2);
    assert_int_equal(line->sum.wait_ns, 15 * MS);
    assert_int_equal(line->tid, 99);
    assert_int_equal(line->longest_ns, 0);
    assert_int_equal(later.lists[CONTENTION_BY_LOCK].other.waits, 3);
    assert_int_equal(later.lists[CONTENTION_BY_LOCK].other.wait_ns, 10 * MS);
    line = only(&later, CONTENTION_BY_STACK);
    assert_int_equal(line->sum.waits, 1);
    assert_int_equal(line->longest_ns, 5);
    line = only(&later, CONTENTION_BY_OWNER);
    assert_int_equal(line->tid, 0);
    assert_int_equal(line->sum.waits, 1);
    assert_int_equal(line->sum.wait_ns, 2 * MS);
    assert_int_equal(later.lists[CONTENTION_BY_THREAD].count, 0);
}

/* Somebody waits for it right now, and none of its waits is over yet. */
static void keeps_who_waits(void **state)
{
    _contention_ struct contention earlier = example(), later = example();

    contention_subtract(&later, &earlier);
    assert_int_equal(only(&later, CONTENTION_BY_LOCK)->waiters, 2);
    assert_int_equal(only(&later, CONTENTION_BY_LOCK)->sum.waits, 0);
    assert_int_equal(later.sum.waits, 0);
}

/* What comes out of "other", and what goes there, happened before. */
static void lines_come_and_go(void **state)
{
    _contention_ struct contention earlier = {.sum = {100, 100 * MS}};
    _contention_ struct contention later = {.sum = {103, 106 * MS}};
    const struct contended *line;

    add(&earlier, CONTENTION_BY_LOCK, (struct contended){.key = 1, .sum = {60, 60 * MS}});
    earlier.lists[CONTENTION_BY_LOCK].other = (struct wait_sum){40, 40 * MS};
    add(&later, CONTENTION_BY_LOCK, (struct contended){.key = 2, .sum = {43, 46 * MS}});
    later.lists[CONTENTION_BY_LOCK].other = (struct wait_sum){60, 60 * MS};
    contention_subtract(&later, &earlier);
    line = only(&later, CONTENTION_BY_LOCK);
    assert_int_equal(line->key, 2);
    assert_int_equal(line->sum.waits, 3);
    assert_int_equal(line->sum.wait_ns, 6 * MS);
    assert_int_equal(later.lists[CONTENTION_BY_LOCK].other.waits, 0);
}

static void never_below_zero(void **state)
{
    _contention_ struct contention earlier = example(), later = {.now_ns = 1};

    contention_subtract(&later, &earlier);
    assert_int_equal(later.sum.waits, 0);
    assert_int_equal(later.histogram[5], 0);
    assert_int_equal(later.lists[CONTENTION_BY_LOCK].other.waits, 0);
}

static void quantiles(void **state)
{
    static const struct {
        uint64_t histogram[CONTENTION_BUCKETS];
        double share;
        uint64_t expected;
    } rows[] = {
        {{0}, 0.99, 0},
        {{[0] = 1}, 0.99, 1024},
        {{[0] = 99, [10] = 1}, 0.99, 1024},
        {{[0] = 98, [10] = 2}, 0.99, 1 << 20},
        {{[2] = 1, [10] = 1}, 0.5, 4096},
        {{[2] = 1, [10] = 1}, 1, 1 << 20},
        {{[2] = 1, [10] = 1}, 0, 4096},
        {{[30] = 1}, 0.99, UINT64_C(1) << 40},
        {{[31] = 1}, 0.99, UINT64_MAX},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct contention made = {0};

        memcpy(made.histogram, rows[i].histogram, sizeof(made.histogram));
        assert_true(contention_quantile(&made, rows[i].share) == rows[i].expected);
    }
}

static void cuts(void **state)
{
    _contention_ struct contention made = {0};
    struct contended_list *list = &made.lists[CONTENTION_BY_STACK];

    contended_list_cut(list, 0);
    for (uint64_t i = 0; i < 5; i++)
        add(&made, CONTENTION_BY_STACK,
            with_frames((struct contended){.key = i, .sum = {i + 1, (i * 3 % 5) * MS}}, 1, "f"));
    list->other = (struct wait_sum){100, MS};
    contended_list_cut(list, 2);
    assert_int_equal(list->count, 2);
    assert_int_equal(list->items[0].key, 3); /* 4 ms */
    assert_int_equal(list->items[1].key, 1); /* 3 ms */
    assert_int_equal(list->other.waits, 100 + 1 + 3 + 5);
    assert_int_equal(list->other.wait_ns, MS + (0 + 1 + 2) * MS);
    contended_list_cut(list, 9);
    assert_int_equal(list->count, 2);
}

static void names(void **state)
{
    assert_string_equal(contention_source_name(CONTENTION_EVENTPIPE), "eventpipe");
    assert_string_equal(contention_source_name(CONTENTION_SOURCE_MAX), "none");
    assert_string_equal(contention_by_name(CONTENTION_BY_OWNER), "owner");
    assert_string_equal(contention_by_name(CONTENTION_BY_MAX), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subtracts),
        cmocka_unit_test(keeps_who_waits),
        cmocka_unit_test(lines_come_and_go),
        cmocka_unit_test(never_below_zero),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(cuts),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
