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
    plan_make(&findings, &plan);
    assert_int_equal(plan.count, 5);
    assert_int_equal(plan.probes[0].provider, ABI_PROVIDER_PUBLIC);
    assert_int_equal(plan.probes[2].provider, ABI_PROVIDER_PRIVATE);
    assert_int_equal(plan.probes[2].offset, 0x30);
    assert_int_equal(plan.probes[4].program, PROBE_PROVIDER_CALLBACK);
}

static void test_nothing_found_nothing_planned(void **state)
{
    struct findings findings = {0};
    struct plan plan;

    find(&findings, SITE_GC_STATE_LEVELS, 0x10);
    plan_make(&findings, &plan);
    assert_int_equal(plan.count, 0);
}

static void test_a_site_without_an_offset_is_left_out(void **state)
{
    struct findings findings = {0};
    struct plan plan;

    find(&findings, SITE_GC_CONTROL_PUBLIC_WKS, 0);
    plan_make(&findings, &plan);
    assert_int_equal(plan.count, 0);
}

static void test_folded_functions(void **state)
{
    struct findings findings = {0};
    struct plan plan;

    find(&findings, SITE_GC_CONTROL_PUBLIC_WKS, 0x10);
    find(&findings, SITE_GC_CONTROL_PUBLIC_SVR, 0x10); /* the same provider: one probe */
    plan_make(&findings, &plan);
    assert_int_equal(plan.count, 1);
    find(&findings, SITE_GC_CONTROL_PRIVATE_WKS, 0x10); /* whose? */
    find(&findings, SITE_GC_CONTROL_PRIVATE_SVR, 0x20);
    plan_make(&findings, &plan);
    assert_int_equal(plan.count, 1);
    assert_int_equal(plan.probes[0].offset, 0x20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_function_gets_a_probe),
        cmocka_unit_test(test_nothing_found_nothing_planned),
        cmocka_unit_test(test_a_site_without_an_offset_is_left_out),
        cmocka_unit_test(test_folded_functions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
