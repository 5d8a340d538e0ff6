/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "event.h"
#include "util/timestamp.h"

static const struct event change = {
    .id = 42,
    .time_us = 1795501800123456,
    .kind = EVENT_GC_EVENTS,
    .pid = 1234,
    .name = "dotnet",
    .tid = 1240,
    .thread = ".NET EventPipe",
    .old = {4, 0x1},
    .new = {5, 0x8001},
    .cause = CAUSE_CLIENT,
    .client = 99,
    .client_name = "dotnet",
    .client_command = "dotnet dotnet-trace.dll",
};

static struct event with(enum event_kind kind, const char *detail)
{
    struct event event = change;

    event.kind = kind;
    snprintf(event.detail, sizeof(event.detail), "%s", detail);
    return event;
}

static void assert_json(const struct event *event, const char *expected)
{
    json_t *json = event_json(event);
    char *text;

    assert_non_null(json);
    text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
}

#define HEAD(kind)                                                                                 \
    "{\"schema\":\"clrmon.event/1\",\"id\":42,\"time\":\"2026-11-24T06:30:00.123456Z\",\"kind\":"  \
    "\"" kind "\",\"pid\":1234,\"name\":\"dotnet\",\"tid\":1240,\"thread\":\".NET EventPipe\","

#define CHANGE                                                                                     \
    "\"provider\":\"public\",\"old\":{\"level\":4,\"keywords\":\"0x1\"},"                          \
    "\"new\":{\"level\":5,\"keywords\":\"0x8001\"},\"cause\":\"client\","                          \
    "\"client\":{\"pid\":99,\"name\":\"dotnet\",\"command\":\"dotnet dotnet-trace.dll\"}}"

static void json_of_each_kind(void **state)
{
    struct event event = change;

    assert_json(&event, HEAD("gc.events") CHANGE);
    event = with(EVENT_PROVIDER, "");
    assert_json(&event, HEAD("provider") CHANGE);
    event = with(EVENT_PROCESS_START, "framework-dependent 10.0.0");
    assert_json(&event, HEAD("process.start") "\"flavour\":\"framework-dependent\","
                                              "\"version\":\"10.0.0\"}");
    event = with(EVENT_PROCESS_EXIT, "NativeAOT ");
    assert_json(&event, HEAD("process.exit") "\"flavour\":\"NativeAOT\",\"version\":\"\"}");
    event = with(EVENT_PROCESS_EXIT, "one of two words 9.0.1");
    assert_json(&event, HEAD("process.exit") "\"flavour\":\"one of two words\","
                                             "\"version\":\"9.0.1\"}");
    event = with(EVENT_PROCESS_EXIT, "");
    assert_json(&event, HEAD("process.exit") "\"flavour\":\"\",\"version\":\"\"}");
    event = with(EVENT_VERDICT, "nobody asks");
    event.old_verdict = VERDICT_VERBOSE;
    event.new_verdict = VERDICT_LEAKED;
    assert_json(&event, HEAD("verdict") "\"old_verdict\":\"verbose\",\"new_verdict\":\"leaked\","
                                        "\"reason\":\"nobody asks\"}");
    event = with(EVENT_LOSS, "ring buffer");
    event.lost = 5000000000;
    assert_json(&event, HEAD("loss") "\"lost\":5000000000,\"reason\":\"ring buffer\"}");
    event = with(EVENT_GAP, "");
    event.since_us = 1;
    assert_json(&event, HEAD("gap") "\"since\":\"1970-01-01T00:00:00.000001Z\",\"reason\":\"\"}");
    event = with(EVENT_RESET, "put back: Private");
    event.provider = PROVIDER_PRIVATE;
    event.old = (struct event_set){5, 0x3};
    event.new = (struct event_set){4, 0x1};
    assert_json(&event, HEAD("reset") "\"outcome\":\"put_back\","
                                      "\"provider\":\"Microsoft-Windows-DotNETRuntimePrivate\","
                                      "\"old\":{\"level\":5,\"keywords\":\"0x3\"},"
                                      "\"new\":{\"level\":4,\"keywords\":\"0x1\"},"
                                      "\"reason\":\"put back: Private\"}");
    event = with(EVENT_RESET, "refused: no");
    event.provider = PROVIDER_MAX;
    event.outcome = OUTCOME_REFUSED;
    assert_json(&event, HEAD("reset") "\"outcome\":\"refused\",\"provider\":null,"
                                      "\"old\":null,\"new\":null,\"reason\":\"refused: no\"}");
}

static void no_client_is_null(void **state)
{
    struct event event = change;
    json_t *json;

    event.client = 0;
    event.private = true;
    event.new.keywords = UINT64_MAX;
    json = event_json(&event);
    assert_true(json_is_null(json_object_get(json, "client")));
    assert_string_equal(json_string_value(json_object_get(json, "provider")), "private");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(json, "new"), "keywords")),
        "0xffffffffffffffff");
    json_decref(json);
}

static void names_are_made_safe(void **state)
{
    struct event event = with(EVENT_PROCESS_START, "\x1b[31m \xff");
    json_t *json;

    memcpy(event.name, "a\nb\xe2\x82", 6);
    memset(event.thread, 0xff, sizeof(event.thread) - 1);
    json = event_json(&event);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "name")), "a?b??");
    assert_string_equal(json_string_value(json_object_get(json, "thread")), "???????????????");
    assert_string_equal(json_string_value(json_object_get(json, "flavour")), "?[31m");
    assert_string_equal(json_string_value(json_object_get(json, "version")), "?");
    json_decref(json);
    event = change;
    memcpy(event.client_name, "\xc3", 2);
    json = event_json(&event);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "client"), "name")),
                        "?");
    json_decref(json);
}

static void names_there_and_back(void **state)
{
    for (enum event_kind kind = 0; kind < EVENT_KIND_MAX; kind++)
        assert_int_equal(event_kind_of_name(event_kind_name(kind)), kind);
    for (enum event_cause cause = 0; cause < CAUSE_MAX; cause++)
        assert_int_equal(event_cause_of_name(event_cause_name(cause)), cause);
    assert_int_equal(event_kind_of_name("gc.event"), EVENT_KIND_MAX);
    assert_int_equal(event_cause_of_name(""), CAUSE_MAX);
    assert_string_equal(event_kind_name(EVENT_GC_EVENTS), "gc.events");
    assert_string_equal(event_cause_name(CAUSE_CLIENT), "client");
    assert_string_equal(reset_outcome_name(OUTCOME_FAILED), "failed");
}

static void times(void **state)
{
    static const struct {
        int64_t time_us;
        const char *expected;
    } table[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {1795501800123456, "2026-11-24T06:30:00.123456Z"},
        {1709164799999999, "2024-02-28T23:59:59.999999Z"},
        {1709164800000000, "2024-02-29T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {-1000000, "1969-12-31T23:59:59.000000Z"},
        {INT64_MAX, "294247-01-10T04:00:54.775807Z"},
        {INT64_MIN, "-290308-12-21T19:59:05.224192Z"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char text[TIMESTAMP_TEXT_MAX];

        timestamp_format(table[i].time_us, text);
        assert_string_equal(text, table[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_of_each_kind),
        cmocka_unit_test(no_client_is_null),
        cmocka_unit_test(names_are_made_safe),
        cmocka_unit_test(names_there_and_back),
        cmocka_unit_test(times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
