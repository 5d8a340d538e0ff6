/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cure/stop.h"

/* One session, that of a client with the socket 100 unless it says otherwise. */
static struct observation seen;

static struct session *reset(enum session_type type)
{
    struct session *session = &seen.sessions.items[0];

    memset(&seen, 0, sizeof(seen));
    seen.sessions_readable = seen.clients_readable = true;
    seen.sessions.count = 1;
    *session = (struct session){.type = type, .socket = 100, .provider_count = 1};
    return session;
}

static void connect_client(enum far_end far, char process, uint32_t unread)
{
    seen.clients.connection_count = 1;
    seen.clients.connections[0] =
        (struct diagnostics_connection){.socket = 100, .far = far, .unread = unread};
    if (far != FAR_PEER)
        return;
    seen.clients.peer_count = 1;
    seen.clients.peers[0] = (struct peer){.pid = 77, .command = "dotnet-trace", .state = process};
}

static void expect(bool is_3, enum stop_answer answer, const char *text)
{
    struct reason why = {"untouched"};

    assert_int_equal(stop_judge(&seen, &seen.sessions.items[0], is_3, &why), answer);
    if (!strstr(why.text, text))
        fail_msg("not '%s': %s", text, why.text);
}

static void clients(void **state)
{
    static const struct {
        enum far_end far;
        char process;
        uint32_t unread;
        enum stop_answer answer;
        const char *why;
    } table[] = {
        {FAR_PEER, 'S', 0, STOP_CONFIRM, "is alive: dotnet-trace (pid 77)"},
        {FAR_PEER, 'R', CLIENT_UNREAD_MAX - 1, STOP_CONFIRM, "is alive"},
        {FAR_PEER, 'S', CLIENT_UNREAD_MAX, STOP_NEVER, "(pid 77) has 64 KB unread"},
        {FAR_PEER, 'T', 0, STOP_NEVER, "(pid 77) is stopped and reads nothing"},
        {FAR_PEER, 't', UINT32_MAX, STOP_NEVER, "is stopped and reads nothing"},
        {FAR_UNSEEN, 0, 0, STOP_CONFIRM, "can't be seen from here"},
        {FAR_UNSEEN, 0, 200 << 10, STOP_NEVER, "(which can't be seen from here) has 200 KB unread"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        reset(SESSION_IPC_STREAM);
        connect_client(table[i].far, table[i].process, table[i].unread);
        expect(false, table[i].answer, table[i].why);
        expect(true, table[i].answer, table[i].why);
    }
    reset(SESSION_IPC_STREAM);
    connect_client(FAR_CLOSED, 0, 0);
    expect(false, STOP_MAY, "untouched");
    expect(true, STOP_CONFIRM, "3.1 has been seen to crash");
    seen.clients_readable = false;
    expect(false, STOP_CONFIRM, "can't be told");
    reset(SESSION_IPC_STREAM)->socket = 101;
    connect_client(FAR_CLOSED, 0, 0);
    expect(false, STOP_CONFIRM, "can't be told");
}

/* Whoever is connected beside it. */
static void other_types(void **state)
{
    static const struct {
        enum session_type type;
        enum stop_answer answer;
        const char *why;
    } table[] = {
        {SESSION_FILE, STOP_CONFIRM, "writes a file"},
        {SESSION_FILE_STREAM, STOP_CONFIRM, "writes a file"},
        {SESSION_LISTENER, STOP_NEVER, "belongs to the program"},
        {SESSION_SYNCHRONOUS, STOP_NEVER, "belongs to the program"},
        {SESSION_USER_EVENTS, STOP_CONFIRM, "can't be told"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        reset(table[i].type);
        connect_client(FAR_CLOSED, 0, 0);
        expect(false, table[i].answer, table[i].why);
    }
}

static void ending(void **state)
{
    for (enum session_type type = 0; type < SESSION_TYPE_MAX; type++) {
        reset(type)->in_rundown = true;
        connect_client(FAR_CLOSED, 0, 0);
        expect(false, STOP_NEVER, "is ending already");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients),
        cmocka_unit_test(other_types),
        cmocka_unit_test(ending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
