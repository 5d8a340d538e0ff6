/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proc/environment.h"

#define ENVIRONMENT(bytes)                                                                         \
    {                                                                                              \
        .text = (char[]){bytes}, .length = sizeof(bytes) - 1                                       \
    }

static void get(void **state)
{
    const struct environment environment =
        ENVIRONMENT("A=1\0AB=2\0=3\0NOTHING\0EMPTY=\0A=again\0LINES=a\nb=c\0CUT=of");
    const struct environment none = {0};

    assert_string_equal(environment_get(&environment, "A"), "1");
    assert_string_equal(environment_get(&environment, "AB"), "2");
    assert_string_equal(environment_get(&environment, "EMPTY"), "");
    assert_string_equal(environment_get(&environment, "LINES"), "a\nb=c");
    assert_string_equal(environment_get(&environment, "CUT"), "of");
    assert_null(environment_get(&environment, "a"));
    assert_null(environment_get(&environment, "NOTHING"));
    assert_null(environment_get(&environment, "b"));
    assert_null(environment_get(&none, "A"));
}

static void knobs(void **state)
{
    const struct environment environment =
        ENVIRONMENT("COMPlus_EnableEventPipe=1\0DOTNET_EnableEventPipe=0\0COMPlus_gcServer=1\0"
                    "DOTNET_EventPipeConfig=\0COMPlus_EventPipeConfig=x\0dotnet_LTTng=1\0"
                    "DOTNET_EnableEventLog=");
    static const struct {
        const char *name;
        const char *value;
        enum knob_prefix prefix;
    } table[] = {
        {"EnableEventPipe", "0", KNOB_DOTNET},  {"gcServer", "1", KNOB_COMPLUS},
        {"EventPipeConfig", "x", KNOB_COMPLUS}, {"LTTng", NULL, KNOB_UNSET},
        {"EnableEventLog", NULL, KNOB_UNSET},   {"gcserver", NULL, KNOB_UNSET},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct knob knob = environment_knob(&environment, table[i].name);

        assert_int_equal(knob.prefix, table[i].prefix);
        if (table[i].value)
            assert_string_equal(knob.value, table[i].value);
        else
            assert_null(knob.value);
    }
    assert_string_equal(knob_prefix_text(KNOB_COMPLUS), "COMPlus_");
    assert_string_equal(knob_prefix_text(KNOB_UNSET), "");
}

static void numbers(void **state)
{
    static const struct {
        const char *value;
        uint64_t expected;
    } table[] = {
        {"1", 1},
        {"0", 0},
        {"10", 16},
        {"0x10", 16},
        {" 1", 1},
        {"1z", 1},
        {"", 7},
        {"yes", 7},
        {NULL, 7},
        {"ffffffff", UINT32_MAX},
        {"100000000", 7},
        {"-1", 7},
        {"fffffffffffffffffffff", 7},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_int_equal(knob_number(table[i].value, 7), table[i].expected);
}

static void reads_itself(void **state)
{
    struct environment environment;
    struct reason why;

    assert_int_equal(environment_read(getpid(), &environment, &why), 0);
    assert_false(environment.cut);
    if (getenv("PATH"))
        assert_string_equal(environment_get(&environment, "PATH"), getenv("PATH"));
    environment_close(&environment);
    environment_close(&environment);
    assert_int_equal(environment_read(INT32_MAX, &environment, &why), -ESRCH);
    assert_null(environment_get(&environment, "PATH"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get),
        cmocka_unit_test(knobs),
        cmocka_unit_test(numbers),
        cmocka_unit_test(reads_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
