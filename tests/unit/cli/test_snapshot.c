/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contention/contention_json.h"
#include "snapshot.h"

/* As clrmond would give them. */
static struct snapshot decode(const struct contention *parts, size_t count)
{
    struct snapshot raw = {.parts = json_array()}, out;

    for (size_t i = 0; i < count; i++)
        json_array_append_new(raw.parts, contention_json(&parts[i]));
    assert_int_equal(snapshot_again(&raw, &out, NULL), 0);
    snapshot_free(&raw);
    return out;
}

static void joins_parts(void **state)
{
    struct contended lines[] = {{.key = 1}, {.key = 2}, {.key = 3}};
    const struct contention parts[] = {
        {.pid = 5},
        {.pid = 7, .lists = {[CONTENTION_BY_LOCK] = {.items = lines, .count = 1}}},
        {.pid = 7, .lists = {[CONTENTION_BY_LOCK] = {.items = lines + 1, .count = 2}}},
        {.pid = 9},
    };
    _snapshot_ struct snapshot snapshot = decode(parts, ARRAY_SIZE(parts)), again = {0};

    for (unsigned i = 0; i < 2; i++) {
        const struct snapshot *in = i ? &again : &snapshot;

        assert_int_equal(in->count, 3);
        assert_int_equal(in->items[1].lists[CONTENTION_BY_LOCK].count, 3);
        assert_int_equal(in->items[1].lists[CONTENTION_BY_LOCK].items[2].key, 3);
        assert_int_equal(in->items[2].pid, 9);
        if (!i)
            assert_int_equal(snapshot_again(&snapshot, &again, NULL), 0);
    }
}

static void refuses_nonsense(void **state)
{
    struct snapshot raw = {.parts = json_array()}, out;
    const struct contention good = {.pid = 5};
    struct reason why = {""};

    json_array_append_new(raw.parts, contention_json(&good));
    json_array_append_new(raw.parts, json_object());
    assert_int_equal(snapshot_again(&raw, &out, &why), -EBADMSG);
    assert_true(why.text[0]);
    assert_true(!out.items && !out.count && !out.parts);
    snapshot_free(&raw);
}

static void subtracts_the_same(void **state)
{
    static const struct contention before[] = {
        {.pid = 5, .since_ns = 10, .now_ns = 100, .sum = {4, 40}},
        {.pid = 7, .since_ns = 10, .now_ns = 100, .sum = {4, 40}},
        {.pid = 8, .since_ns = 10, .now_ns = 100, .sum = {4, 40}},
    };
    static const struct contention after[] = {
        {.pid = 5, .since_ns = 10, .now_ns = 200, .sum = {9, 90}},
        {.pid = 6, .since_ns = 150, .now_ns = 200, .sum = {1, 10}}, /* has begun since */
        {.pid = 7, .since_ns = 120, .now_ns = 200, .sum = {6, 60}}, /* is another one */
        {.pid = 8, .since_ns = 10, .now_ns = 200, .sum = {5, 50}, .source = CONTENTION_USDT},
    };
    static const uint64_t waits[] = {5, 1, 6, 5}, since[] = {100, 150, 120, 10};
    _snapshot_ struct snapshot earlier = decode(before, ARRAY_SIZE(before));
    _snapshot_ struct snapshot later = decode(after, ARRAY_SIZE(after));

    snapshot_subtract(&later, &earlier);
    for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
        assert_int_equal(later.items[i].sum.waits, waits[i]);
        assert_int_equal(later.items[i].since_ns, since[i]);
    }
    snapshot_subtract(&later, &(struct snapshot){0});
    assert_int_equal(later.items[0].sum.waits, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_parts),
        cmocka_unit_test(refuses_nonsense),
        cmocka_unit_test(subtracts_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
