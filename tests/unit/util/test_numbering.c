/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "util/numbering.h"

static void each_key_has_its_number(void **state)
{
    struct numbering numbering = {0};
    uint32_t number = 77;

    assert_int_equal(numbering_find(&numbering, 0, &number), -ENOENT);
    assert_int_equal(number, 77);
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 1000; i++) {
            assert_int_equal(numbering_add(&numbering, i << 40, 1000, &number), 0);
            assert_int_equal(number, i);
        }
    }
    assert_int_equal(numbering.count, 1000);
    assert_int_equal(numbering_find(&numbering, 999ull << 40, &number), 0);
    assert_int_equal(number, 999);
    assert_int_equal(numbering_find(&numbering, 1, &number), -ENOENT);
    assert_int_equal(numbering_add(&numbering, 1, 1000, &number), -ENOSPC);
    assert_int_equal(numbering_add(&numbering, 1, 1001, &number), 0);
    assert_int_equal(number, 1000);
    numbering_close(&numbering);
    assert_int_equal(numbering_find(&numbering, 1, &number), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
