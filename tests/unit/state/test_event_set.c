/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "state/event_set.h"
#include "util/cleanup.h"

static void levels(void **state)
{
    static const struct {
        struct event_set set;
        const char *text;
    } table[] = {
        {{0, 0}, "None(0)"},
        {{0, 1}, "LogAlways(0)"},
        {{1, 0}, "Critical(1)"},
        {{2, 1}, "Error(2)"},
        {{3, 1}, "Warning(3)"},
        {{4, 1}, "Informational(4)"},
        {{5, 0}, "Verbose(5)"},
        {{6, 1}, "Level(6)"},
        {{9, 0}, "Level(9)"},
        {{255, 1}, "Level(255)"},
        {{UINT32_MAX, 1}, "Level(4294967295)"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char text[LEVEL_TEXT_MAX];

        level_format(table[i].set, text);
        assert_string_equal(text, table[i].text);
    }
}

static void keywords(void **state)
{
    static const struct {
        enum provider provider;
        uint64_t keywords;
        const char *text;
    } table[] = {
        {PROVIDER_RUNTIME, 0, ""},
        {PROVIDER_RUNTIME, 0x1, "GC"},
        {PROVIDER_RUNTIME, 0x8001, "GC, Exception"},
        {PROVIDER_RUNTIME, 0x4000, "Contention"},
        {PROVIDER_RUNTIME, 0x80000000000, "AllocationSampling"},
        {PROVIDER_RUNTIME, 0x100, ""}, /* has no name */
        {PROVIDER_RUNTIME, 0x101, "GC"},
        {PROVIDER_RUNTIME, 1ull << 63, ""},
        {PROVIDER_PRIVATE, 0x1, "GCPrivate"},
        {PROVIDER_RUNDOWN, 0x101, "GC, EndRundown"},
        {PROVIDER_STRESS, UINT64_MAX >> 1, "Stack"},
        {PROVIDER_STRESS, UINT64_MAX, "all"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char text[KEYWORDS_TEXT_MAX];

        keywords_format(table[i].provider, table[i].keywords, text);
        assert_string_equal(text, table[i].text);
    }
}

/* Every start of the list of keywords: whole names, and dots where one did not fit. */
static void overlong_lists(void **state)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        uint64_t mask = (1ull << bits) - 1;
        char text[KEYWORDS_TEXT_MAX + 8];

        memset(text, '!', sizeof(text));
        keywords_format(PROVIDER_RUNTIME, mask, text);
        assert_non_null(memchr(text, 0, KEYWORDS_TEXT_MAX));
        assert_int_equal(text[KEYWORDS_TEXT_MAX], '!');
        if (bits == 63)
            assert_string_equal(text + strlen(text) - 5, ", ...");
    }
}

static void providers(void **state)
{
    assert_string_equal(provider_name(PROVIDER_RUNTIME), "Microsoft-Windows-DotNETRuntime");
    assert_string_equal(provider_name(PROVIDER_RUNDOWN), "Microsoft-Windows-DotNETRuntimeRundown");
    assert_string_equal(provider_short_name(PROVIDER_PRIVATE), "Private");
    assert_string_equal(provider_short_name(PROVIDER_STRESS), "Stress");
    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        assert_int_equal(provider_of_name(provider_name(provider)), provider);
    assert_int_equal(provider_of_name("Microsoft-Windows-DotNETRuntimeX"), PROVIDER_MAX);
    assert_int_equal(provider_of_name("microsoft-windows-dotnetruntime"), PROVIDER_MAX);
    assert_int_equal(provider_of_name(""), PROVIDER_MAX);
}

static void unions(void **state)
{
    struct event_set set = {4, 0x1};

    event_set_add(&set, (struct event_set){5, 0x8000});
    assert_int_equal(set.level, 5);
    assert_int_equal(set.keywords, 0x8001);
    event_set_add(&set, (struct event_set){0, 0});
    assert_int_equal(set.level, 5);
    assert_int_equal(set.keywords, 0x8001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),    cmocka_unit_test(keywords), cmocka_unit_test(overlong_lists),
        cmocka_unit_test(providers), cmocka_unit_test(unions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
