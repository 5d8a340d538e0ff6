/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>

#include "state/target.h"

/* Real runtimes are for the end-to-end tests; here is what is none. */
static void no_target(void **state)
{
    static const struct locator_options options = {.sources = SOURCES_ALL};
    _locator_free_ struct locator *locator = NULL;
    struct reason why = {""};
    struct target target;

    assert_int_equal(locator_new(&locator, &options), 0);
    assert_int_equal(target_open(INT_MAX, locator, &target, &why), -ESRCH);
    assert_true(why.text[0]);
    assert_int_equal(target.process.pid, INT_MAX);
    assert_int_equal(target_open(getpid(), locator, &target, &why), -ENOEXEC);
    assert_string_equal(why.text, "runs no .NET runtime");
    assert_string_equal(target.process.name, "test_target");
    assert_int_equal(target.runtime.maps.count, 0);
}

static void versions(void **state)
{
    struct located located = {.inspection.identity.version = "10.0.14"};
    struct target target = {0};

    assert_string_equal(target_version(&target), "");
    target.image = &located;
    assert_string_equal(target_version(&target), "10.0.14");
    snprintf(target.runtime.version, sizeof(target.runtime.version), "10.0.15");
    assert_string_equal(target_version(&target), "10.0.15");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_target), cmocka_unit_test(versions)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
