/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "contract/code.h"
#include "contract/crafted.h"

static struct crafted crafted;

static int method_at(uint64_t offset, uint64_t *method)
{
    struct reason why = {""};
    int r = code_method(&crafted.view, address_of(crafted.levels),
                        address_of(crafted.code) + offset, method, &why);

    assert_true(r == 0 || why.text[0]);
    return r;
}

static void found(void **state)
{
    static const char *const texts[] = {CRAFTED_9, CRAFTED_10};
    uint64_t method;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_int_equal(craft(&crafted, texts[i]), 0);
        for (uint64_t offset = CRAFTED_BEGIN; offset < 512; offset += 33) {
            assert_int_equal(method_at(offset, &method), 0);
            assert_int_equal(method, address_of(&crafted.chunk.methods[1]));
        }
        assert_int_equal(method_at(CRAFTED_BEGIN - 1, &method), -ENOENT);
        assert_int_equal(method_at(CRAFTED_CODE, &method), -ENOENT);
        assert_int_equal(method_at(1ull << 46, &method), -ENOENT);
    }
}

static void collectible(void **state)
{
    uint64_t method;

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    for (unsigned i = 0; i < CRAFTED_LEVELS; i++)
        for (unsigned n = 0; n < 256; n++)
            crafted.levels[i][n] |= crafted.levels[i][n] ? 1 : 0;
    assert_int_equal(method_at(CRAFTED_BEGIN, &method), 0);
}

static void second_fragment(void **state)
{
    uint64_t method;

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    crafted.fragments[1] = crafted.fragments[0];
    crafted.fragments[0].next = address_of(&crafted.fragments[1]) | 1;
    crafted.fragments[0].end = crafted.fragments[0].begin + 16;
    assert_int_equal(method_at(CRAFTED_BEGIN, &method), 0);
    crafted.fragments[1].end = crafted.fragments[0].end;
    assert_int_equal(method_at(CRAFTED_BEGIN, &method), -ENOENT);
    crafted.fragments[1].next = address_of(&crafted.fragments[1]);
    assert_int_equal(method_at(CRAFTED_BEGIN, &method), -EBADMSG);
}

/* One word of what leads to the method is another. */
static void changed(void **state)
{
    const struct {
        uint64_t *word;
        uint64_t value;
        int expected;
    } cases[] = {
        {&crafted.section.deleted, 1, -ENOENT},
        {&crafted.section.flags, 4, -ENOENT},
        {&crafted.section.flags, 3, 0},
        {&crafted.section.ready, 0x7000, -ENOENT},
        {&crafted.section.heap, 0, -EINVAL},
        {&crafted.section.heap, 0x10000, -EFAULT},
        {&crafted.heap.map, 0, -EINVAL},
        {&crafted.heap.base, 0, -EBADMSG},
        {&crafted.heap.start, UINT64_MAX, -ENOENT},
        {&crafted.heap.end, 0, -ENOENT},
        {&crafted.heap.start, address_of(crafted.code) + CRAFTED_BEGIN + 1, -EBADMSG},
        {(uint64_t *)(crafted.code + CRAFTED_BEGIN - 8), 0, -ENOENT},
        {(uint64_t *)(crafted.code + CRAFTED_BEGIN - 8), 15, -ENOENT},
        {(uint64_t *)(crafted.code + CRAFTED_BEGIN - 8), 16, -EINVAL},
        {&crafted.fragments[0].section, 0, -EINVAL},
        {&crafted.levels[0][0], 0x10000, -EFAULT},
        {&crafted.levels[0][0], 0, -ENOENT},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t method;
        int r;

        assert_int_equal(craft(&crafted, CRAFTED_10), 0);
        *cases[i].word = cases[i].value;
        r = method_at(CRAFTED_BEGIN + 8, &method);
        if (r != cases[i].expected)
            fail_msg("case %zu: %d, not %d", i, r, cases[i].expected);
    }
}

/* The variables of a runtime, among which the map begins, and what looks a little like it. */
static uint64_t variables[2048];

static int search(size_t at, uint64_t *map)
{
    const struct contract_place place = {
        .writable = {{0x10000, 4096}, {address_of(variables) - 3, sizeof(variables)}},
        .writable_count = 2,
    };

    variables[at] = address_of(crafted.levels[1]);
    variables[at + 300] = address_of(crafted.heap.map ? &crafted.heap : NULL);
    variables[at + 700] = address_of(crafted.levels[2]);
    return code_find_range_map(&crafted.view, &place, map, NULL);
}

static void searched(void **state)
{
    uint64_t map, method;

    assert_int_equal(craft(&crafted, CRAFTED_9), 0);
    memset(variables, 0, sizeof(variables));
    assert_int_equal(search(17, &map), 0);
    assert_int_equal(map, address_of(variables + 17));
    assert_int_equal(
        code_method(&crafted.view, map, address_of(crafted.code) + CRAFTED_BEGIN, &method, NULL),
        0);
}

static void not_found(void **state)
{
    const struct contract_place none = {.writable_count = 0};
    const struct {
        uint64_t *word;
        uint64_t value;
    } cases[] = {
        {&crafted.levels[1][3], 7},
        {&crafted.levels[2][255], 0x1234567},
        {&crafted.section.begin, 16},
        {&crafted.section.flags, 16},
        {&crafted.fragments[0].section, 0},
        {&crafted.fragments[0].begin, crafted.fragments[0].begin + (1 << 20)},
    };
    uint64_t map = 1;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(craft(&crafted, CRAFTED_9), 0);
        memset(variables, 0, sizeof(variables));
        *cases[i].word = cases[i].value;
        if (search(17, &map) != -ENOENT || map)
            fail_msg("case %zu is found", i);
    }
    assert_int_equal(code_find_range_map(&crafted.view, &none, &map, NULL), -ENOENT);
}

static void not_unique(void **state)
{
    uint64_t map;

    assert_int_equal(craft(&crafted, CRAFTED_9), 0);
    memset(variables, 0, sizeof(variables));
    variables[1600] = address_of(crafted.levels[1]);
    assert_int_equal(search(17, &map), -ENOTUNIQ);
    assert_int_equal(map, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found),           cmocka_unit_test(collectible),
        cmocka_unit_test(second_fragment), cmocka_unit_test(changed),
        cmocka_unit_test(searched),        cmocka_unit_test(not_found),
        cmocka_unit_test(not_unique),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
