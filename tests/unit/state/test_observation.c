/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "state/observation.h"

static struct observation seen;

static void reset(void)
{
    memset(&seen, 0, sizeof(seen));
    seen.sessions_readable = seen.clients_readable = true;
}

static struct session *add_session(enum session_type type, uint64_t socket)
{
    struct session *session = &seen.sessions.items[seen.sessions.count++];

    *session = (struct session){.type = type, .socket = socket};
    return session;
}

static void add_connection(uint64_t socket, enum far_end far, char process)
{
    struct diagnostics *clients = &seen.clients;

    clients->connections[clients->connection_count++] =
        (struct diagnostics_connection){.socket = socket, .far = far, .peer = clients->peer_count};
    if (far == FAR_PEER)
        clients->peers[clients->peer_count++] = (struct peer){.pid = 7, .state = process};
}

static enum client client_of(const struct session *session)
{
    struct session_client client = session_client_of(&seen, session);

    assert_int_equal(client.peer != NULL,
                     client.client == CLIENT_ALIVE || client.client == CLIENT_STOPPED);
    return client.client;
}

static void by_socket(void **state)
{
    static const struct {
        enum far_end far;
        char process;
        enum client client;
    } table[] = {
        {FAR_PEER, 'S', CLIENT_ALIVE},   {FAR_PEER, 'R', CLIENT_ALIVE},
        {FAR_PEER, 'T', CLIENT_STOPPED}, {FAR_PEER, 't', CLIENT_STOPPED},
        {FAR_UNSEEN, 0, CLIENT_HIDDEN},  {FAR_CLOSED, 0, CLIENT_GONE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct session *session, *other;

        reset();
        session = add_session(SESSION_IPC_STREAM, 100);
        other = add_session(SESSION_IPC_STREAM, 102);
        add_connection(101, FAR_PEER, 'S');
        add_connection(100, table[i].far, table[i].process);
        assert_int_equal(client_of(session), table[i].client);
        if (session_client_of(&seen, session).peer)
            assert_ptr_equal(session_client_of(&seen, session).peer, &seen.clients.peers[1]);
        assert_int_equal(client_of(other), CLIENT_UNKNOWN);
        seen.clients_readable = false;
        assert_int_equal(client_of(session), CLIENT_UNKNOWN);
    }
}

static void no_stream(void **state)
{
    for (enum session_type type = 0; type < SESSION_TYPE_MAX; type++) {
        reset();
        add_connection(100, FAR_PEER, 'S');
        assert_int_equal(client_of(add_session(type, 100)),
                         type == SESSION_IPC_STREAM ? CLIENT_ALIVE : CLIENT_NONE);
    }
}

/* Its socket is not told, but there is one of each. */
static void only_one(void **state)
{
    struct session *session;

    reset();
    session = add_session(SESSION_IPC_STREAM, 0);
    add_session(SESSION_LISTENER, 0);
    assert_int_equal(client_of(session), CLIENT_UNKNOWN);
    add_connection(100, FAR_PEER, 'S');
    assert_int_equal(client_of(session), CLIENT_ALIVE);
    seen.clients.peers[0].reverse = true; /* it may wait there for commands */
    assert_int_equal(client_of(session), CLIENT_UNKNOWN);
    seen.clients.connections[0].far = FAR_CLOSED;
    assert_int_equal(client_of(session), CLIENT_GONE);
    add_connection(101, FAR_CLOSED, 0);
    assert_int_equal(client_of(session), CLIENT_UNKNOWN);
    seen.clients.connection_count = 1;
    add_session(SESSION_IPC_STREAM, 0);
    assert_int_equal(client_of(session), CLIENT_UNKNOWN);
}

/* Of whoever may still read it. */
static void unread(void **state)
{
    static const struct {
        enum far_end far;
        char process;
        uint32_t unread;
    } table[] = {
        {FAR_PEER, 'S', 5000}, {FAR_PEER, 'T', 5000}, {FAR_UNSEEN, 0, 5000}, {FAR_CLOSED, 0, 0}};

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        for (uint64_t socket = 0; socket <= 100; socket += 100) { /* the only one, or by its own */
            struct session *session;

            reset();
            session = add_session(SESSION_IPC_STREAM, socket);
            add_connection(100, table[i].far, table[i].process);
            seen.clients.connections[0].unread = 5000;
            assert_int_equal(session_client_of(&seen, session).unread, table[i].unread);
        }
}

static void names(void **state)
{
    for (enum client client = 0; client < CLIENT_MAX; client++)
        assert_true(client_name(client)[0]);
    assert_string_equal(client_name(CLIENT_STOPPED), "stopped");
    assert_string_equal(sink_name(SINK_LTTNG), "LTTng");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_socket), cmocka_unit_test(no_stream), cmocka_unit_test(only_one),
        cmocka_unit_test(unread),    cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
