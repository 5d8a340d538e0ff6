/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "golden.h"
#include "report/sessions.h"

#define RUNTIME "Microsoft-Windows-DotNETRuntime"

static struct sessions_report report;

/* The process of fixture_verbose(), whose runtime has 0x8011:5 on where 0x8001:5 is wanted. */
static int reset(void **state)
{
    fixture_sessions(&report, (struct event_set){5, 0x8011});
    return 0;
}

static json_t *first_session(void)
{
    return session_json(&report.survey.seen, &report.survey.seen.sessions.items[0], "start");
}

static void expect_field(json_t *object, const char *field, const char *golden)
{
    json_t *value = json_object_get(object, field);

    assert_non_null(value);
    expect_golden(json_pack("[O]", value), golden);
}

static void survey(void **state)
{
    expect_golden(sessions_survey_json(&report.survey),
                  "{'sessions': [{'index': 0, 'id': '0x7f0012345678', 'type': 'IPC stream', "
                  "'start': '2026-11-24T06:30:00.250000Z', 'ending': false, 'providers': [{'name': "
                  "'" RUNTIME "', 'keywords': '0x8001', 'level': 5, 'keyword_names': 'GC, "
                  "Exception', 'filter': null}], 'more_providers': 0, 'everything': false, "
                  "'rundown': true, 'buffer_bytes': 268435456, 'client': {'pid': 77, 'name': "
                  "'dotnet-trace', 'command': 'dotnet-trace', 'uid': 1000, 'container': null}, "
                  "'client_state': 'alive', 'unread_bytes': 4096, 'asked_by': null}], "
                  "'effective': [{'name': '" RUNTIME "', 'keywords': '0x8011', 'level': 5, "
                  "'wanted_keywords': '0x8001', 'wanted_level': 5, 'by': [{'session': 0, "
                  "'keywords': '0x8001', 'level': 5}], 'stale': true, 'nobodys': {'keywords': "
                  "'0x10', 'level': 0}}], 'more_effective': 0, 'effective_reason': null, "
                  "'verdict': 'verbose'}");
}

/* While a session ends it is not told what stays. */
static void ending(void **state)
{
    json_t *json;

    report.survey.account.is_ending = true;
    json = sessions_survey_json(&report.survey);
    expect_field(json_array_get(json_object_get(json, "effective"), 0), "stale", "[false]");
    json_decref(json);
}

/* Numbers at their ends, and what is not known. */
static void odd_sessions(void **state)
{
    struct session *session = &report.survey.seen.sessions.items[0];
    json_t *json;

    report.survey.seen.clients.peers[0].uid = UINT32_MAX - 1;
    report.survey.seen.clients.connections[0].unread = UINT32_MAX;
    strcpy(session->providers[0].filter, "a=\"1\"");
    session->rundown_known = session->wants_rundown = false;
    session->buffer_bytes = 0;
    session->everything = true;
    json = first_session();
    expect_field(json_object_get(json, "client"), "uid", "[4294967294]");
    expect_field(json, "unread_bytes", "[4294967295]");
    expect_field(json, "rundown", "[null]");
    expect_field(json, "buffer_bytes", "[null]");
    expect_field(json, "everything", "[true]");
    json_decref(json);
}

static void clients(void **state)
{
    static const struct {
        enum far_end far;
        const char *client_state;
    } table[] = {{FAR_CLOSED, "['gone']"}, {FAR_UNSEEN, "['hidden']"}};
    struct session *session = &report.survey.seen.sessions.items[0];

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        json_t *json;

        report.survey.seen.clients.connections[0].far = table[i].far;
        json = first_session();
        expect_field(json, "client", "[null]");
        expect_field(json, "client_state", table[i].client_state);
        json_decref(json);
    }
    report.survey.seen.environment.event_pipe = true;
    strcpy(report.survey.seen.environment.event_pipe_knob, "DOTNET_EnableEventPipe");
    for (enum session_type type = 0; type < SESSION_TYPE_MAX; type++) {
        bool file = type == SESSION_FILE || type == SESSION_FILE_STREAM;
        json_t *json;

        session->type = type;
        json = first_session();
        expect_field(json, "asked_by", file ? "['DOTNET_EnableEventPipe']" : "[null]");
        json_decref(json);
    }
}

/* 3.1: no list of providers, and so nothing is known of one that is not the runtime's own. */
static void no_providers(void **state)
{
    struct session_provider *asked = report.survey.seen.sessions.items[0].providers;
    json_t *json;

    report.survey.providers_readable = false;
    strcpy(report.survey.providers_why.text, "another form");
    strcpy(asked->name, "My-Company-Events");
    account_of(&report.survey.seen, NULL, &report.survey.account);
    json = sessions_survey_json(&report.survey);
    expect_field(json, "effective_reason", "['another form']");
    expect_field(json_array_get(json_object_get(json, "effective"), 1), "level", "[null]");
    expect_field(json_array_get(json_object_get(json, "effective"), 1), "keywords", "[null]");
    json_decref(json);
}

static void unread_sessions(void **state)
{
    json_t *json;

    report.survey.seen.sessions_readable = false;
    report.survey.seen.sessions.count = 0;
    strcpy(report.survey.seen.sessions_why.text, "why");
    report.record = json_pack("[{s:s}]", "kind", "verdict");
    json = sessions_report_json(&report);
    expect_field(json, "sessions", "[null]");
    expect_field(json, "not_read",
                 "[{'reason': 'why', 'clients': [{'pid': 77, 'name': 'dotnet-trace', 'command': "
                 "'dotnet-trace', 'uid': 1000, 'container': null}], 'events': [{'kind': "
                 "'verdict'}]}]");
    json_decref(json);
    json_decref(report.record);
    report.record = NULL;
    json = sessions_report_json(&report);
    expect_field(json_object_get(json, "not_read"), "events", "[null]");
    json_decref(json);
}

static void not_opened(void **state)
{
    report.opened = false;
    report.target.process = (struct process){.namespace_pid = 7};
    strcpy(report.why.text, "ended");
    expect_golden(sessions_report_json(&report),
                  "{'pid': 2147483000, 'namespace_pid': 7, 'name': '', 'command': '', "
                  "'container': null, 'reason': 'ended'}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(survey, reset),       cmocka_unit_test_setup(ending, reset),
        cmocka_unit_test_setup(odd_sessions, reset), cmocka_unit_test_setup(clients, reset),
        cmocka_unit_test_setup(no_providers, reset), cmocka_unit_test_setup(unread_sessions, reset),
        cmocka_unit_test_setup(not_opened, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
