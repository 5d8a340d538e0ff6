/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/event_name.h"
#include "util/cleanup.h"

static void names(void **state)
{
    static const struct {
        uint16_t id;
        const char *name;
    } table[] = {
        {1, "GCStart"},
        {10, "GCAllocationTick"},
        {80, "ExceptionThrown"},
        {81, "ContentionStart"},
        {91, "ContentionStop"},
        {143, "MethodLoadVerbose"},
        {302, "WaitHandleWaitStop"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_string_equal(event_name(table[i].id), table[i].name);
    assert_null(event_name(0));
    assert_null(event_name(UINT16_MAX));
}

/* They are sorted, and fit to be a label. */
static void all(void **state)
{
    size_t known = 0;

    for (uint32_t id = 0; id <= UINT16_MAX; id++) {
        const char *name = event_name((uint16_t)id);

        if (!name)
            continue;
        assert_int_equal(
            strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
            strlen(name));
        known++;
    }
    assert_int_equal(known, 158);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(all)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
