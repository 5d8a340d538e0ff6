/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/json.h"

#include "fixture.h"

static void expect(json_t *json, const char *expected)
{
    char *text = json_dumps(json, JSON_ENCODE_ANY);

    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
}

static void scalars(void **state)
{
    expect(json_hex(0), "\"0x0\"");
    expect(json_hex(0x8001), "\"0x8001\"");
    expect(json_hex(UINT64_MAX), "\"0xffffffffffffffff\"");
    expect(json_text_or_null(NULL), "null");
    expect(json_text_or_null(""), "null");
    expect(json_text_or_null("a\"b\\c\n"), "\"a\\\"b\\\\c\\n\"");
}

static void processes(void **state)
{
    struct process process = {.pid = 42,
                              .namespace_pid = 1,
                              .name = "we\"ird\\",
                              .command = "dotnet \u00e4.dll",
                              .container = "0123"};

    expect(json_process(&process),
           "{\"pid\": 42, \"namespace_pid\": 1, \"name\": \"we\\\"ird\\\\\", \"command\": \"dotnet "
           "\u00e4.dll\", \"container\": \"0123\"}");
}

static void runtimes(void **state)
{
    struct report report;

    fixture_verbose(&report);
    expect(json_runtime(&report.target),
           "{\"version\": \"10.0.14\", \"flavour\": \"self-contained\", \"build_id\": \"abcd\", "
           "\"arch\": \"x86_64\", \"libc\": \"musl\", \"gc\": \"unknown\"}");
    fixture_image.inspection.identity = (struct identity){0};
    expect(json_runtime(&report.target),
           "{\"version\": null, \"flavour\": \"self-contained\", \"build_id\": null, "
           "\"arch\": \"unknown\", \"libc\": \"musl\", \"gc\": \"unknown\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(processes),
        cmocka_unit_test(runtimes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
