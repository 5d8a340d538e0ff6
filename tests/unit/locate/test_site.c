/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "locate/site.h"

static void names(void **state)
{
    static const struct {
        enum site site;
        const char *name;
        bool function;
    } table[] = {
        {SITE_GC_STATE_LEVELS, "gc.state.levels", false},
        {SITE_GC_STATE_KEYWORDS, "gc.state.keywords", false},
        {SITE_GC_CONTROL_PUBLIC_WKS, "gc.control.public.wks", true},
        {SITE_GC_CONTROL_PUBLIC_SVR, "gc.control.public.svr", true},
        {SITE_GC_CONTROL_PRIVATE_WKS, "gc.control.private.wks", true},
        {SITE_GC_CONTROL_PRIVATE_SVR, "gc.control.private.svr", true},
        {SITE_PROVIDER_CONTEXT_RUNTIME, "provider.context.runtime", false},
        {SITE_PROVIDER_CONTEXT_PRIVATE, "provider.context.private", false},
        {SITE_PROVIDER_CONTEXT_RUNDOWN, "provider.context.rundown", false},
        {SITE_PROVIDER_CONTEXT_STRESS, "provider.context.stress", false},
        {SITE_EVENTPIPE_PROVIDER_RUNTIME, "eventpipe.provider.runtime", false},
        {SITE_EVENTPIPE_SESSIONS, "eventpipe.sessions", false},
        {SITE_LOCK_CONTENTION_ENTER, "lock.contention.enter", true},
        {SITE_LOCK_CONTENTION_EXIT, "lock.contention.exit", true},
        {SITE_WAIT_ENTER, "wait.handle.enter", true},
        {SITE_WAIT_EXIT, "wait.handle.exit", true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_string_equal(site_name(table[i].site), table[i].name);
        assert_int_equal(site_is_function(table[i].site), table[i].function);
    }
    for (enum site site = 0; site < SITE_MAX; site++) {
        assert_int_equal(site_of_name(site_name(site)), site);
        if (site != SITE_LOCK_CONTENTION_EXIT && site != SITE_WAIT_EXIT)
            assert_true(site_symbols(site)[0] && site_symbols(site)[0][0]);
    }
    for (enum source source = 0; source < SOURCE_MAX; source++)
        assert_int_equal(source_of_name(source_name(source)), source);
    for (enum confidence confidence = 0; confidence < CONFIDENCE_MAX; confidence++)
        assert_int_equal(confidence_of_name(confidence_name(confidence)), confidence);
    assert_int_equal(site_of_name("gc.state"), SITE_MAX);
    assert_int_equal(site_of_name(""), SITE_MAX);
    assert_int_equal(source_of_name("guess"), SOURCE_NONE);
    assert_int_equal(confidence_of_name("likely"), CONFIDENCE_NONE);
}

static void symbols_are_of_one_site(void **state)
{
    for (enum site a = 0; a < SITE_MAX; a++)
        for (enum site b = 0; b < a; b++)
            for (const char *const *x = site_symbols(a); *x; x++)
                for (const char *const *y = site_symbols(b); *y; y++)
                    assert_string_not_equal(*x, *y);
}

/* The first answer stays, and so does the first reason; an answer replaces a reason. */
static void findings_keep_the_first(void **state)
{
    struct findings findings = {0};
    struct finding *finding = &findings.sites[SITE_GC_STATE_LEVELS];
    char text[2 * EVIDENCE_MAX];

    assert_false(finding_is_found(finding));
    findings_miss(&findings, SITE_GC_STATE_LEVELS, "no %s", "vtable");
    findings_miss(&findings, SITE_GC_STATE_LEVELS, "other");
    assert_string_equal(finding->evidence, "no vtable");
    findings_add(&findings, SITE_GC_STATE_LEVELS, SOURCE_SYMTAB, CONFIDENCE_CERTAIN, 0x10, "a %d",
                 1);
    findings_add(&findings, SITE_GC_STATE_LEVELS, SOURCE_STRUCTURE, CONFIDENCE_PROVEN, 0x20, "b");
    findings_miss(&findings, SITE_GC_STATE_LEVELS, "c");
    assert_true(finding_is_found(finding));
    assert_int_equal(finding->address, 0x10);
    assert_int_equal(finding->source, SOURCE_SYMTAB);
    assert_int_equal(finding->confidence, CONFIDENCE_CERTAIN);
    assert_string_equal(finding->evidence, "a 1");

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    findings_miss(&findings, SITE_GC_STATE_KEYWORDS, "%s", text);
    assert_int_equal(strlen(findings.sites[SITE_GC_STATE_KEYWORDS].evidence), EVIDENCE_MAX - 1);
}

static void credible_answers(void **state)
{
    static const struct findings good = {
        .lock_exits = {.count = 1, .items = {{0x2000, 0x1000, EXIT_THROWS, true}}},
        .wait_exits = {.count = EXITS_MAX},
        .lock = {8, true, 16, THREAD_SIZE_MAX - 1, LOCK_SIZE_MAX - 1, ADDRESS_MAX},
        .events = {.variables = ADDRESS_MAX, .count = EVENTS_MAX},
        .marks = {true, true, MARK_VERSION_MAX, MARK_VERSION_MAX},
    };
    struct findings bad[] = {good, good, good, good, good, good, good,
                             good, good, good, good, good, good};

    bad[0].lock_exits.count = EXITS_MAX + 1;
    bad[1].wait_exits.count = SIZE_MAX;
    bad[2].lock_exits.items[0].address = ADDRESS_MAX + 1;
    bad[3].lock_exits.items[0].offset = 1ull << 63;
    bad[4].lock_exits.items[0].kind = EXIT_THROWS + 1;
    bad[5].events.count = EVENTS_MAX + 1;
    bad[6].events.variables = UINT64_MAX;
    bad[7].lock.holder = LOCK_SIZE_MAX;
    bad[8].lock.owner_tid = UINT16_MAX;
    bad[9].lock.thread_tid = THREAD_SIZE_MAX;
    bad[10].lock.sync_table = ADDRESS_MAX + 1;
    bad[11].marks.start = MARK_VERSION_MAX + 1;
    bad[12].marks.stop = UINT8_MAX;
    assert_true(findings_are_credible(&good));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (findings_are_credible(&bad[i]))
            fail_msg("row %zu is credible", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(symbols_are_of_one_site),
        cmocka_unit_test(credible_answers),
        cmocka_unit_test(findings_keep_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
