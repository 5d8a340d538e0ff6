/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "state/context.h"

static void contexts(void **state)
{
    static const struct {
        uint8_t level, enabled;
        int result;
    } table[] = {{0, 0, 0},   {5, 1, 0},        {5, 0, 0},
                 {255, 1, 0}, {5, 2, -EBADMSG}, {5, 0xff, -EBADMSG}};
    static const uint64_t keywords = 0x8877665544332211;

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        uint8_t bytes[CONTEXT_BYTES] = {
            0x10, 0x20, 0x30, 0x40, 0x50, 0x7f, 0, 0, table[i].level, table[i].enabled, 0xee, 0xee};
        struct context got = {.set.level = 77};
        uint64_t name = 77;

        memcpy(bytes + 16, &keywords, sizeof(keywords));
        assert_int_equal(context_decode(bytes, &got, &name), table[i].result);
        if (table[i].result < 0) {
            assert_int_equal(got.set.level, 77);
            continue;
        }
        assert_int_equal(name, 0x7f5040302010);
        assert_int_equal(got.set.level, table[i].level);
        assert_int_equal(got.enabled, table[i].enabled);
        assert_int_equal(got.set.keywords, keywords);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(contexts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
