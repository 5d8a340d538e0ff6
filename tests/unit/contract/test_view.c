/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "contract/crafted.h"

static struct crafted crafted;

static void numbers(void **state)
{
    uint64_t value, table = address_of(&crafted.table);

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    crafted.table.flags_2 = 0x12345678;
    crafted.table.counts = 0x99999999;
    assert_int_equal(view_number(&crafted.view, table, METHOD_TABLE_FLAGS_2, 4, &value), 0);
    assert_int_equal(value, 0x12345678);
    assert_int_equal(view_number(&crafted.view, table, METHOD_TABLE_FLAGS_2, 1, &value), 0);
    assert_int_equal(value, 0x78);
}

static void pointers(void **state)
{
    uint64_t module, class;
    const struct view_pointer two[] = {
        {METHOD_TABLE_MODULE, &module},
        {METHOD_TABLE_CLASS, &class},
    };

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    assert_int_equal(view_pointers(&crafted.view, address_of(&crafted.table), two, 2), 0);
    assert_int_equal(module, address_of(&crafted.module));
    assert_int_equal(class, address_of(&crafted.class));
    assert_int_equal(view_pointer_at(&crafted.view, address_of(&crafted.object), &module), 0);
    assert_int_equal(module, crafted.object[0]);
}

static void nowhere(void **state)
{
    static const uint64_t addresses[] = {0, 8, MEMORY_TOP, UINT64_MAX, UINT64_MAX - 7};
    uint64_t value;
    const struct view_pointer one[] = {{METHOD_TABLE_MODULE, &value}};

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        value = 1;
        assert_int_equal(view_number(&crafted.view, addresses[i], METHOD_TABLE_MODULE, 8, &value),
                         -EINVAL);
        assert_int_equal(value, 0);
        assert_int_equal(view_pointers(&crafted.view, addresses[i], one, 1), -EINVAL);
        assert_int_equal(view_pointer_at(&crafted.view, addresses[i], &value), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(pointers),
        cmocka_unit_test(nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
