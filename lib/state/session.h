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
 * again. A name that is not printable ASCII may be freed memory, too: it is believed when several
 * such readings agree that there are such.
 */

#define SESSIONS_MAX          64
#define SESSION_PROVIDERS_MAX 16 /* kept, the runtime's own first; more are counted */
#define SESSION_NAME_MAX      64
#define SESSION_FILTER_MAX    64
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
    char name[SESSION_NAME_MAX]; /* printable: UTF-8 */
    struct event_set set;
    char filter[SESSION_FILTER_MAX]; /* what it is told beside, "key=value;..."; printable */
};

struct session {
    uint64_t address; /* what the diagnostics protocol calls the session's id */
    uint32_t index;
    enum session_type type;
    uint64_t start;  /* 100 ns since 1601, UTC */
    uint64_t stamp;  /* the same moment on the monotonic clock, ns */
    bool in_rundown; /* it is ending: its providers are those of the rundown */
    bool rundown_known;
    bool wants_rundown;        /* the runtime will write what it has compiled into it at its end */
    uint64_t rundown_keywords; /* of that, as they were asked for, where the runtime has them (9.0
                                  and later; 1 for an EventListener, which did not ask); else 0 */
    uint64_t buffer_bytes;     /* limit of what waits to be written; 0: not known */
    bool everything;           /* it asks all providers for all they have, and has no list */
    struct session_provider providers[SESSION_PROVIDERS_MAX];
    size_t provider_count;
    size_t more_providers; /* that did not fit */
    bool strange;          /* a provider's name is not printable ASCII: seen so for longer */
    int fd;                /* SESSION_IPC_STREAM: the process's end of it; -1: none, or not told */
    uint64_t socket;       /* inode of @fd; 0: not told. Not read from memory: see target_observe */
};

struct sessions {
    struct session items[SESSIONS_MAX];
    size_t count;
};

/* When it was opened, in microseconds since 1970. */
int64_t session_started_us(const struct session *session);

/* The same one? An address alone is soon used again. */
bool session_same(const struct session *a, const struct session *b);

/* It runs down, or its list of providers is gone already. */
bool session_is_ending(const struct session *session);

/* How a session keeps what rundown it wants. */
enum rundown_form {
    RUNDOWN_UNKNOWN,  /* of a program compiled ahead of time, which does not tell which it is */
    RUNDOWN_FLAG,     /* before 9.0 */
    RUNDOWN_KEYWORDS, /* 9.0 and later: images that export DotNetRuntimeContractDescriptor */
};

/* What the runtime's image tells of its sessions (struct layout), and where it lies. */
struct session_facts {
    uint16_t start; /* offset of the start time; 0: not known. Then that of 5.0 is tried */
    enum rundown_form rundown;
    uint64_t data_start; /* of its writable data in the process, where all vtables are; both 0: */
    uint64_t data_end;   /* not known, and then no session's @fd is told */
};

/*
 * Reads the table at @table. -EAGAIN when the objects would not hold still, -EBADMSG when they are
 * not sessions as we know them, -E2BIG when they ask for thousands of providers, or the reader's
 * error.
 */
_must_check_ int sessions_read(const struct reader *reader, uint64_t table,
                               const struct session_facts *facts, struct sessions *out,
                               struct reason *why);

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

/* The provider of that name is in every session, all keywords, level 0: it says nothing. */
bool session_asks_always(const char *name);

/* "IPC stream", "EventListener", ... */
const char *session_type_name(enum session_type type);
