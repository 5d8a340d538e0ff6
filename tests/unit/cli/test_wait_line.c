/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "util/cleanup.h"
#include "wait_line.h"

static void lines(void **state)
{
    static const struct {
        const char *json;
        const char *line;
    } rows[] = {
        {"{\"time\":\"2026-11-24T06:29:59.123456Z\",\"pid\":4711,\"name\":\"orders.dll\","
         "\"tid\":4720,\"thread\":\"worker\",\"wait_ns\":15000000,\"lock\":\"0x7f1200001000\","
         "\"type\":\"Contoso.Cache\",\"owner_tid\":4712,\"owner_name\":\"main\",\"thrown\":false}",
         "  06:29:59.123    4711 orders.dll   4720 worker        15ms Cache          4712 main"},
        {"{\"time\":\"2026-11-23T06:29:59Z\",\"pid\":4711,\"name\":\"orders\",\"tid\":1,"
         "\"thread\":null,\"wait_ns\":1500,\"lock\":\"0x10\",\"type\":null,\"owner_tid\":null,"
         "\"owner_name\":null,\"thrown\":true}",
         "11-23 06:29:59    4711 orders       1                 1.5us 0x10           unknown, "
         "broken off"},
        {"{\"tid\":99999999999999999,\"wait_ns\":-1,\"lock\":\"?\",\"owner_tid\":\"x\"}",
         "                     0              unknown             0ns unknown        unknown"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        char line[WAIT_LINE_MAX];

        assert_non_null(json);
        wait_line(json, INT64_C(1795501800000000), line);
        assert_string_equal(line, rows[i].line);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines)};

    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
