/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cause.h"

struct row {
    const char *what;
    bool first, empty;
    bool callback, more;
    enum session_type sessions[2];
    size_t session_count;
    bool in_rundown;
    bool event_pipe, event_log;
    size_t clients;
    enum event_cause cause;
};

static const struct row rows[] = {
    {.what = "the runtime starts", .first = true, .empty = true, .cause = CAUSE_RUNTIME_START},
    {.what = "LTTng from the environment",
     .first = true,
     .event_log = true,
     .cause = CAUSE_ENVIRONMENT},
    {.what = "a file session at the start",
     .first = true,
     .sessions = {SESSION_FILE},
     .session_count = 1,
     .callback = true,
     .event_pipe = true,
     .cause = CAUSE_ENVIRONMENT},
    {.what = "a GC asks again", .cause = CAUSE_COLLECTION},
    {.what = "a GC asks again and has more, for nobody",
     .more = true,
     .clients = 1,
     .cause = CAUSE_COLLECTION},
    {.what = "a GC asks again before the callback tells it",
     .more = true,
     .sessions = {SESSION_IPC_STREAM},
     .session_count = 1,
     .clients = 1,
     .cause = CAUSE_CLIENT},
    {.what = "a GC asks again and has less beside a session",
     .sessions = {SESSION_IPC_STREAM},
     .session_count = 1,
     .clients = 1,
     .cause = CAUSE_COLLECTION},
    {.what = "a client's session",
     .callback = true,
     .sessions = {SESSION_IPC_STREAM},
     .session_count = 1,
     .clients = 1,
     .cause = CAUSE_CLIENT},
    {.what = "a listener comes beside a client",
     .callback = true,
     .sessions = {SESSION_IPC_STREAM, SESSION_LISTENER},
     .session_count = 2,
     .clients = 1,
     .cause = CAUSE_LISTENER},
    {.what = "rundown",
     .callback = true,
     .sessions = {SESSION_IPC_STREAM},
     .session_count = 1,
     .in_rundown = true,
     .cause = CAUSE_RUNDOWN},
    {.what = "the last session of a client has gone",
     .empty = true,
     .callback = true,
     .clients = 1,
     .cause = CAUSE_CLIENT},
    {.what = "nobody was seen", .empty = true, .callback = true, .cause = CAUSE_UNKNOWN},
    {.what = "a profiler's session",
     .callback = true,
     .sessions = {SESSION_SYNCHRONOUS},
     .session_count = 1,
     .cause = CAUSE_UNKNOWN},
};

static void test_causes(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct observation *seen = calloc(1, sizeof(*seen));
        const struct row *row = &rows[i];
        enum event_cause cause;

        assert_non_null(seen);
        seen->sessions_readable = true;
        for (size_t n = 0; n < row->session_count; n++)
            seen->sessions.items[seen->sessions.count++] = (struct session){
                .type = row->sessions[n], .start = 100 + n, .in_rundown = row->in_rundown};
        seen->environment.event_pipe = row->event_pipe;
        seen->environment.event_log = row->event_log;
        seen->clients.peer_count = row->clients;
        cause = cause_of(&(struct cause_facts){row->callback, row->first, row->empty, row->more,
                                               row->clients != 0},
                         seen);
        if (cause != row->cause)
            fail_msg("%s: %d, wanted %d", row->what, cause, row->cause);
        free(seen);
    }
}

static void test_clients(void **state)
{
    static const struct {
        const char *what;
        pid_t before[3], now[3];
        pid_t client; /* 0: nobody can be named */
    } table[] = {
        {"one comes", {0}, {7}, 7},          {"one comes beside another", {5}, {5, 7}, 7},
        {"one goes", {5, 7}, {5}, 7},        {"the last goes", {7}, {0}, 7},
        {"one that was there", {7}, {7}, 7}, {"one of two that were there", {5, 7}, {5, 7}, 0},
        {"two come", {0}, {5, 7}, 0},        {"nobody", {0}, {0}, 0},
        {"one for another", {5}, {7}, 7},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        const struct peer *client;
        struct clients before = {0};
        struct diagnostics now = {0};

        for (size_t n = 0; n < 3 && table[i].before[n]; n++)
            before.items[before.count++] = (struct peer){.pid = table[i].before[n], .socket = 1};
        for (size_t n = 0; n < 3 && table[i].now[n]; n++)
            now.peers[now.peer_count++] = (struct peer){.pid = table[i].now[n], .socket = 1};
        client = client_of_change(&before, &now);
        if ((client ? client->pid : 0) != table[i].client)
            fail_msg("%s: %d", table[i].what, client ? client->pid : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
