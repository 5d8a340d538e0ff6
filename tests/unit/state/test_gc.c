/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "state/gc.h"

static void states(void **state)
{
    static const struct {
        uint8_t levels[GC_STATE_BYTES], keywords[GC_STATE_BYTES];
        int result;
        struct gc_state expected;
    } table[] = {
        {{0}, {0}, 0, {{0, 0}, {0, 0}}},
        {{5, 0, 0, 0, 4}, {1, 0x80, 0, 0, 2}, 0, {{5, 0x8001}, {4, 2}}},
        {{255, 0, 0, 0, 255},
         {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
         0,
         {{255, 0xffffffff}, {255, 0xffffffff}}},
        {.levels = {0, 1}, .result = -EBADMSG},
        {.levels = {0, 0, 0, 0, 0, 1}, .result = -EBADMSG},
        {.levels = {0xff, 0xff, 0xff, 0xff}, .result = -EBADMSG},
        {.levels = {0, 0, 0, 0, 0, 0, 0, 0x80}, .result = -EBADMSG},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct gc_state got = {{77, 77}, {77, 77}};

        assert_int_equal(gc_state_decode(table[i].levels, table[i].keywords, &got),
                         table[i].result);
        if (table[i].result < 0) {
            assert_int_equal(got.public.level, 77);
            continue;
        }
        assert_int_equal(got.public.level, table[i].expected.public.level);
        assert_int_equal(got.public.keywords, table[i].expected.public.keywords);
        assert_int_equal(got.private.level, table[i].expected.private.level);
        assert_int_equal(got.private.keywords, table[i].expected.private.keywords);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(states)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
