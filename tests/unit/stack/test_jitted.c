/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "stack/jitted.h"

/* Of a process without a runtime: nothing tells, but what it says itself. Runtimes that do tell
 * are in e2e.contract and e2e.stack. */

static struct process self;

static const char *path(void)
{
    static char text[64];

    snprintf(text, sizeof(text), "/tmp/perf-%d.map", getpid());
    return text;
}

static int remove_map(void **state)
{
    unlink(path());
    return process_read(getpid(), &self, NULL);
}

static void by_its_perf_map(void **state)
{
    static uint64_t addresses[300]; /* more than a question can have */
    static struct frame frames[300];
    struct jitted *jitted = NULL;
    FILE *file = fopen(path(), "w");

    for (unsigned i = 0; i < 300; i++) {
        addresses[i] = 0x1000 + 0x10 * i;
        if (i % 3)
            fprintf(file, "%x 10 method_%u\n", 0x1000 + 0x10 * i, i);
    }
    fclose(file);
    assert_int_equal(jitted_new(&jitted, &self), 0);
    jitted_names(jitted, addresses, 300, frames);
    for (unsigned i = 0; i < 300; i++) {
        char name[32] = "";

        if (i % 3)
            snprintf(name, sizeof(name), "method_%u", i);
        assert_string_equal(frames[i].text, name);
        assert_int_equal(frames[i].source, i % 3 ? FRAME_PERF_MAP : FRAME_UNKNOWN);
    }
    jitted_free(&jitted);
    assert_null(jitted);
    jitted_free(&jitted);
}

static void by_nothing(void **state)
{
    struct jitted *jitted = NULL;
    uint64_t address = (uint64_t)&self;
    char type[FRAME_TEXT_MAX] = "#";
    struct frame frame;

    assert_int_equal(jitted_new(&jitted, &self), 0);
    for (int i = 0; i < 2; i++) {
        jitted_names(jitted, &address, 1, &frame);
        assert_int_equal(frame.source, FRAME_UNKNOWN);
        assert_false(jitted_type(jitted, address, type));
        assert_string_equal(type, "");
    }
    jitted_free(&jitted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_its_perf_map, remove_map, remove_map),
        cmocka_unit_test_setup_teardown(by_nothing, remove_map, remove_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
