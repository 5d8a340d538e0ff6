/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "event_line.h"
#include "util/cleanup.h"

#define NOW INT64_C(1795501800000000) /* 2026-11-24T06:30:00Z */

#define HEAD(kind) "{\"schema\":\"clrmon.event/1\",\"id\":1,\"kind\":\"" kind "\","
#define TODAY      "\"time\":\"2026-11-24T06:29:59.123456Z\","
#define WHO        "\"pid\":1234,\"name\":\"orders\",\"tid\":1240,\"thread\":\".NET EventPipe\","
#define CHANGE                                                                                     \
    "\"provider\":\"public\",\"old\":{\"level\":0,\"keywords\":\"0x0\"},"                          \
    "\"new\":{\"level\":5,\"keywords\":\"0x8001\"},"

static const struct {
    const char *event, *line;
} rows[] = {
    {HEAD("gc.events") TODAY WHO CHANGE
     "\"cause\":\"client\",\"client\":{\"pid\":99,\"command\":\"dotnet dotnet-trace.dll\"}}",
     "  06:29:59.123    1234 orders       public 0->Verbose(5) 0x8001 dotnet dotnet-trace.dll(99)"},
    {HEAD("gc.events") TODAY WHO CHANGE "\"cause\":\"rundown\",\"client\":null}",
     "  06:29:59.123    1234 orders       public 0->Verbose(5) 0x8001 rundown"},
    {HEAD("provider") TODAY WHO CHANGE "\"cause\":\"listener\",\"client\":null}",
     "  06:29:59.123    1234 orders       provider public 0->Verbose(5) 0x8001 listener"},
    {HEAD("process.start") "\"time\":\"2026-11-23T23:59:59.9Z\"," WHO
                           "\"flavour\":\"CoreCLR\",\"version\":\"8.0.11\"}",
     "11-23 23:59:59    1234 orders       start 8.0.11 CoreCLR"},
    {HEAD("process.exit") TODAY WHO "\"flavour\":\"\",\"version\":\"\"}",
     "  06:29:59.123    1234 orders       exit"},
    {HEAD("verdict") TODAY WHO
     "\"old_verdict\":\"off\",\"new_verdict\":\"leaked\",\"reason\":\"nobody asks\"}",
     "  06:29:59.123    1234 orders       off->leaked nobody asks"},
    {HEAD("loss") TODAY "\"pid\":0,\"name\":\"\",\"lost\":17,\"reason\":\"\"}",
     "  06:29:59.123       - -            17 records were lost; state was read again"},
    {HEAD("gap") TODAY "\"pid\":0,\"name\":\"\",\"since\":\"2026-11-24T05:00:00.000000Z\"}",
     "  06:29:59.123       - -            nobody was watching since 11-24 05:00:00"},
    {HEAD("reset") TODAY WHO "\"outcome\":\"put_back\",\"provider\":\"x\","
                             "\"old\":{\"level\":5,\"keywords\":\"0x8001\"},"
                             "\"new\":{\"level\":4,\"keywords\":\"0x1\"},"
                             "\"reason\":\"put back: Runtime\"}",
     "  06:29:59.123    1234 orders       reset 5->Informational(4) 0x1 put back: Runtime"},
    {HEAD("reset") TODAY WHO "\"outcome\":\"refused\",\"provider\":null,\"old\":null,\"new\":null,"
                             "\"reason\":\"refused: not now\"}",
     "  06:29:59.123    1234 orders       reset refused: not now"},
    {HEAD("news") TODAY WHO "\"more\":1}", "  06:29:59.123    1234 orders       news"},
    {"{}", "                     - -"},
};

static void lines(void **state)
{
    setenv("TZ", "UTC", 1);
    tzset();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *event = json_loads(rows[i].event, 0, NULL);
        char line[EVENT_LINE_MAX];

        assert_non_null(event);
        event_line(event, NOW, line);
        assert_string_equal(line, rows[i].line);
        json_decref(event);
    }
}

/* Whatever the fields are of. */
static void bears_other_types(void **state)
{
    static const char *const values[] = {"null", "1", "\"x\"", "[]", "{}", "-1e300", "true"};
    static const char *const fields[] = {"time",   "pid",    "name",       "provider", "old",
                                         "new",    "client", "cause",      "since",    "lost",
                                         "reason", "kind",   "old_verdict"};

    for (size_t row = 0; row < ARRAY_SIZE(rows); row++)
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
            for (size_t n = 0; n < ARRAY_SIZE(values); n++) {
                json_t *event = json_loads(rows[row].event, 0, NULL);
                char line[EVENT_LINE_MAX];

                json_object_set_new(event, fields[i], json_loads(values[n], JSON_DECODE_ANY, NULL));
                event_line(event, NOW, line);
                assert_true(strlen(line) < EVENT_LINE_MAX);
                json_decref(event);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(bears_other_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
