/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tally.h"

#define MINE   7
#define OTHERS 8

static const struct abi_lock_key lock_keys[] = {
    {.lock = 0x100, .pid = MINE, .owner = 11},   {.lock = 0x200, .pid = MINE, .owner = 0},
    {.lock = 0x100, .pid = OTHERS, .owner = 13}, {.lock = 0x100, .pid = MINE, .owner = 12},
    {.lock = 0x300, .pid = MINE, .owner = 11},
};
static const struct abi_lock_sums lock_sums[] = {
    {.sum = {2, 20}, .longest_ns = 15, .last_ns = 1000},
    {.sum = {1, 500}, .longest_ns = 500, .last_ns = 1100},
    {.sum = {9, 9000}, .longest_ns = 9000, .last_ns = 1200},
    {.sum = {3, 300}, .longest_ns = 200, .last_ns = 900},
    {.sum = {1, 1}, .longest_ns = 1, .last_ns = 10},
};

static void test_by_lock(void **state)
{
    _tally_ struct tally tally = {0};
    struct wait_sum other = {100, 1000};

    assert_int_equal(tally_locks(&tally, MINE, lock_keys, lock_sums, ARRAY_SIZE(lock_keys)), 0);
    assert_int_equal(tally.count, 4);
    tally_merge(&tally);
    assert_int_equal(tally.count, 3);
    tally_cut(&tally, 2, &other);
    assert_int_equal(tally.count, 2);
    assert_int_equal(tally.rows[0].key, 0x200);
    assert_int_equal(tally.rows[0].owner, 0);
    assert_int_equal(tally.rows[1].key, 0x100);
    assert_int_equal(tally.rows[1].owner, 11); /* the last that is known */
    assert_int_equal(tally.rows[1].sum.waits, 5);
    assert_int_equal(tally.rows[1].sum.wait_ns, 320);
    assert_int_equal(tally.rows[1].longest_ns, 200);
    assert_int_equal(other.waits, 101);
    assert_int_equal(other.wait_ns, 1001);
}

/* Whatever their order: one that does not tell the owner is no later one's word. */
static void test_the_last_owner_that_is_known(void **state)
{
    static const struct tally_row rows[] = {
        {.key = 1, .last_ns = 5, .owner = 11},
        {.key = 1, .last_ns = 10},
        {.key = 1, .last_ns = 7, .owner = 12},
    };

    for (size_t first = 0; first < ARRAY_SIZE(rows); first++) {
        _tally_ struct tally tally = {0};

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
            assert_int_equal(tally_add(&tally, &rows[(first + i) % ARRAY_SIZE(rows)]), 0);
        tally_merge(&tally);
        assert_int_equal(tally.count, 1);
        assert_int_equal(tally.rows[0].owner, 12);
    }
}

static void test_by_owner(void **state)
{
    _tally_ struct tally tally = {0};
    struct wait_sum other = {0};

    assert_int_equal(tally_owners(&tally, MINE, lock_keys, lock_sums, ARRAY_SIZE(lock_keys)), 0);
    tally_merge(&tally);
    tally_cut(&tally, 10, &other);
    assert_int_equal(tally.count, 3);
    assert_int_equal(tally.rows[0].key, 0);
    assert_int_equal(tally.rows[1].key, 12);
    assert_int_equal(tally.rows[2].key, 11);
    assert_int_equal(tally.rows[2].sum.waits, 3);
    assert_int_equal(other.waits, 0);
}

static void test_by_thread(void **state)
{
    static const struct abi_thread_key keys[] = {{MINE, 21}, {OTHERS, 21}, {MINE, 22}};
    static const struct abi_thread_sums sums[] = {
        {.sum = {1, 10}}, {.sum = {5, 50}}, {.sum = {2, 40}}};
    _tally_ struct tally tally = {0};
    struct wait_sum other = {0};

    assert_int_equal(tally_threads(&tally, MINE, keys, sums, ARRAY_SIZE(keys)), 0);
    tally_merge(&tally);
    tally_cut(&tally, 1, &other);
    assert_int_equal(tally.count, 1);
    assert_int_equal(tally.rows[0].key, 22);
    assert_int_equal(other.waits, 1);
    assert_int_equal(other.wait_ns, 10);
}

/* Who has only begun to wait has no sum yet, but is what one looks for. */
static void test_who_waits_now_is_not_cut(void **state)
{
    const struct tally_row done = {.key = 1, .sum = {10, 1000}};
    const struct tally_row now = {.key = 2, .waiters = 1, .waiting_ns = 5000, .owner = 9};
    _tally_ struct tally tally = {0};
    struct wait_sum other = {0};

    assert_int_equal(tally_add(&tally, &done), 0);
    assert_int_equal(tally_add(&tally, &now), 0);
    assert_int_equal(tally_add(&tally, &now), 0);
    tally_merge(&tally);
    tally_cut(&tally, 1, &other);
    assert_int_equal(tally.rows[0].key, 2);
    assert_int_equal(tally.rows[0].waiters, 2);
    assert_int_equal(tally.rows[0].owner, 9);
    assert_int_equal(other.waits, 10);
}

static void test_nothing(void **state)
{
    _tally_ struct tally tally = {0};
    struct wait_sum other = {0};

    tally_merge(&tally);
    tally_cut(&tally, 0, &other);
    assert_int_equal(tally.count, 0);
    assert_int_equal(other.waits, 0);
}

static void test_many_rows(void **state)
{
    _tally_ struct tally tally = {0};
    struct wait_sum other = {0};

    for (uint64_t i = 0; i < 10000; i++) {
        const struct tally_row row = {.key = i % 100, .sum = {1, i}};

        assert_int_equal(tally_add(&tally, &row), 0);
    }
    tally_merge(&tally);
    assert_int_equal(tally.count, 100);
    tally_cut(&tally, 1, &other);
    assert_int_equal(tally.rows[0].key, 99);
    assert_int_equal(tally.rows[0].sum.waits + other.waits, 10000);
    assert_int_equal(tally.rows[0].sum.wait_ns + other.wait_ns, 9999 * 10000 / 2);
}

/* The kernel writes while it is read, so a row may be anything. */
static void test_waiting(void **state)
{
    static const struct {
        struct abi_waiting thread;
        int top; /* -1: waits for nothing */
    } cases[] = {
        {{.pid = MINE}, -1},
        {{.pid = MINE, .depth = 1, .entries = {{.start = 10}}}, 0},
        {{.pid = MINE, .depth = 2, .entries = {{.start = 10}, {.start = 50}}}, 1},
        {{.pid = OTHERS, .depth = 1, .entries = {{.start = 10}}}, -1},
        {{.pid = MINE, .depth = 1, .entries = {{.start = 101}}}, -1},
        {{.pid = MINE, .depth = 1, .entries = {{.start = 0}}}, -1},
        {{.pid = MINE, .depth = 1, .entries = {{.start = 10, .kind = 2}}}, -1},
        {{.pid = MINE, .depth = ABI_WAIT_NESTED + 1, .entries = {{.start = 10}}}, -1},
        {{.pid = MINE, .depth = UINT32_MAX, .entries = {{.start = 10}}}, -1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct abi_waiting_entry *entry = tally_waits_for(&cases[i].thread, MINE, 100);

        assert_ptr_equal(entry, cases[i].top < 0 ? NULL : &cases[i].thread.entries[cases[i].top]);
    }
}

/* An owner that was read for an earlier wait is not told of a long one. */
static void test_waiting_for_owner(void **state)
{
    const uint64_t start = 10, brief = start + ABI_ALIKE_NS, late = brief + 1;
    struct abi_waiting thread = {
        .depth = 1, .entries = {{.start = start, .owner = 7}, {.start = start, .owner = 8}}};

    assert_int_equal(tally_waits_for_owner(&thread, &thread.entries[0], late), 7);
    thread.pending.sum.waits = 1;
    assert_int_equal(tally_waits_for_owner(&thread, &thread.entries[0], brief), 7);
    assert_int_equal(tally_waits_for_owner(&thread, &thread.entries[0], late), 0);
    assert_int_equal(tally_waits_for_owner(&thread, &thread.entries[1], late), 8);
}

static void test_bound(void **state)
{
    static const struct {
        uint64_t sums[5];
        size_t count, keep;
        uint64_t bound;
    } cases[] = {
        {{5, 1, 4, 2, 3}, 5, 2, 3}, {{5, 1, 4, 2, 3}, 5, 5, 0}, {{5, 1, 4, 2, 3}, 5, 9, 0},
        {{5, 1, 4, 2, 3}, 5, 0, 5}, {{7, 7, 7, 7, 7}, 5, 2, 7}, {{0}, 0, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t sums[5];

        memcpy(sums, cases[i].sums, sizeof(sums));
        assert_int_equal(tally_bound(sums, cases[i].count, cases[i].keep), cases[i].bound);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_lock),
        cmocka_unit_test(test_the_last_owner_that_is_known),
        cmocka_unit_test(test_by_owner),
        cmocka_unit_test(test_by_thread),
        cmocka_unit_test(test_who_waits_now_is_not_cut),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_waiting_for_owner),
        cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
