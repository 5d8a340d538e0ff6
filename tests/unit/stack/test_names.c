/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "stack/names.h"

static struct frame named(uint64_t address)
{
    struct frame frame = {.address = address, .source = FRAME_SYMBOL};

    snprintf(frame.text, sizeof(frame.text), "f%llu", (unsigned long long)address);
    return frame;
}

static void test_found_and_not(void **state)
{
    struct frame frame = named(0x1000), none = {.address = 0x2000};
    struct names *names;

    assert_int_equal(names_new(&names), 0);
    assert_false(names_find(names, 0x1000, &frame));
    assert_string_equal(frame.text, "0x1000");
    frame = named(0x1000);
    names_keep(names, &frame);
    names_keep(names, &none);
    assert_true(names_find(names, 0x1000, &frame));
    assert_string_equal(frame.text, "f4096");
    assert_true(names_find(names, 0x2000, &frame)); /* it is known that there is none */
    assert_string_equal(frame.text, "0x2000");
    none = named(0x2000);
    names_keep(names, &none);
    assert_true(names_find(names, 0x2000, &frame));
    assert_string_equal(frame.text, "f8192");
    names_free(&names);
}

/* More than there is room for: the last are there, and nothing is another's. */
static void test_many(void **state)
{
    const uint64_t many = 40000;
    struct frame frame;
    struct names *names;

    assert_int_equal(names_new(&names), 0);
    for (uint64_t i = 0; i < many; i++) {
        frame = named(i << 12);
        names_keep(names, &frame);
    }
    assert_true(names_find(names, (many - 1) << 12, &frame));
    assert_false(names_find(names, 0, &frame));
    for (uint64_t i = 0; i < many; i++)
        if (names_find(names, i << 12, &frame))
            assert_int_equal(frame.address, i << 12);
    names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_and_not),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
