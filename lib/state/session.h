/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/event_set.h"
#include "state/reader.h"
#include "util/reason.h"

/*
 * The EventPipe sessions of a process: who has asked the runtime for which events. Read from the
 * table EventPipeSession *_ep_sessions[64] and the objects behind it, while the runtime goes on.
 *
 * A session is unlinked from the table before it is freed, but its list of providers is freed while
 * it is still there, so a single read may see freed memory. Hence: table, objects, objects again,
 * table again; accepted when nothing has changed and every object is what its slot says; else
 * again.
 */

#define SESSIONS_MAX          64
#define SESSION_PROVIDERS_MAX 16 /* kept, the runtime's own first; more are counted */
#define SESSION_NAME_MAX      64
#define SESSION_START_3       40 /* offset of the start time, 3.x */
#define SESSION_START_5       56 /* 5.0 and later */

enum session_type { /* EventPipeSessionType, src/native/eventpipe/ep-types.h */
                    SESSION_FILE,
                    SESSION_LISTENER, /* an EventListener in the process */
                    SESSION_IPC_STREAM,
                    SESSION_SYNCHRONOUS, /* a profiler's callback */
                    SESSION_FILE_STREAM,
                    SESSION_USER_EVENTS,
                    SESSION_TYPE_MAX,
};

struct session_provider {
    char name[SESSION_NAME_MAX]; /* printable */
    struct event_set set;
};

struct session {
    uint64_t address; /* what the diagnostics protocol calls the session's id */
    uint32_t index;
    enum session_type type;
    uint64_t start;  /* 100 ns since 1601, UTC */
    bool in_rundown; /* it is ending: its providers are those of the rundown */
    struct session_provider providers[SESSION_PROVIDERS_MAX];
    size_t provider_count;
    size_t more_providers; /* that did not fit */
};

struct sessions {
    struct session items[SESSIONS_MAX];
    size_t count;
};

/* When it was opened, in microseconds since 1970. */
int64_t session_started_us(const struct session *session);

/*
 * Reads the table at @table. @start_offset is that of the start time (struct layout), 0 for
 * unknown: then that of 5.0 and later is tried, and its checks must hold. -EAGAIN when the objects
 * would not hold still, -EBADMSG when they are not sessions as we know them, or the reader's error.
 */
_must_check_ int sessions_read(const struct reader *reader, uint64_t table, uint16_t start_offset,
                               struct sessions *out, struct reason *why);

/*
 * Where the table is, from its contents: the one place in [@start, @start + @size) from which
 * exactly the slots of @mask lead to sessions that carry their slot's number. 0 and the address;
 * -ENOENT, -ENOTUNIQ, or -E2BIG when there is more to look at than a runtime has. For images whose
 * code does not tell; needs a live session.
 */
_must_check_ int sessions_search(const struct reader *reader, uint64_t start, uint64_t size,
                                 uint64_t mask, uint64_t *table);

/* What all sessions that are not ending ask of @provider together. */
struct event_set sessions_wanted(const struct sessions *sessions, enum provider provider);

/* "IPC stream", "EventListener", ... */
const char *session_type_name(enum session_type type);
