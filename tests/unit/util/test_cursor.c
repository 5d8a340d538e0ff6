/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/array.h"
#include "util/cursor.h"

static void fields_in_order(void **state)
{
    static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
    struct cursor from = {.at = data, .left = sizeof(data)}, part;
    uint8_t byte;
    uint16_t word;
    uint32_t half;
    uint64_t whole;

    assert_true(cursor_u8(&from, &byte));
    assert_int_equal(byte, 1);
    assert_true(cursor_u16(&from, &word));
    assert_int_equal(word, 0x0302);
    assert_true(cursor_u32(&from, &half));
    assert_int_equal(half, 0x07060504);
    assert_true(cursor_u64(&from, &whole));
    assert_int_equal(whole, 0x0f0e0d0c0b0a0908);
    assert_false(cursor_u32(&from, &half));
    assert_int_equal(from.left, 2);
    assert_false(cursor_part(&from, 3, &part));
    assert_true(cursor_part(&from, 2, &part));
    assert_int_equal(part.left, 2);
    assert_int_equal(part.at[1], 17);
    assert_false(cursor_skip(&from, 1));
    assert_true(cursor_skip(&from, 0));
}

static void arrays_grow_zeroed(void **state)
{
    size_t room = 0;
    uint16_t *array = NULL;

    for (size_t count = 1; count < 100; count++) {
        array = array_grow(array, count, sizeof(*array), &room);
        assert_non_null(array);
        assert_true(room >= count);
        assert_int_equal(array[count - 1], 0);
        array[count - 1] = (uint16_t)count;
    }
    for (size_t i = 0; i < 99; i++)
        assert_int_equal(array[i], i + 1);
    free(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_in_order),
        cmocka_unit_test(arrays_grow_zeroed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
