/* SPDX-License-Identifier: Apache-2.0 */
#include "state/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/text.h"

#define SET_TEXT_MAX (LEVEL_TEXT_MAX + KEYWORDS_TEXT_MAX + 32)
#define OWNER_MAX    256
#define CLIENTS_SAID 3

/* A place that has the runtime or its GC build events. */
struct place {
    const char *name;
    enum provider provider;
    bool is_gc;
    bool active;
    struct event_set set;
};

enum {
    PLACE_GC_PUBLIC,
    PLACE_GC_PRIVATE,
    PLACE_CONTEXT_RUNTIME,
    PLACE_CONTEXT_PRIVATE,
    PLACE_MAX,
};

struct places {
    struct place items[PLACE_MAX];
};

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[VERDICT_MAX] = {
        [VERDICT_OFF] = "off",         [VERDICT_INFORMATIONAL] = "informational",
        [VERDICT_UNKNOWN] = "unknown", [VERDICT_VERBOSE] = "verbose",
        [VERDICT_LEAKED] = "leaked",
    };

    return names[verdict];
}

_printf_(2, 3) static void say(struct judgement *judgement, const char *format, ...)
{
    va_list args;

    if (judgement->reason_count == REASONS_MAX)
        return;
    va_start(args, format);
    vsnprintf(judgement->reasons[judgement->reason_count], REASON_MAX, format, args);
    va_end(args);
    text_printable(judgement->reasons[judgement->reason_count++]); /* names may have been cut */
}

/* "Verbose(5), keywords 0x8001 (GC, Exception)" */
static const char *describe(enum provider provider, struct event_set set,
                            char text[static SET_TEXT_MAX])
{
    char level[LEVEL_TEXT_MAX], keywords[KEYWORDS_TEXT_MAX];

    level_format(set, level);
    keywords_format(provider, set.keywords, keywords);
    snprintf(text, SET_TEXT_MAX, "%s, keywords 0x%llx%s%s%s", level,
             (unsigned long long)set.keywords, keywords[0] ? " (" : "", keywords,
             keywords[0] ? ")" : "");
    return text;
}

static struct place gc_place(const struct observation *seen, const char *name,
                             enum provider provider, struct event_set set)
{
    bool active = seen->gc_readable && set.level && set.keywords;

    return (struct place){name, provider, true, active, set};
}

static struct place context_place(const struct observation *seen, const char *name,
                                  enum provider provider)
{
    return (struct place){name, provider, false,
                          observation_is_active(seen, provider, SINK_EVENTPIPE),
                          seen->contexts[provider][SINK_EVENTPIPE].context.set};
}

static struct places places_of(const struct observation *seen)
{
    return (struct places){{
        [PLACE_GC_PUBLIC] =
            gc_place(seen, "the GC's public events", PROVIDER_RUNTIME, seen->gc.public),
        [PLACE_GC_PRIVATE] =
            gc_place(seen, "the GC's private events", PROVIDER_PRIVATE, seen->gc.private),
        [PLACE_CONTEXT_RUNTIME] = context_place(seen, "the runtime's own events", PROVIDER_RUNTIME),
        [PLACE_CONTEXT_PRIVATE] =
            context_place(seen, "the runtime's private events", PROVIDER_PRIVATE),
    }};
}

/* What everybody alive asks of a provider: sessions, and the sinks that are not sessions. */
static struct event_set wanted_of(const struct observation *seen, enum provider provider)
{
    struct event_set wanted = sessions_wanted(&seen->sessions, provider);

    for (enum sink sink = SINK_LTTNG; sink < SINK_MAX; sink++)
        if (observation_is_active(seen, provider, sink))
            event_set_add(&wanted, seen->contexts[provider][sink].context.set);
    return wanted;
}

static bool is_ending(const struct observation *seen)
{
    for (size_t i = 0; i < seen->sessions.count; i++)
        if (session_is_ending(&seen->sessions.items[i]))
            return true;
    return observation_is_active(seen, PROVIDER_RUNDOWN, SINK_EVENTPIPE) &&
           seen->context_has_enabled;
}

static size_t live_sessions(const struct observation *seen)
{
    size_t count = 0;

    for (size_t i = 0; i < seen->sessions.count; i++)
        count += !seen->sessions.items[i].in_rundown;
    return count;
}

static void say_leak(const struct observation *seen, const struct place *place,
                     struct event_set wanted, struct judgement *out)
{
    bool nothing = !wanted.level && !wanted.keywords;
    char have[SET_TEXT_MAX], want[SET_TEXT_MAX];

    describe(place->provider, place->set, have);
    if (!live_sessions(seen) && !nothing)
        say(out,
            "%s (%s) stay at %s, but no session is left, and LTTng or user_events ask only for %s",
            place->name, provider_name(place->provider), have,
            describe(place->provider, wanted, want));
    else if (!live_sessions(seen))
        say(out, "%s (%s) stay at %s, but no session is left and nobody who is still here asked",
            place->name, provider_name(place->provider), have);
    else if (nothing)
        say(out, "%s (%s) stay at %s, but none of the sessions that are alive (%zu) asks for any",
            place->name, provider_name(place->provider), have, live_sessions(seen));
    else
        say(out, "%s (%s) stay at %s, but the sessions that are alive (%zu) ask only for %s",
            place->name, provider_name(place->provider), have, live_sessions(seen),
            describe(place->provider, wanted, want));
}

/* Can we know what the living ask for? Without the sessions' own requests only an empty mask tells.
 */
static bool knows_wanted(const struct observation *seen)
{
    return seen->sessions_readable || (seen->provider_readable && !seen->provider_sessions);
}

/* The GC has more than anybody wants, but the context that it will look at next has not. */
static bool is_behind(const struct observation *seen, const struct place *place,
                      struct event_set wanted)
{
    const struct observed_context *context = &seen->contexts[place->provider][SINK_EVENTPIPE];

    return place->is_gc && seen->gc_asks_again && context->readable &&
           !(observation_is_active(seen, place->provider, SINK_EVENTPIPE) &&
             event_set_exceeds(context->context.set, wanted));
}

static enum verdict say_behind(const struct place *place, struct event_set wanted, uint32_t bar,
                               struct judgement *out)
{
    char have[SET_TEXT_MAX];

    say(out,
        "%s (%s) are still at %s from a session that has ended; the GC asks again at its next "
        "collection",
        place->name, provider_name(place->provider), describe(place->provider, place->set, have));
    if (wanted.level < LEVEL_INFORMATIONAL)
        return VERDICT_OFF;
    return wanted.level >= bar ? VERDICT_VERBOSE : VERDICT_INFORMATIONAL;
}

static enum verdict judge_place(const struct observation *seen, const struct place *place,
                                uint32_t bar, struct judgement *out)
{
    char have[SET_TEXT_MAX];
    struct event_set wanted;

    if (!place->active)
        return VERDICT_OFF;
    wanted = wanted_of(seen, place->provider);
    if (place->set.level >= LEVEL_INFORMATIONAL && knows_wanted(seen) &&
        event_set_exceeds(place->set, wanted) && is_behind(seen, place, wanted))
        return say_behind(place, wanted, bar, out);
    if (place->set.level >= bar && knows_wanted(seen) && event_set_exceeds(place->set, wanted)) {
        say_leak(seen, place, wanted, out);
        out->unsettled |= is_ending(seen);
        return VERDICT_LEAKED;
    }
    if (place->set.level < LEVEL_INFORMATIONAL)
        return VERDICT_OFF;
    say(out, "%s (%s) are at %s", place->name, provider_name(place->provider),
        describe(place->provider, place->set, have));
    return place->set.level >= bar ? VERDICT_VERBOSE : VERDICT_INFORMATIONAL;
}

/* LTTng and user_events have no sessions of ours: what is on there is on by somebody's wish. */
static enum verdict judge_sinks(const struct observation *seen, uint32_t bar, struct judgement *out)
{
    enum verdict worst = VERDICT_OFF, verdict;
    char have[SET_TEXT_MAX];

    for (enum sink sink = SINK_LTTNG; sink < SINK_MAX; sink++) {
        const struct event_set *set = &seen->contexts[PROVIDER_RUNTIME][sink].context.set;

        if (!observation_is_active(seen, PROVIDER_RUNTIME, sink) ||
            set->level < LEVEL_INFORMATIONAL)
            continue;
        say(out, "%s has the runtime's events at %s", sink_name(sink),
            describe(PROVIDER_RUNTIME, *set, have));
        verdict = set->level >= bar ? VERDICT_VERBOSE : VERDICT_INFORMATIONAL;
        worst = verdict > worst ? verdict : worst;
    }
    return worst;
}

/* All that are connected: where it can't be told which one it is. */
static void say_clients(const struct diagnostics *clients, char *text, size_t size)
{
    size_t used =
        (size_t)snprintf(text, size, ", client %s", clients->peer_count > 1 ? "one of " : "");

    for (size_t i = 0; i < clients->peer_count && i < CLIENTS_SAID; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%.40s (pid %d)", i ? ", " : "",
                                 clients->peers[i].command, (int)clients->peers[i].pid);
    if (clients->peer_count > CLIENTS_SAID)
        snprintf(text + used, size - used, " and %zu more", clients->peer_count - CLIENTS_SAID);
}

static void say_any_client(const struct observation *seen, char text[static OWNER_MAX])
{
    const struct diagnostics *clients = &seen->clients;

    if (!seen->clients_readable)
        snprintf(text, OWNER_MAX, ", client not known: %.100s", seen->clients_why.text);
    else if (clients->peer_count)
        say_clients(clients, text, OWNER_MAX);
    else if (clients->unknown)
        snprintf(text, OWNER_MAX, ", client in a process that cannot be seen from here");
    else
        snprintf(text, OWNER_MAX, ", its client is gone");
}

static void say_client(const struct observation *seen, const struct session *session,
                       char text[static OWNER_MAX])
{
    struct session_client own = session_client_of(seen, session);

    switch (own.client) {
    case CLIENT_ALIVE:
    case CLIENT_STOPPED:
        snprintf(text, OWNER_MAX, ", client %.40s (pid %d)%s", own.peer->command,
                 (int)own.peer->pid,
                 own.client == CLIENT_STOPPED ? ", which is stopped and reads nothing" : "");
        break;
    case CLIENT_GONE:
        snprintf(text, OWNER_MAX, ", its client is gone");
        break;
    case CLIENT_HIDDEN:
        snprintf(text, OWNER_MAX, ", client in a process that cannot be seen from here");
        break;
    default:
        say_any_client(seen, text);
    }
}

/* Who stands behind a session. */
static void say_owner(const struct observation *seen, const struct session *session,
                      char text[static OWNER_MAX])
{
    const char *knob = session_asked_by(seen, session);

    switch (session->type) {
    case SESSION_IPC_STREAM:
    case SESSION_USER_EVENTS:
        say_client(seen, session, text);
        break;
    case SESSION_FILE:
    case SESSION_FILE_STREAM:
        snprintf(text, OWNER_MAX, "%s%s", knob ? ", asked for by " : "", knob ? knob : "");
        break;
    case SESSION_LISTENER:
        snprintf(text, OWNER_MAX, ", an EventListener in the program itself");
        break;
    default:
        text[0] = 0;
    }
}

static void say_sessions(const struct observation *seen, struct judgement *out)
{
    for (size_t i = 0; i < seen->sessions.count; i++) {
        const struct session *session = &seen->sessions.items[i];
        char owner[OWNER_MAX];

        say_owner(seen, session, owner);
        if (session->in_rundown)
            say(out, "session %u (%s) is ending%s", session->index,
                session_type_name(session->type), owner);
        else if (session->everything)
            say(out, "session %u (%s) asks for everything%s", session->index,
                session_type_name(session->type), owner);
        for (size_t n = 0; n < session->provider_count && !session->in_rundown; n++) {
            const struct session_provider *asked = &session->providers[n];

            if (provider_of_name(asked->name) < PROVIDER_MAX)
                say(out, "session %u (%s) asks for %s:0x%llx:%u%s", session->index,
                    session_type_name(session->type), asked->name,
                    (unsigned long long)asked->set.keywords, asked->set.level, owner);
        }
    }
}

/* Sessions that cannot be read: name what is known of them. */
static void say_unread_sessions(const struct observation *seen, struct judgement *out)
{
    char client[OWNER_MAX];

    say(out, "what its sessions ask for can't be read, so a leak can't be told from a wish: %s",
        seen->sessions_why.text);
    if (!seen->provider_readable)
        return;
    say_any_client(seen, client);
    say(out, "sessions by the provider's mask: 0x%llx%s",
        (unsigned long long)seen->provider_sessions, client);
}

static void say_environment(const struct observation *seen, struct judgement *out)
{
    const struct asked_by_environment *asked = &seen->environment;

    if (asked->event_pipe)
        say(out, "%s is set%s%s", asked->event_pipe_knob,
            asked->event_pipe_config[0] ? ", EventPipeConfig is " : "", asked->event_pipe_config);
    if (asked->event_log)
        say(out, "%s is set: events go to LTTng", asked->event_log_knob);
    if (asked->user_events)
        say(out, "%s is set: events go to user_events", asked->user_events_knob);
}

static enum verdict judge_unreadable(const struct observation *seen, struct judgement *out)
{
    if (seen->gc_readable)
        return VERDICT_OFF;
    say(out, "the GC's event state can't be read: %s", seen->gc_why.text);
    return VERDICT_UNKNOWN;
}

/* The reason for the verdict comes before those that only describe. */
static void put_first(struct judgement *judgement, size_t index)
{
    char first[REASON_MAX];

    if (index == 0 || index >= judgement->reason_count)
        return;
    memcpy(first, judgement->reasons[index], sizeof(first));
    memmove(judgement->reasons[1], judgement->reasons[0], index * sizeof(judgement->reasons[0]));
    memcpy(judgement->reasons[0], first, sizeof(first));
}

static void weigh(enum verdict verdict, size_t said_at, enum verdict *worst, size_t *worst_at)
{
    if (verdict <= *worst)
        return;
    *worst = verdict;
    *worst_at = said_at;
}

void judge(const struct observation *observation, uint32_t bar, struct judgement *out)
{
    struct places places = places_of(observation);
    size_t said_at, worst_at = 0;

    *out = (struct judgement){.verdict = VERDICT_OFF};
    for (size_t i = 0; i < PLACE_MAX; i++) {
        said_at = out->reason_count;
        weigh(judge_place(observation, &places.items[i], bar, out), said_at, &out->verdict,
              &worst_at);
    }
    said_at = out->reason_count;
    weigh(judge_sinks(observation, bar, out), said_at, &out->verdict, &worst_at);
    said_at = out->reason_count;
    weigh(judge_unreadable(observation, out), said_at, &out->verdict, &worst_at);
    put_first(out, worst_at);
    say_sessions(observation, out);
    if (out->verdict == VERDICT_VERBOSE && !observation->sessions_readable)
        say_unread_sessions(observation, out);
    say_environment(observation, out);
}
