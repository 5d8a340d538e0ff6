/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "stack/frame.h"

static void names_of_sources(void **state)
{
    for (enum frame_source source = 0; source < FRAME_SOURCE_MAX; source++)
        for (enum frame_source other = 0; other < source; other++)
            assert_string_not_equal(frame_source_name(source), frame_source_name(other));
    assert_string_equal(frame_source_name(FRAME_READY), "ready-to-run");
    assert_string_equal(frame_source_name(FRAME_SOURCE_MAX), "unknown");
}

static void checks(void **state)
{
    struct frame frame = {.source = FRAME_SYMBOL, .text = "a\x1b\xff"};

    assert_int_equal(frame_check(&frame), 0);
    assert_string_equal(frame.text, "a??");
    memset(frame.text, 'a', sizeof(frame.text));
    assert_int_equal(frame_check(&frame), -EBADMSG);
    frame = (struct frame){.source = FRAME_SOURCE_MAX};
    assert_int_equal(frame_check(&frame), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_sources),
        cmocka_unit_test(checks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
