/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "golden.h"

static struct report report;

#define PROCESS                                                                                    \
    "{'pid': 2147483000, 'namespace_pid': 2147483000, 'name': 'dotnet', 'command': 'dotnet "       \
    "app.dll', 'container': null, 'runtime': {'version': '10.0.14', 'flavour': 'self-contained', " \
    "'build_id': 'abcd', 'arch': 'x86_64', 'libc': 'musl', 'gc': 'unknown'}, "
#define VERBOSE                                                                                    \
    "'level': 5, 'keywords': '0x8001', 'level_name': 'Verbose(5)', 'keyword_names': 'GC, "         \
    "Exception'"
#define NONE    "'level': 0, 'keywords': '0x0', 'level_name': 'None(0)', 'keyword_names': ''"
#define RUNTIME "Microsoft-Windows-DotNETRuntime"

static void verbose(void **state)
{
    fixture_verbose(&report);
    expect_golden(
        report_json(&report), PROCESS
        "'gc': {'public': {" VERBOSE "}, 'private': {" NONE "}, 'source': 'structure'}, "
        "'providers': [{" VERBOSE ", 'name': '" RUNTIME "', 'sink': 'EventPipe', 'enabled': "
        "true}, {" NONE ", 'name': '" RUNTIME "Stress', 'sink': 'LTTng', 'enabled': false}], "
        "'eventpipe_provider': {'level': 5, 'keywords': '0x8001', 'sessions_mask': '0x1'}, "
        "'sessions': [{'index': 0, 'id': '0x7f0012345678', 'type': 'IPC stream', 'started': "
        "'2026-11-24T06:30:00.250000Z', 'ending': false, 'providers': [{'name': '" RUNTIME
        "', 'keywords': '0x8001', 'level': 5, 'keyword_names': 'GC, Exception', 'filter': "
        "null}], 'more_providers': 0, 'everything': false, 'rundown': true, 'buffer_bytes': "
        "268435456, 'client': {'pid': 77, 'name': 'dotnet-trace', 'command': 'dotnet-trace', "
        "'uid': 1000, 'container': null}, 'client_state': 'alive', 'unread_bytes': 4096, "
        "'asked_by': null}], "
        "'clients': [{'pid': 77, 'name': 'dotnet-trace', 'command': 'dotnet-trace', 'reverse': "
        "false}], 'not_read': [], 'verdict': 'verbose', 'reasons': ["
        "'the GC`s public events (" RUNTIME ") are at Verbose(5), keywords 0x8001 (GC, "
        "Exception)', "
        "'the runtime`s own events (" RUNTIME ") are at Verbose(5), keywords 0x8001 (GC, "
        "Exception)', "
        "'session 0 (IPC stream) asks for " RUNTIME ":0x8001:5, client dotnet-trace (pid "
        "77)']}");
}

static void nothing_readable(void **state)
{
    fixture_verbose(&report);
    memset(&report.observation, 0, sizeof(report.observation));
    report.observation.clients.peer_count = 1; /* and nothing of it counts */
    strcpy(report.observation.gc_why.text, "why 1");
    strcpy(report.observation.contexts_why.text, "why 2");
    strcpy(report.observation.sessions_why.text, "why 3");
    strcpy(report.observation.clients_why.text, "why 4");
    judge(&report.observation, LEVEL_VERBOSE, &report.judgement);
    expect_golden(report_json(&report), PROCESS
                  "'gc': {'public': null, 'private': null, 'source': null, 'reason': 'why 1'}, "
                  "'providers': [], 'eventpipe_provider': null, 'sessions': null, 'clients': [], "
                  "'not_read': ['contexts: why 2', 'sessions: why 3', 'clients: why 4'], "
                  "'verdict': 'unknown', 'reasons': ['the GC`s event state can`t be "
                  "read: why 1']}");
}

static void not_opened(void **state)
{
    fixture_failed(&report);
    expect_golden(
        report_json(&report),
        "{'pid': 4711, 'namespace_pid': 7, 'name': '', 'command': '', 'container': null, "
        "'runtime': null, 'gc': null, 'providers': [], 'clients': [], 'verdict': 'unknown', "
        "'reasons': ['cannot read /proc/4711: Permission denied']}");
}

static void strange_names(void **state)
{
    json_t *json;

    fixture_verbose(&report);
    strcpy(report.target.process.name, "a\"b\\c");
    strcpy(report.target.process.command, "\u00e4\u20ac\U0001f600 'x'");
    strcpy(report.observation.sessions.items[0].providers[0].name, "My\\\"Events");
    strcpy(report.observation.clients.peers[0].command, "\"\\\"");
    json = report_json(&report);
    assert_string_equal(json_string_value(json_object_get(json, "name")), "a\"b\\c");
    assert_string_equal(json_string_value(json_object_get(json, "command")),
                        "\u00e4\u20ac\U0001f600 'x'");
    assert_int_equal(json_array_size(json_object_get(json, "sessions")), 1);
    assert_int_equal(json_array_size(json_object_get(json, "clients")), 1);
    json_decref(json);
}

/* Names that are cut leave every reason in place. */
static void cut_names(void **state)
{
    json_t *json;

    fixture_verbose(&report);
    report.observation.clients.peers[0].command[0] = 'x';
    for (size_t i = 1; i + 2 < sizeof(report.observation.clients.peers[0].command); i += 2)
        strcpy(report.observation.clients.peers[0].command + i, "\u00e4");
    judge(&report.observation, LEVEL_VERBOSE, &report.judgement);
    json = report_json(&report);
    assert_int_equal(json_array_size(json_object_get(json, "reasons")), 3);
    json_decref(json);
}

static void documents(void **state)
{
    struct report failed, *const reports[] = {&report, &failed};
    struct summary summary = {.processes = 2, .hidden = 3};
    json_t *json;

    fixture_verbose(&report);
    fixture_failed(&failed);
    summary.counts[VERDICT_VERBOSE] = summary.counts[VERDICT_UNKNOWN] = 1;
    json = report_document(reports, 2, &summary);
    assert_string_equal(json_string_value(json_object_get(json, "schema")), "clrmon.check/1");
    assert_int_equal(json_array_size(json_object_get(json, "processes")), 2);
    expect_golden(
        json_incref(json_object_get(json, "summary")),
        "{'processes': 2, 'off': 0, 'informational': 0, 'unknown': 1, 'verbose': 1, 'leaked': "
        "0, 'not_examined': 3, 'worst': 'verbose'}");
    json_decref(json);
    expect_golden(
        report_document(NULL, 0, &(struct summary){0}),
        "{'schema': 'clrmon.check/1', 'processes': [], 'summary': {'processes': 0, 'off': 0, "
        "'informational': 0, 'unknown': 0, 'verbose': 0, 'leaked': 0, 'not_examined': 0, "
        "'worst': 'off'}}");
}

static void worst(void **state)
{
    for (enum verdict verdict = 0; verdict < VERDICT_MAX; verdict++) {
        struct summary summary = {.counts = {1}};

        summary.counts[verdict]++;
        assert_int_equal(summary_worst(&summary), verdict);
    }
    assert_int_equal(summary_worst(&(struct summary){0}), VERDICT_OFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbose),    cmocka_unit_test(nothing_readable),
        cmocka_unit_test(not_opened), cmocka_unit_test(strange_names),
        cmocka_unit_test(cut_names),  cmocka_unit_test(documents),
        cmocka_unit_test(worst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
