/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plan.h"

static void find(struct findings *findings, enum site site, uint64_t offset)
{
    findings_add(findings, site, SOURCE_STRUCTURE, CONFIDENCE_PROVEN, offset + 0x1000, "test");
    findings->sites[site].offset = offset;
}

static void test_every_function_gets_a_probe(void **state)
{
    struct findings findings = {0};
    struct plan plan;

    find(&findings, SITE_GC_CONTROL_PUBLIC_WKS, 0x10);
    find(&findings, SITE_GC_CONTROL_PUBLIC_SVR, 0x20);
    find(&findings, SITE_GC_CONTROL_PRIVATE_WKS, 0x30);
    find(&findings, SITE_GC_CONTROL_PRIVATE_SVR, 0x40);
    find(&findings, SITE_PROVIDER_CALLBACK_RUNTIME, 0x50);
    plan_make(&findings, PROBES_GC, &plan, NULL);
    assert_int_equal(plan.count, 5);
    assert_int_equal(plan.probes[0].cookie, ABI_PROVIDER_PUBLIC);
    assert_int_equal(plan.probes[2].cookie, ABI_PROVIDER_PRIVATE);
    assert_int_equal(plan.probes[2].offset, 0x30);
    assert_int_equal(plan.probes[4].program, PROBE_PROVIDER_CALLBACK);
}

static void test_nothing_found_nothing_planned(void **state)
{
    struct findings findings = {0};
    struct plan plan;

    find(&findings, SITE_GC_STATE_LEVELS, 0x10);
    plan_make(&findings, PROBES_GC, &plan, NULL);
    assert_int_equal(plan.count, 0);
}

static void test_a_site_without_an_offset_is_left_out(void **state)
{
    struct findings findings = {0};
    struct plan plan;

    find(&findings, SITE_GC_CONTROL_PUBLIC_WKS, 0);
    plan_make(&findings, PROBES_GC, &plan, NULL);
    assert_int_equal(plan.count, 0);
}

static void test_folded_functions(void **state)
{
    struct findings findings = {0};
    struct plan plan;

    find(&findings, SITE_GC_CONTROL_PUBLIC_WKS, 0x10);
    find(&findings, SITE_GC_CONTROL_PUBLIC_SVR, 0x10); /* the same provider: one probe */
    plan_make(&findings, PROBES_GC, &plan, NULL);
    assert_int_equal(plan.count, 1);
    find(&findings, SITE_GC_CONTROL_PRIVATE_WKS, 0x10); /* whose? */
    find(&findings, SITE_GC_CONTROL_PRIVATE_SVR, 0x20);
    plan_make(&findings, PROBES_GC, &plan, NULL);
    assert_int_equal(plan.count, 1);
    assert_int_equal(plan.probes[0].offset, 0x20);
}

static void add_exit(struct function_exits *exits, uint64_t offset, enum exit_kind kind)
{
    exits->items[exits->count++] =
        (struct function_exit){.address = offset + 0x1000, .offset = offset, .kind = kind};
}

/* All exits, then the entry, so that no entry is seen whose exit is not. */
static void test_waits(void **state)
{
    static const struct planned_probe expected[] = {
        {PROBE_LOCK_EXIT, SITE_LOCK_CONTENTION_EXIT, ABI_EXIT_RETURNS, 0x20},
        {PROBE_LOCK_EXIT, SITE_LOCK_CONTENTION_EXIT, ABI_EXIT_THROWS, 0x30},
        {PROBE_LOCK_ENTER, SITE_LOCK_CONTENTION_ENTER, 0x0128001c0010, 0x10},
    };
    struct findings findings = {
        .lock = {.holder = 0x10,
                 .holder_is_thread = true,
                 .owner_tid = 0x1c,
                 .sync_index = 0x14,
                 .thread_tid = 0x128},
    };
    struct plan plan;

    find(&findings, SITE_LOCK_CONTENTION_ENTER, 0x10);
    find(&findings, SITE_LOCK_CONTENTION_EXIT, 0x20);
    add_exit(&findings.lock_exits, 0x20, EXIT_RETURNS);
    add_exit(&findings.lock_exits, 0x30, EXIT_THROWS);
    plan_make(&findings, PROBES_CONTENTION, &plan, NULL);
    assert_int_equal(plan.count, ARRAY_SIZE(expected));
    assert_memory_equal(plan.probes, expected, sizeof(expected));
    plan_make(&findings, PROBES_MANAGED_LOCKS, &plan, NULL);
    assert_int_equal(plan.count, 0);

    findings.lock.holder_is_thread = false; /* a managed id, by which no thread is found */
    plan_make(&findings, PROBES_CONTENTION, &plan, NULL);
    assert_int_equal(abi_lock_layout_of(plan.probes[2].cookie).holder, 0);
    assert_int_equal(abi_lock_layout_of(plan.probes[2].cookie).owner_tid, 0x1c);
}

static void test_handles(void **state)
{
    struct findings findings = {0};
    struct plan plan;

    find(&findings, SITE_WAIT_ENTER, 0x10);
    find(&findings, SITE_WAIT_EXIT, 0x20);
    add_exit(&findings.wait_exits, 0x20, EXIT_RETURNS);
    plan_make(&findings, PROBES_MANAGED_LOCKS, &plan, NULL);
    assert_int_equal(plan.count, 2);
    assert_int_equal(plan.probes[0].program, PROBE_WAIT_EXIT);
    assert_int_equal(plan.probes[1].program, PROBE_WAIT_ENTER);
    assert_int_equal(plan.probes[1].cookie, 0);
}

static void test_as_many_exits_as_can_be(void **state)
{
    struct findings findings = {0};
    struct plan plan;

    find(&findings, SITE_LOCK_CONTENTION_ENTER, 0x10);
    for (uint64_t i = 0; i < EXITS_MAX; i++)
        add_exit(&findings.lock_exits, 0x100 + i, EXIT_RETURNS);
    plan_make(&findings, PROBES_CONTENTION, &plan, NULL);
    assert_int_equal(plan.count, PLAN_PROBES_MAX);
    assert_int_equal(plan.probes[EXITS_MAX].program, PROBE_LOCK_ENTER);
}

static void test_why_not(void **state)
{
    struct findings findings = {0};
    struct reason why = {""};
    struct plan plan;

    findings_miss(&findings, SITE_LOCK_CONTENTION_ENTER, "two functions match");
    plan_make(&findings, PROBES_CONTENTION, &plan, &why);
    assert_int_equal(plan.count, 0);
    assert_string_equal(why.text, "lock.contention.enter: two functions match");

    find(&findings, SITE_LOCK_CONTENTION_ENTER, 0x10);
    findings_miss(&findings, SITE_LOCK_CONTENTION_EXIT, "it ends in an indirect jump");
    plan_make(&findings, PROBES_CONTENTION, &plan, &why);
    assert_int_equal(plan.count, 0); /* an entry alone would keep all waiting */
    assert_string_equal(why.text, "lock.contention.exit: it ends in an indirect jump");

    plan_make(&findings, PROBES_MANAGED_LOCKS, &plan, &why);
    assert_string_equal(why.text, "wait.handle.enter: not found");
}

static void test_marks(void **state)
{
    struct findings findings = {.marks = {.found = true, .start = 1}};
    struct reason why = {""};
    struct plan plan;

    plan_make(&findings, PROBES_CONTENTION, &plan, &why);
    assert_int_equal(plan.count, 2);
    assert_int_equal(plan.probes[0].program, PROBE_MARK_STOP);
    assert_int_equal(plan.probes[0].cookie, 0);
    assert_int_equal(plan.probes[1].program, PROBE_MARK_START);
    assert_int_equal(plan.probes[1].cookie, 1);
    assert_true(plan_is_by_marks(&plan));

    find(&findings, SITE_LOCK_CONTENTION_ENTER, 0x10); /* its exits are not known */
    plan_make(&findings, PROBES_CONTENTION, &plan, &why);
    assert_true(plan_is_by_marks(&plan));
    add_exit(&findings.lock_exits, 0x20, EXIT_RETURNS); /* never both */
    plan_make(&findings, PROBES_CONTENTION, &plan, &why);
    assert_false(plan_is_by_marks(&plan));
    assert_int_equal(plan.count, 2);
    assert_int_equal(plan.probes[1].program, PROBE_LOCK_ENTER);

    plan_make(&findings, PROBES_MANAGED_LOCKS, &plan, &why);
    assert_false(plan_is_by_marks(&plan));
}

static void test_events(void **state)
{
    struct findings findings = {0};
    struct reason why = {""};
    struct plan plan;

    findings_miss(&findings, SITE_EVENTPIPE_WRITE, "two functions are handed events");
    plan_make(&findings, PROBES_EVENTS, &plan, &why);
    assert_int_equal(plan.count, 0);
    assert_string_equal(why.text, "eventpipe.write: two functions are handed events");
    find(&findings, SITE_EVENTPIPE_WRITE, 0x10);
    plan_make(&findings, PROBES_EVENTS, &plan, &why);
    assert_int_equal(plan.count, 1);
    assert_int_equal(plan.probes[0].program, PROBE_EVENT_WRITE);
    assert_int_equal(plan.probes[0].offset, 0x10);
}

static void test_names_of_families(void **state)
{
    for (enum probe_family i = 0; i < PROBES_FAMILY_MAX; i++)
        assert_int_equal(probe_family_of_name(probe_family_name(i)), i);
    assert_int_equal(probe_family_of_name("locks"), PROBES_FAMILY_MAX);
}

static void test_a_cookie_keeps_what_it_is_given(void **state)
{
    struct abi_lock_layout layout = {0xffff, 1, 0x8000};
    struct abi_lock_layout back = abi_lock_layout_of(abi_lock_cookie(layout));

    assert_memory_equal(&layout, &back, sizeof(back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_function_gets_a_probe),
        cmocka_unit_test(test_nothing_found_nothing_planned),
        cmocka_unit_test(test_a_site_without_an_offset_is_left_out),
        cmocka_unit_test(test_folded_functions),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_handles),
        cmocka_unit_test(test_as_many_exits_as_can_be),
        cmocka_unit_test(test_why_not),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_names_of_families),
        cmocka_unit_test(test_a_cookie_keeps_what_it_is_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
