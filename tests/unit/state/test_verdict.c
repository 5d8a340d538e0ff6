/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "state/verdict.h"

#define RUNTIME "Microsoft-Windows-DotNETRuntime"

static struct observation seen;
static struct judgement judgement;

/* A runtime of 5.0 or later in which everything can be read, and everything is off. */
static void reset(void)
{
    seen = (struct observation){
        .gc_readable = true,
        .context_has_enabled = true,
        .provider_readable = true,
        .sessions_readable = true,
        .clients_readable = true,
        .gc_source = "structure",
    };
    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        seen.contexts[provider][SINK_EVENTPIPE].readable = true;
}

static void set_gc(uint32_t level, uint32_t keywords)
{
    seen.gc.public = (struct event_set){level, keywords};
}

static void set_context(enum provider provider, enum sink sink, bool enabled, uint32_t level,
                        uint64_t keywords)
{
    seen.contexts[provider][sink] = (struct observed_context){true, {enabled, {level, keywords}}};
}

/* GC and context alike, as the runtime sets them. */
static void set_runtime(uint32_t level, uint64_t keywords)
{
    set_gc(level, (uint32_t)keywords);
    set_context(PROVIDER_RUNTIME, SINK_EVENTPIPE, true, level, keywords);
}

static struct session *add_session(enum session_type type, const char *name, uint64_t keywords,
                                   uint32_t level)
{
    struct session *session = &seen.sessions.items[seen.sessions.count];

    *session = (struct session){.index = (uint32_t)seen.sessions.count++, .type = type};
    seen.provider_sessions |= 1ull << session->index;
    if (name) {
        strcpy(session->providers[0].name, name);
        session->providers[0].set = (struct event_set){level, keywords};
        session->provider_count = 1;
    }
    return session;
}

static void add_client(const char *command, pid_t pid)
{
    struct peer *peer = &seen.clients.peers[seen.clients.peer_count++];

    strcpy(peer->command, command);
    peer->pid = pid;
}

/* The scenes, each a state in which a process may be. */

static void off(void)
{
}

static void informational(void)
{
    set_runtime(4, 0x1);
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x1, 4);
}

static void warning(void)
{
    set_runtime(3, 0x1);
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x1, 3);
}

static void verbose(void)
{
    set_runtime(5, 0x8001);
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x8001, 5);
    add_client("dotnet dotnet-trace.dll", 4242);
}

static void verbose_context_alone(void)
{
    set_context(PROVIDER_RUNTIME, SINK_EVENTPIPE, true, 5, 0x8000);
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x8000, 5);
}

static void several_clients(void)
{
    verbose();
    add_client("a", 1);
    add_client("b", 2);
    add_client("c", 3);
    add_client("d", 4);
}

/* Which of them it is, its socket tells. */
static void client_told(void)
{
    several_clients();
    seen.sessions.items[0].socket = 77;
    seen.clients.connections[seen.clients.connection_count++] =
        (struct diagnostics_connection){.socket = 77, .far = FAR_PEER, .peer = 3};
}

static void client_stopped(void)
{
    client_told();
    seen.clients.peers[3].state = 'T';
}

static void client_told_gone(void)
{
    client_told();
    seen.clients.connections[0].far = FAR_CLOSED;
}

static void client_told_hidden(void)
{
    client_told();
    seen.clients.connections[0].far = FAR_UNSEEN;
}

static void everything(void)
{
    set_runtime(5, UINT64_MAX);
    add_session(SESSION_IPC_STREAM, NULL, 0, 0)->everything = true;
}

static void client_gone(void)
{
    verbose();
    seen.clients.peer_count = 0;
}

static void client_hidden(void)
{
    client_gone();
    seen.clients.unknown = 1;
}

static void clients_unreadable(void)
{
    client_gone();
    seen.clients_readable = false;
    strcpy(seen.clients_why.text, "no rights");
}

static void leak_without_session(void)
{
    set_runtime(5, 0x1);
}

static void leak_of_informational(void)
{
    set_runtime(4, 0x1);
}

static void leak_with_lower_session(void)
{
    set_runtime(5, 0x1);
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x1, 4);
}

static void leak_with_other_session(void)
{
    set_runtime(5, 0x1);
    add_session(SESSION_IPC_STREAM, "My-Company-Events", UINT64_MAX, 5);
}

static void leak_of_keywords(void)
{
    set_runtime(5, 0x8001);
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x1, 5);
}

static void union_is_no_leak(void)
{
    set_runtime(5, 0x8001);
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x1, 4);
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x8000, 5);
}

static void leak_of_private(void)
{
    seen.gc.private = (struct event_set){5, 0x1};
    set_context(PROVIDER_PRIVATE, SINK_EVENTPIPE, true, 5, 0x1);
}

static void private_is_wanted(void)
{
    leak_of_private();
    add_session(SESSION_FILE, RUNTIME "Private", 0x1, 5);
}

/* 3.1: contexts do not say whether they are enabled, and are never cleared. */
static void leak_of_3_1(void)
{
    seen.context_has_enabled = false;
    seen.provider_readable = false;
    set_gc(0, 0);
    set_context(PROVIDER_RUNTIME, SINK_EVENTPIPE, false, 5, 0x1);
}

static void stale_level_of_disabled(void)
{
    set_context(PROVIDER_RUNTIME, SINK_EVENTPIPE, false, 5, 0x1);
}

static void enabled_without_keywords(void)
{
    set_runtime(5, 0);
}

static void enabled_without_level(void)
{
    set_runtime(0, 0x1);
}

static void rundown(void)
{
    set_runtime(5, 0x1);
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x1, 5)->in_rundown = true;
    set_context(PROVIDER_RUNDOWN, SINK_EVENTPIPE, true, 5, 0x80020139);
}

static void rundown_context_alone(void)
{
    set_runtime(5, 0x1);
    set_context(PROVIDER_RUNDOWN, SINK_EVENTPIPE, true, 5, 0x80020139);
}

static void stale_rundown_of_3_1(void)
{
    leak_of_3_1();
    set_context(PROVIDER_RUNDOWN, SINK_EVENTPIPE, false, 5, 0x80020139);
}

static void session_without_providers(void)
{
    set_runtime(5, 0x1);
    add_session(SESSION_IPC_STREAM, NULL, 0, 0);
}

static void listener(void)
{
    set_runtime(5, 0x1);
    add_session(SESSION_LISTENER, RUNTIME, 0x1, 5);
}

static void enable_event_pipe(void)
{
    set_runtime(5, 0x1);
    add_session(SESSION_FILE, RUNTIME, 0x1, 5);
    seen.environment.event_pipe = true;
    strcpy(seen.environment.event_pipe_knob, "DOTNET_EnableEventPipe");
    strcpy(seen.environment.event_pipe_config, RUNTIME ":0x1:5");
}

static void lttng(void)
{
    set_gc(5, 0x1);
    set_context(PROVIDER_RUNTIME, SINK_LTTNG, true, 5, 0x1);
    seen.environment.event_log = true;
    strcpy(seen.environment.event_log_knob, "COMPlus_EnableEventLog");
}

static void lttng_off(void)
{
    set_context(PROVIDER_RUNTIME, SINK_LTTNG, false, 5, 0x1);
}

/* That 3.1 does not say whether a context is enabled is true of EventPipe's alone. */
static void lttng_off_in_3_1(void)
{
    seen.context_has_enabled = false;
    lttng_off();
}

static void lttng_wants_less(void)
{
    set_gc(5, 0x8001);
    set_context(PROVIDER_RUNTIME, SINK_LTTNG, true, 5, 0x1);
}

static void two_sinks(void)
{
    set_context(PROVIDER_RUNTIME, SINK_LTTNG, true, 5, 0x1);
    set_context(PROVIDER_RUNTIME, SINK_USER_EVENTS, true, 4, 0x1);
}

static void user_events(void)
{
    set_gc(4, 0x1);
    set_context(PROVIDER_RUNTIME, SINK_USER_EVENTS, true, 4, 0x1);
    seen.environment.user_events = true;
    strcpy(seen.environment.user_events_knob, "DOTNET_EnableUserEvents");
}

static void unreadable_sessions_no_mask(void)
{
    set_runtime(5, 0x1);
    seen.sessions_readable = false;
    strcpy(seen.sessions_why.text, "their table was not found: why");
}

static void unreadable_sessions_with_mask(void)
{
    unreadable_sessions_no_mask();
    seen.provider_sessions = 0x5;
    add_client("dotnet-trace", 7);
}

static void unreadable_sessions_and_provider(void)
{
    unreadable_sessions_no_mask();
    seen.provider_readable = false;
}

static void unreadable_gc(void)
{
    seen.gc_readable = false;
    set_gc(5, 0x1); /* nothing of it counts */
    strcpy(seen.gc_why.text, "its place was not found: no vtable");
}

static void unreadable_gc_verbose_context(void)
{
    verbose();
    unreadable_gc();
}

static void unreadable_gc_informational_context(void)
{
    informational();
    unreadable_gc();
}

static void unreadable_contexts(void)
{
    set_gc(5, 0x1);
    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        seen.contexts[provider][SINK_EVENTPIPE] = (struct observed_context){0};
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x1, 5);
}

/* The GC asks which events are on at its next collection; until then it may be behind. */
static void gc_is_behind(void)
{
    seen.gc_asks_again = true;
    set_gc(5, 0x1);
    set_context(PROVIDER_RUNTIME, SINK_EVENTPIPE, true, 4, 0x1);
    add_session(SESSION_IPC_STREAM, RUNTIME, 0x1, 4);
}

static void gc_is_behind_nobody(void)
{
    seen.gc_asks_again = true;
    set_gc(5, 0x1);
}

static void gc_is_behind_a_leak(void)
{
    seen.gc_asks_again = true;
    leak_without_session();
}

static void gc_never_asks(void)
{
    gc_is_behind_nobody();
    seen.gc_asks_again = false;
}

static const struct scene {
    const char *name;
    void (*set)(void);
    enum verdict verdict; /* with the bar at verbose */
    enum verdict lower;   /* and at informational */
    bool unsettled;
    const char *reasons[3]; /* parts that must be said */
    const char *unsaid;
} scenes[] = {
#define SCENE(name, verdict, lower, unsettled, ...)                                                \
    {                                                                                              \
#name, name, VERDICT_##verdict, VERDICT_##lower, unsettled, __VA_ARGS__                    \
    }
    SCENE(off, OFF, OFF, false, {NULL}, " "),
    SCENE(informational, INFORMATIONAL, VERBOSE, false,
          {"the GC's public events (" RUNTIME ") are at Informational(4), keywords 0x1 (GC)"},
          "stay"),
    SCENE(warning, OFF, OFF, false, {"session 0 (IPC stream) asks for " RUNTIME ":0x1:3"},
          "Warning"),
    SCENE(verbose, VERBOSE, VERBOSE, false,
          {"the GC's public events (" RUNTIME
           ") are at Verbose(5), keywords 0x8001 (GC, Exception)",
           "the runtime's own events (" RUNTIME ") are at Verbose(5)",
           "session 0 (IPC stream) asks for " RUNTIME
           ":0x8001:5, client dotnet dotnet-trace.dll (pid 4242)"},
          "stay"),
    SCENE(verbose_context_alone, VERBOSE, VERBOSE, false,
          {"the runtime's own events (" RUNTIME ") are at Verbose(5), keywords 0x8000 (Exception)"},
          "GC"),
    SCENE(several_clients, VERBOSE, VERBOSE, false,
          {"client one of dotnet dotnet-trace.dll (pid 4242), a (pid 1), b (pid 2) and 2 more"},
          "c (pid 3)"),
    SCENE(client_told, VERBOSE, VERBOSE, false, {", client c (pid 3)"}, "one of"),
    SCENE(client_stopped, VERBOSE, VERBOSE, false,
          {", client c (pid 3), which is stopped and reads nothing"}, "one of"),
    SCENE(client_told_gone, VERBOSE, VERBOSE, false, {", its client is gone"}, "pid"),
    SCENE(client_told_hidden, VERBOSE, VERBOSE, false,
          {", client in a process that cannot be seen from here"}, "pid"),
    SCENE(everything, VERBOSE, VERBOSE, false,
          {"session 0 (IPC stream) asks for everything, its client is gone"}, "stay"),
    SCENE(client_gone, VERBOSE, VERBOSE, false, {", its client is gone"}, "pid"),
    SCENE(client_hidden, VERBOSE, VERBOSE, false,
          {", client in a process that cannot be seen from here"}, "gone"),
    SCENE(clients_unreadable, VERBOSE, VERBOSE, false, {", client not known: no rights"}, "gone"),
    SCENE(leak_without_session, LEAKED, LEAKED, false,
          {"the GC's public events (" RUNTIME ") stay at Verbose(5), keywords 0x1 (GC), but no "
           "session is left and nobody who is still here asked",
           "the runtime's own events (" RUNTIME ") stay at Verbose(5)"},
          "session 0"),
    SCENE(leak_of_informational, INFORMATIONAL, LEAKED, false, {NULL}, "Verbose"),
    SCENE(leak_with_lower_session, LEAKED, LEAKED, false,
          {"but the sessions that are alive (1) ask only for Informational(4), keywords 0x1 (GC)",
           "session 0 (IPC stream) asks for " RUNTIME ":0x1:4"},
          "no session"),
    SCENE(leak_with_other_session, LEAKED, LEAKED, false,
          {"but none of the sessions that are alive (1) asks for any"}, "My-Company"),
    SCENE(leak_of_keywords, LEAKED, LEAKED, false,
          {"stay at Verbose(5), keywords 0x8001 (GC, Exception), but the sessions that are alive "
           "(1) ask only for Verbose(5), keywords 0x1 (GC)"},
          NULL),
    SCENE(union_is_no_leak, VERBOSE, VERBOSE, false, {"session 0", "session 1"}, "stay"),
    SCENE(leak_of_private, LEAKED, LEAKED, false,
          {"the GC's private events (" RUNTIME "Private) stay at Verbose(5), keywords 0x1",
           "the runtime's private events (" RUNTIME "Private) stay at"},
          "public"),
    SCENE(private_is_wanted, VERBOSE, VERBOSE, false,
          {"session 0 (file) asks for " RUNTIME "Private:0x1:5"}, "stay"),
    SCENE(leak_of_3_1, LEAKED, LEAKED, false, {"the runtime's own events (" RUNTIME ") stay at"},
          "the GC's"),
    SCENE(stale_level_of_disabled, OFF, OFF, false, {NULL}, " "),
    SCENE(enabled_without_keywords, OFF, OFF, false, {NULL}, " "),
    SCENE(enabled_without_level, OFF, OFF, false, {NULL}, " "),
    SCENE(rundown, LEAKED, LEAKED, true, {"no session is left", "session 0 (IPC stream) is ending"},
          "asks for"),
    SCENE(rundown_context_alone, LEAKED, LEAKED, true, {"no session is left"}, "asks for"),
    SCENE(stale_rundown_of_3_1, LEAKED, LEAKED, false, {"no session is left"}, "asks for"),
    SCENE(session_without_providers, LEAKED, LEAKED, true, {"asks for any"}, "session 0"),
    SCENE(listener, VERBOSE, VERBOSE, false,
          {"session 0 (in-process listener) asks for " RUNTIME
           ":0x1:5, an EventListener in the program itself"},
          "client"),
    SCENE(enable_event_pipe, VERBOSE, VERBOSE, false,
          {"session 0 (file) asks for " RUNTIME ":0x1:5, asked for by DOTNET_EnableEventPipe",
           "DOTNET_EnableEventPipe is set, EventPipeConfig is " RUNTIME ":0x1:5"},
          "client"),
    SCENE(lttng, VERBOSE, VERBOSE, false,
          {"LTTng has the runtime's events at Verbose(5), keywords 0x1 (GC)",
           "COMPlus_EnableEventLog is set: events go to LTTng"},
          "stay"),
    SCENE(lttng_off, OFF, OFF, false, {NULL}, " "),
    SCENE(lttng_off_in_3_1, OFF, OFF, false, {NULL}, " "),
    SCENE(lttng_wants_less, LEAKED, LEAKED, false,
          {"stay at Verbose(5), keywords 0x8001",
           "LTTng or user_events ask only for Verbose(5), keywords 0x1 (GC)"},
          "nobody"),
    SCENE(two_sinks, VERBOSE, VERBOSE, false,
          {"LTTng has the runtime's events at Verbose(5)",
           "user_events has the runtime's events at Informational(4)"},
          "stay"),
    SCENE(user_events, INFORMATIONAL, VERBOSE, false,
          {"user_events has the runtime's events at Informational(4), keywords 0x1 (GC)",
           "DOTNET_EnableUserEvents is set: events go to user_events"},
          "stay"),
    SCENE(unreadable_sessions_no_mask, LEAKED, LEAKED, false, {"no session is left"}, "told"),
    SCENE(unreadable_sessions_with_mask, VERBOSE, VERBOSE, false,
          {"what its sessions ask for can't be read, so a leak can't be told from a wish: their "
           "table was not found: why",
           "sessions by the provider's mask: 0x5, client dotnet-trace (pid 7)"},
          "stay"),
    SCENE(unreadable_sessions_and_provider, VERBOSE, VERBOSE, false,
          {"so a leak can't be told from a wish"}, "mask"),
    SCENE(unreadable_gc, UNKNOWN, UNKNOWN, false,
          {"the GC's event state can't be read: its place was not found: no vtable"}, "Verbose"),
    SCENE(unreadable_gc_verbose_context, VERBOSE, VERBOSE, false,
          {"the runtime's own events (" RUNTIME ") are at Verbose(5)",
           "the GC's event state can't be read: "},
          "public"),
    SCENE(unreadable_gc_informational_context, UNKNOWN, VERBOSE, false,
          {"the GC's event state can't be read: ", "are at Informational(4)"}, "public"),
    SCENE(unreadable_contexts, VERBOSE, VERBOSE, false, {"the GC's public events"}, "own events"),
    SCENE(gc_is_behind, INFORMATIONAL, VERBOSE, false,
          {"the GC's public events (" RUNTIME ") are still at Verbose(5), keywords 0x1 (GC) from a "
           "session that has ended; the GC asks again at its next collection"},
          "stay at"),
    SCENE(gc_is_behind_nobody, OFF, OFF, false, {"from a session that has ended"}, "stay at"),
    SCENE(gc_is_behind_a_leak, LEAKED, LEAKED, false, {"stay at Verbose(5)"}, "behind"),
    SCENE(gc_never_asks, LEAKED, LEAKED, false, {"stay at Verbose(5)"}, "again"),
#undef SCENE
};

static bool is_said(const char *part)
{
    for (size_t i = 0; i < judgement.reason_count; i++)
        if (strstr(judgement.reasons[i], part))
            return true;
    return false;
}

static void judge_scene(const struct scene *scene, uint32_t bar, enum verdict expected)
{
    reset();
    scene->set();
    memset(&judgement, 0x55, sizeof(judgement));
    judge(&seen, bar, &judgement);
    if (judgement.verdict != expected)
        fail_msg("%s, bar %u: %s, not %s", scene->name, bar, verdict_name(judgement.verdict),
                 verdict_name(expected));
}

static void all_scenes(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
        const struct scene *scene = &scenes[i];

        judge_scene(scene, LEVEL_INFORMATIONAL, scene->lower);
        judge_scene(scene, LEVEL_VERBOSE, scene->verdict);
        if (judgement.unsettled != scene->unsettled)
            fail_msg("%s: unsettled is %d", scene->name, judgement.unsettled);
        for (size_t n = 0; n < ARRAY_SIZE(scene->reasons) && scene->reasons[n]; n++)
            if (!is_said(scene->reasons[n]))
                fail_msg("%s: nobody says '%s'", scene->name, scene->reasons[n]);
        if (scene->unsaid && is_said(scene->unsaid))
            fail_msg("%s: somebody says '%s'", scene->name, scene->unsaid);
    }
}

/* Every reason ends, however much there is to say, and is text. */
static void much_to_say(void **state)
{
    reset();
    set_runtime(5, UINT64_MAX >> 1);
    for (int i = 0; i < SESSIONS_MAX; i++)
        for (struct session *session = add_session(SESSION_IPC_STREAM, RUNTIME, UINT64_MAX, 4);
             session->provider_count < SESSION_PROVIDERS_MAX; session->provider_count++)
            session->providers[session->provider_count] = session->providers[0];
    for (int i = 0; i < PEERS_MAX; i++) {
        char command[2 * PROCESS_FILE_MAX];

        memset(command, 'c', sizeof(command) - 1);
        command[sizeof(command) - 1] = 0;
        add_client(command, INT32_MIN);
    }
    judge(&seen, LEVEL_VERBOSE, &judgement);
    assert_int_equal(judgement.verdict, VERDICT_LEAKED);
    assert_int_equal(judgement.reason_count, REASONS_MAX);
    for (size_t i = 0; i < REASONS_MAX; i++)
        assert_non_null(memchr(judgement.reasons[i], 0, REASON_MAX));
    assert_true(is_said("and 61 more"));
}

/* Text of two or more bytes a character is not cut in the middle: it would be no JSON. */
static bool is_utf8(const char *text)
{
    for (; *text; text++) {
        unsigned char lead = (unsigned char)*text;
        int more = lead < 0x80 ? 0 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : -1;

        if (more < 0)
            return false;
        for (; more; more--)
            if (((unsigned char)*++text & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static void cut_text_is_text(void **state)
{
    for (size_t shift = 0; shift < 2; shift++) {
        char command[2 * PROCESS_FILE_MAX] = "xx";

        for (size_t i = shift; i + 2 < sizeof(command); i += 2)
            strcpy(command + i, "\u00e4");
        reset();
        verbose();
        seen.clients.peer_count = 0;
        add_client(command, 1);
        judge(&seen, LEVEL_VERBOSE, &judgement);
        for (size_t i = 0; i < judgement.reason_count; i++)
            if (!is_utf8(judgement.reasons[i]))
                fail_msg("'%s' is no text", judgement.reasons[i]);
    }
}

static void names(void **state)
{
    assert_string_equal(verdict_name(VERDICT_OFF), "off");
    assert_string_equal(verdict_name(VERDICT_INFORMATIONAL), "informational");
    assert_string_equal(verdict_name(VERDICT_UNKNOWN), "unknown");
    assert_string_equal(verdict_name(VERDICT_VERBOSE), "verbose");
    assert_string_equal(verdict_name(VERDICT_LEAKED), "leaked");
    assert_string_equal(sink_name(SINK_EVENTPIPE), "EventPipe");
    assert_string_equal(sink_name(SINK_LTTNG), "LTTng");
    assert_string_equal(sink_name(SINK_USER_EVENTS), "user_events");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_scenes),
        cmocka_unit_test(much_to_say),
        cmocka_unit_test(cut_text_is_text),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
