/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "contract/nibble_map.h"

#define BASE 0x100000000ull

/* Methods begin at 0x24 (the second bucket, 4 in), 0x130 (see ExecutionManager.md), 0x340. */
static const uint32_t units[] = {0x02000000, 0x05000000, 0, 0x00100000, 0, 0, 0};

/* The same, as version 2 has it where the last method reaches beyond 0x600. */
static const uint32_t pointing[] = {0x02000000, 0x05000000,      0x130 + 9, 0x00100000,
                                    0x340 + 9,  (0x340 + 9) | 0, 0};

static struct memory memory;

static int find(enum nibble_kind kind, const uint32_t *at, uint64_t offset, uint64_t *found)
{
    const struct nibble_map map = {kind, (uintptr_t)at, BASE};
    int r = nibble_map_find(&memory, &map, BASE + offset, found);

    *found -= BASE;
    return r;
}

static void linear(void **state)
{
    static const struct {
        uint64_t offset;
        int expected;
        uint64_t begin;
    } cases[] = {
        {0, -ENOENT, 0},   {0x23, -ENOENT, 0}, {0x24, 0, 0x24},   {0x25, 0, 0x24},
        {0xff, 0, 0x24},   {0x12f, 0, 0x24},   {0x130, 0, 0x130}, {0x132, 0, 0x130},
        {0x2ff, 0, 0x130}, {0x33f, 0, 0x130},  {0x340, 0, 0x340}, {0x341, 0, 0x340},
        {0x6ff, 0, 0x340},
    };
    uint64_t found;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(find(NIBBLE_LINEAR, units, cases[i].offset, &found), cases[i].expected);
        assert_true(cases[i].expected < 0 || found == cases[i].begin);
    }
}

static void constant(void **state)
{
    static const struct {
        uint64_t offset;
        int expected;
        uint64_t begin;
    } cases[] = {
        {0, -ENOENT, 0},   {0x24, 0, 0x24},   {0x12f, 0, 0x24},  {0x130, 0, 0x130},
        {0x200, 0, 0x130}, {0x33f, 0, 0x130}, {0x340, 0, 0x340}, {0x3ff, 0, 0x340},
        {0x400, 0, 0x340}, {0x5ff, 0, 0x340}, {0x6ff, 0, 0x340},
    };
    uint64_t found;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(find(NIBBLE_CONSTANT, pointing, cases[i].offset, &found),
                         cases[i].expected);
        assert_true(cases[i].expected < 0 || found == cases[i].begin);
    }
}

static void far_back(void **state)
{
    const size_t count = NIBBLE_CODE_MAX / 256 + 8;
    _free_ uint32_t *many = calloc(count, sizeof(*many));
    uint64_t found;

    many[1] = 0x10000000;
    assert_int_equal(find(NIBBLE_LINEAR, many, NIBBLE_CODE_MAX, &found), 0);
    assert_int_equal(found, 256);
    assert_int_equal(find(NIBBLE_LINEAR, many, NIBBLE_CODE_MAX + 255, &found), 0);
    assert_int_equal(find(NIBBLE_LINEAR, many, NIBBLE_CODE_MAX + 512, &found), -ENOENT);
    assert_int_equal(find(NIBBLE_CONSTANT, many, 511, &found), 0);
    assert_int_equal(find(NIBBLE_CONSTANT, many, 767, &found), 0);
    assert_int_equal(find(NIBBLE_CONSTANT, many, 768, &found), -ENOENT);
}

static void nonsense(void **state)
{
    static const uint32_t nibble[] = {0xf0000000};
    static const uint32_t beyond[] = {0x7ffffff0 | 9};
    const struct nibble_map nowhere = {NIBBLE_LINEAR, 16, BASE};
    const struct nibble_map above = {NIBBLE_LINEAR, UINT64_MAX - 3, BASE};
    uint64_t found;

    assert_int_equal(find(NIBBLE_LINEAR, nibble, 255, &found), -EBADMSG);
    assert_int_equal(find(NIBBLE_CONSTANT, nibble, 255, &found), -EBADMSG);
    assert_int_equal(find(NIBBLE_CONSTANT, beyond, 255, &found), -EBADMSG);
    assert_int_equal(find(NIBBLE_LINEAR, units, UINT64_MAX - BASE, &found), -EBADMSG);
    assert_int_equal(find(NIBBLE_LINEAR, units, 1ull << 32, &found), -EBADMSG);
    assert_int_equal(nibble_map_find(&memory, &nowhere, BASE, &found), -EINVAL);
    assert_int_equal(nibble_map_find(&memory, &nowhere, BASE - 1, &found), -EBADMSG);
    assert_int_equal(nibble_map_find(&memory, &above, BASE, &found), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear),
        cmocka_unit_test(constant),
        cmocka_unit_test(far_back),
        cmocka_unit_test(nonsense),
    };

    memory_open(&memory, getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
