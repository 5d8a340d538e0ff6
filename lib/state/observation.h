/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/site.h"
#include "proc/peers.h"
#include "state/context.h"
#include "state/gc.h"
#include "state/session.h"

/*
 * All that was seen of one process at one moment: plain data, from which the verdict is drawn and
 * the output is made. What could not be read says why.
 */

enum sink {
    SINK_EVENTPIPE,
    SINK_LTTNG,
    SINK_USER_EVENTS,
    SINK_MAX,
};

struct observed_context {
    bool readable;
    struct context context;
};

/* What the environment, read when the process started, has asked for. */
struct asked_by_environment {
    bool event_pipe;          /* EnableEventPipe */
    bool event_log;           /* EnableEventLog: LTTng */
    bool user_events;         /* EnableUserEvents */
    char event_pipe_knob[32]; /* "DOTNET_EnableEventPipe", as it is spelt there; "" */
    char event_pipe_config[128];
    char event_log_knob[32];
    char user_events_knob[32];
};

struct observation {
    bool gc_readable;
    struct gc_state gc;
    char gc_source[48]; /* "structure", "symtab (libclrgc.so)" */
    /* The GC asks at each collection which events are on (GCToEEInterface::UpdateGCEventStatus,
     * src/coreclr/vm/gcenv.ee.cpp), so its state may be behind until the next one. That of
     * NativeAOT never asks again. */
    bool gc_asks_again;
    struct reason gc_why;

    /* Level and keywords of a provider that is not enabled mean nothing (struct layout). */
    bool context_has_enabled;
    struct observed_context contexts[PROVIDER_MAX][SINK_MAX];
    struct reason contexts_why;

    bool provider_readable; /* the runtime provider's EventPipeProvider */
    struct event_set provider;
    uint64_t provider_sessions; /* mask: bit per session that gets its events */

    bool sessions_readable;
    struct sessions sessions;
    struct reason sessions_why;

    bool clients_readable;
    struct diagnostics clients;
    struct reason clients_why;

    struct asked_by_environment environment;
};

/* Who is at the other end of a session. */
enum client {
    CLIENT_NONE, /* nobody: its events go to a file, or stay in the process */
    CLIENT_ALIVE,
    CLIENT_STOPPED, /* by a signal or a debugger: it reads nothing */
    CLIENT_GONE,
    CLIENT_HIDDEN,  /* in a process that can't be seen from here */
    CLIENT_UNKNOWN, /* which connection is the session's can't be told */
    CLIENT_MAX,
};

/* When so much is unread for longer than a moment, the client does not read. */
#define CLIENT_UNREAD_MAX (64u << 10)

struct session_client {
    enum client client;
    const struct peer *peer; /* CLIENT_ALIVE, CLIENT_STOPPED: in @observation; else NULL */
    uint32_t unread;         /* what the runtime has written to it and it has not read; bytes */
};

const char *client_name(enum client client); /* "alive", "gone", ... */

/*
 * By the socket that the session writes to; where that is not told, the only connection is that of
 * the only session which goes to a client.
 */
struct session_client session_client_of(const struct observation *observation,
                                        const struct session *session);

/* The setting that has it write a file, "DOTNET_EnableEventPipe"; NULL: none. */
const char *session_asked_by(const struct observation *observation, const struct session *session);

const char *sink_name(enum sink sink); /* "EventPipe", "LTTng", "user_events" */

/* Does a provider have the runtime build events for this sink now? */
bool observation_is_active(const struct observation *observation, enum provider provider,
                           enum sink sink);
