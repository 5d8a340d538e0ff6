/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "proc/process.h"
#include "state/verdict.h"

/*
 * Something that happened, as it is stored, streamed and counted: plain data.
 *
 *   {"schema": "clrmon.event/1", "id", "time", "kind", "pid", "name", "tid", "thread", ...}
 *
 * "time" is RFC 3339 in UTC with microseconds. Kinds add their own fields: "old" and "new" are
 * {"level": 5, "keywords": "0x8001"}, "client" is {"pid", "name", "command"} or null.
 */

enum event_kind {
    EVENT_GC_EVENTS,     /* gc.events: the GC's level or keywords have changed: provider, old, new,
                            cause, client */
    EVENT_PROVIDER,      /* provider: a runtime provider was enabled or disabled: the same fields */
    EVENT_PROCESS_START, /* process.start: a .NET process was found: version, flavour */
    EVENT_PROCESS_EXIT,  /* process.exit: the same fields */
    EVENT_VERDICT,       /* verdict: old_verdict, new_verdict, reason */
    EVENT_LOSS,          /* loss: records were lost, and state has been read again: lost, reason */
    EVENT_GAP,           /* gap: the daemon was not watching since then: since, reason */
    EVENT_RESET,         /* reset: a leak was to be put back (auto_reset): outcome, provider, old,
                            new, reason; provider, old and new may be null */
    EVENT_KIND_MAX,
};

/* Why the GC's events changed, as far as it can be known at that moment. */
enum event_cause {
    CAUSE_UNKNOWN,
    CAUSE_CLIENT,        /* a process on the diagnostics socket */
    CAUSE_LISTENER,      /* an EventListener in the program */
    CAUSE_ENVIRONMENT,   /* EnableEventPipe, EnableEventLog */
    CAUSE_RUNDOWN,       /* a session that ends */
    CAUSE_RUNTIME_START, /* the runtime sets its state for the first time */
    CAUSE_COLLECTION,    /* the GC has asked again at a collection */
    CAUSE_MAX,
};

enum reset_outcome {
    OUTCOME_PUT_BACK, /* nothing is leaked any more */
    OUTCOME_REFUSED,  /* not tried, for a reason */
    OUTCOME_FAILED,   /* tried, in vain as far as could be seen */
    OUTCOME_MAX,
};

struct event {
    uint64_t id;     /* 1, 2, ...; set by the store; 0: none yet */
    int64_t time_us; /* CLOCK_REALTIME */
    enum event_kind kind;
    pid_t pid;                   /* 0: of the daemon itself */
    char name[PROCESS_FILE_MAX]; /* process_title() */
    pid_t tid;
    char thread[PROCESS_NAME_MAX];
    bool private;              /* provider */
    struct event_set old, new; /* gc.events, provider, reset */
    enum provider provider;    /* reset: whose; PROVIDER_MAX: not known */
    enum reset_outcome outcome;
    enum event_cause cause;
    pid_t client; /* 0: none */
    char client_name[PROCESS_NAME_MAX];
    char client_command[2 * PROCESS_FILE_MAX];
    enum verdict old_verdict, new_verdict;
    uint64_t lost;    /* loss */
    int64_t since_us; /* gap: when watching ended */
    char detail[256]; /* version, reason; printable */
};

const char *event_kind_name(enum event_kind kind);          /* "gc.events" */
const char *event_cause_name(enum event_cause cause);       /* "client" */
const char *reset_outcome_name(enum reset_outcome outcome); /* "put_back" */

/* EVENT_KIND_MAX, CAUSE_MAX for a name that is none. */
enum event_kind event_kind_of_name(const char *name);
enum event_cause event_cause_of_name(const char *name);

/* New reference; NULL: no memory. Names are made printable. "tid" 0 and "thread" "": not known. */
json_t *event_json(const struct event *event);
