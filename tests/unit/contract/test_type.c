/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "contract/crafted.h"
#include "contract/type.h"

static struct crafted crafted;

static int read_handle(uint64_t handle, struct type *out)
{
    struct reason why = {""};
    int r = type_read(&crafted.view, handle, out, &why);

    assert_true(r == 0 || why.text[0]);
    return r;
}

static void defined(void **state)
{
    struct type type;
    uint64_t handle;

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    assert_int_equal(type_of_object(&crafted.view, address_of(crafted.object), &handle, NULL), 0);
    assert_int_equal(handle, address_of(&crafted.table));
    assert_int_equal(read_handle(handle, &type), 0);
    assert_int_equal(type.kind, TYPE_DEFINED);
    assert_int_equal(type.token, 0x02000002);
    assert_int_equal(type.module, address_of(&crafted.module));
}

/* An instantiation that shares its class with the canonical one. */
static void instantiated(void **state)
{
    struct type type;

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    crafted.other.class = address_of(&crafted.table) | 1;
    crafted.other.flags_2 = 3u << 8;
    assert_int_equal(read_handle(address_of(&crafted.other), &type), 0);
    assert_int_equal(type.token, 0x02000003);
    crafted.class.method_table = address_of(&crafted.other);
    assert_int_equal(read_handle(address_of(&crafted.other), &type), -EBADMSG);
}

static void composed(void **state)
{
    static const struct {
        uint32_t flags;
        uint8_t rank;
        int expected;
        enum type_kind kind;
    } cases[] = {
        {0x800a0008, 0, 0, TYPE_ARRAY},
        {0x80080008, 2, 0, TYPE_MATRIX},
        {0x80080008, 1, 0, TYPE_MATRIX},
        {0x80080008, 0, -EBADMSG, TYPE_MATRIX},
        {0x80080008, 32, 0, TYPE_MATRIX},
        {0x80080008, 33, -EBADMSG, TYPE_MATRIX},
        {0x80000002, 0, 0, TYPE_DEFINED},
        {0x00080000, 0, 0, TYPE_DEFINED},
        {0x800a0000 | 0x200000, 0, 0, TYPE_ARRAY},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct type type;

        assert_int_equal(craft(&crafted, CRAFTED_10), 0);
        crafted.other.flags = cases[i].flags;
        crafted.other.element = address_of(&crafted.table);
        crafted.other_class.rank = cases[i].rank;
        assert_int_equal(read_handle(address_of(&crafted.other), &type), cases[i].expected);
        if (cases[i].expected < 0)
            continue;
        assert_int_equal(type.kind, cases[i].kind);
        assert_true(type.kind == TYPE_DEFINED || type.argument == address_of(&crafted.table));
        assert_true(type.kind != TYPE_MATRIX || type.rank == cases[i].rank);
    }
}

static void described(void **state)
{
    static const struct {
        uint32_t flags;
        int expected;
        enum type_kind kind;
    } cases[] = {
        {0x0f, 0, TYPE_POINTER},
        {0x7710, 0, TYPE_REFERENCE},
        {0x1b, -ENOTSUP, 0},
        {0, -ENOTSUP, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct type type;

        assert_int_equal(craft(&crafted, CRAFTED_10), 0);
        crafted.type_desc.flags = cases[i].flags;
        crafted.type_desc.argument = 0x7000;
        assert_int_equal(read_handle(address_of(&crafted.type_desc) | 2, &type), cases[i].expected);
        assert_true(cases[i].expected < 0 ||
                    (type.kind == cases[i].kind && type.argument == 0x7000));
    }
}

static void nonsense(void **state)
{
    struct type type;
    uint64_t handle;

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    assert_int_equal(read_handle(address_of(&crafted.object), &type), -EINVAL);
    assert_int_equal(read_handle(address_of(&crafted.table) + 1, &type), -EBADMSG);
    assert_int_equal(read_handle(0, &type), -EINVAL);
    assert_int_equal(read_handle(2, &type), -EINVAL);
    assert_int_equal(read_handle(UINT64_MAX, &type), -EINVAL);
    crafted.class.method_table = 0x7000;
    assert_int_equal(read_handle(address_of(&crafted.table), &type), -EBADMSG);
    assert_int_equal(type_of_object(&crafted.view, 0, &handle, NULL), -EINVAL);
    assert_int_equal(type_of_object(&crafted.view, address_of(crafted.object) + 4, &handle, NULL),
                     -EBADMSG);
    assert_int_equal(handle, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defined),   cmocka_unit_test(instantiated), cmocka_unit_test(composed),
        cmocka_unit_test(described), cmocka_unit_test(nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
