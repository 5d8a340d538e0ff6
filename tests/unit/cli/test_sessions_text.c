/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sessions_text.h"

#include "../report/fixture.h"

#define RUNTIME "Microsoft-Windows-DotNETRuntime"

static struct sessions_report report;
static struct session *session;

static void take_account(void)
{
    account_of(&report.survey.seen, &report.survey.providers, &report.survey.account);
}

/* The process of fixture_verbose(): its client is user 4294967290's. */
static int reset(void **state)
{
    fixture_sessions(&report, (struct event_set){5, 0x8001});
    report.survey.seen.clients.peers[0].uid = 4294967290;
    session = &report.survey.seen.sessions.items[0];
    return 0;
}

static FILE *before;
static char *text;
static size_t size;

static void capture(void)
{
    before = stdout;
    stdout = open_memstream(&text, &size);
}

static char *captured(void)
{
    fclose(stdout);
    stdout = before;
    return text;
}

static void expect_account(const char *golden)
{
    _free_ char *said = NULL;

    capture();
    account_print(&report.survey, &report.survey.account.items[0]);
    said = captured();
    assert_string_equal(said, golden);
}

static void expect_owner(const char *golden)
{
    char owner[OWNER_TEXT_MAX];

    session_owner_text(&report.survey.seen, session, owner);
    assert_string_equal(owner, golden);
}

static void owners(void **state)
{
    struct diagnostics *clients = &report.survey.seen.clients;

    expect_owner("client dotnet-trace (pid 77, uid 4294967290)");
    clients->connections[0].unread = CLIENT_UNREAD_MAX;
    expect_owner("client dotnet-trace (pid 77, uid 4294967290), 64 KB unread");
    clients->peers[0].state = 'T';
    strcpy(clients->peers[0].container, "0123456789abcdef");
    expect_owner("client dotnet-trace (pid 77, uid 4294967290, container 0123456789ab), which is "
                 "stopped, 64 KB unread");
    clients->connections[0].far = FAR_UNSEEN;
    expect_owner("its client is a process that can't be seen from here");
    clients->connections[0].far = FAR_CLOSED;
    expect_owner("its client is gone");
    clients->connection_count = 0;
    expect_owner("which client is its can't be told");
    session->type = SESSION_LISTENER;
    expect_owner("an EventListener in the program itself");
    session->type = SESSION_FILE;
    expect_owner("the program itself");
    report.survey.seen.environment.event_pipe = true;
    strcpy(report.survey.seen.environment.event_pipe_knob, "DOTNET_EnableEventPipe");
    expect_owner("asked for by DOTNET_EnableEventPipe");
    session->type = SESSION_USER_EVENTS;
    expect_owner("");
}

static void accounts(void **state)
{
    struct provider_state *on = report.survey.providers.items;

    expect_account("        " RUNTIME ":0x8001:5\n            session 0 asks for 0x8001:5\n");
    session->providers[0].set = (struct event_set){4, 0x1};
    take_account();
    expect_account(
        "        " RUNTIME ":0x8001:5\n"
        "            session 0 asks for 0x1:4; left on, asked for by nobody: Verbose(5),\n"
        "            keywords 0x8000\n");
    report.survey.account.is_ending = true;
    expect_account("        " RUNTIME ":0x8001:5\n"
                   "            session 0 asks for 0x1:4; a session is ending, see what stays\n");
    on->set = (struct event_set){4, 0x3};
    take_account();
    expect_account(
        "        " RUNTIME ":0x3:4\n"
        "            session 0 asks for 0x1:4; left on, asked for by nobody: keywords 0x2\n");
    report.survey.seen.sessions.count = 0;
    take_account();
    expect_account("        " RUNTIME ":0x3:4\n"
                   "            no session asks for it; left on, asked for by nobody:\n"
                   "            Informational(4), keywords 0x3\n");
}

static void not_on(void **state)
{
    strcpy(session->providers[0].name, "My-Events");
    report.survey.providers.count = 0;
    take_account();
    expect_account(
        "        My-Events, off (not there yet)\n            session 0 asks for 0x8001:5\n");
    account_of(&report.survey.seen, NULL, &report.survey.account);
    report.survey.account.items[0] = report.survey.account.items[1];
    expect_account("        My-Events, what of it is on can't be told\n"
                   "            session 0 asks for 0x8001:5\n");
}

/* More sessions than a line has room for, each with what is longest. */
static void long_lines(void **state)
{
    _free_ char *said = NULL;

    for (uint32_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *one = &report.survey.seen.sessions.items[i];

        *one = *session;
        one->index = i;
        one->address = UINT64_MAX;
        one->provider_count = 1;
        memset(one->providers[0].name, 'n', SESSION_NAME_MAX - 1);
        memset(one->providers[0].filter, 'f', SESSION_FILTER_MAX - 1);
        one->providers[0].set = (struct event_set){255, UINT64_MAX - 1};
    }
    report.survey.seen.sessions.count = SESSIONS_MAX;
    strcpy(report.survey.providers.items[0].name, session->providers[0].name);
    report.survey.providers.items[0].set = (struct event_set){255, UINT64_MAX};
    take_account();
    capture();
    sessions_print(&report);
    said = captured();
    assert_non_null(strstr(said, "64 sessions\n"));
}

static void print(const char *golden)
{
    _free_ char *said = NULL;

    capture();
    sessions_print(&report);
    said = captured();
    if (!strstr(said, golden))
        fail_msg("not '%s' in: %s", golden, said);
}

static void processes(void **state)
{
    print("dotnet (pid 2147483000, .NET 10.0.14): 1 session\n    session 0, IPC stream, id "
          "0x7f0012345678, since ");
    print("\n        " RUNTIME ":0x8001:5  GC, Exception\n    on by all of them together\n");
    session->everything = true;
    session->more_providers = 3;
    print("\n        everything, of all providers\n");
    print("\n        and 3 more providers\n");
    report.survey.seen.sessions.count = 0;
    print(": 0 sessions\n");
    report.survey.seen.sessions_readable = false;
    strcpy(report.survey.seen.sessions_why.text, "their table was not found");
    print(": its sessions can't be read\n    their table was not found\n    connected: client "
          "dotnet-trace (pid 77, uid 4294967290)\n");
    report.opened = false;
    strcpy(report.why.text, "ended");
    print("dotnet (pid 2147483000): ended\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(owners, reset),    cmocka_unit_test_setup(accounts, reset),
        cmocka_unit_test_setup(not_on, reset),    cmocka_unit_test_setup(long_lines, reset),
        cmocka_unit_test_setup(processes, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
