/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "clrmon_abi.h"
#include "event.h"
#include "event_counts.h"
#include "state/target.h"

/*
 * What the daemon knows now: every .NET process with its state, ages and counts. It does no input
 * and no output; whoever changes it is told by its callbacks what that means.
 */

#define CLIENTS_MAX 16

/* Who was connected to a process's diagnostics port. */
struct clients {
    struct peer items[CLIENTS_MAX];
    size_t count;
};

#define WAITING_MAX 16

struct stored_process {
    struct process process;
    enum flavour flavour;
    char version[RUNTIME_VERSION_MAX];
    bool event_log;    /* started with EnableEventLog */
    uint64_t bias;     /* to add to an address in its runtime image */
    uint64_t image;    /* registry's number of its runtime image; 0: none yet */
    uint64_t gc_image; /* of the library of its GC; 0: none */

    bool gc_known;
    bool gc_stale; /* it could not be read the last time */
    struct gc_state gc;
    size_t sessions; /* EventPipe sessions, where they can be read */
    bool sessions_known;
    int64_t oldest_session_us; /* CLOCK_REALTIME when it was opened; 0: there is none */
    struct judgement judgement;

    int64_t found_us;       /* CLOCK_REALTIME */
    uint64_t began_ns;      /* CLOCK_MONOTONIC, to about a tick; stays the same */
    int64_t state_us;       /* when its state was last read or changed */
    uint64_t verbose_since; /* CLOCK_MONOTONIC ns; 0: not verbose */
    uint64_t verbose_ns;    /* in all, without the time since then */
    uint64_t leak_since;    /* CLOCK_MONOTONIC ns since it looks leaked; 0: it does not */
    uint64_t reset_tried;   /* CLOCK_MONOTONIC ns of the last try to put it back; 0: none */
    uint64_t reset_leak;    /* of the leak that the last reset event was about, its leak_since */
    uint64_t next_look;     /* CLOCK_MONOTONIC ns when it is to be read again */
    uint64_t differs_since; /* since its memory has another GC state; 0: it has not */
    struct clients clients; /* that were connected when it was last read */
    uint64_t changes[CAUSE_MAX]; /* gc.events by cause */
    struct event_counts *events; /* what its sessions have it write; owned; NULL: not counted */
    struct abi_record
        waiting[WAITING_MAX]; /* changes whose cause is to be found at the next look */
    size_t waiting_count;

    struct stored_process *next; /* by pid */
};

struct store;

/* Told of each event, which has its id by then. Borrowed for the call. */
typedef void store_listener(void *context, const struct event *event);

_must_check_ int store_new(struct store **out, store_listener *listener, void *context);
void store_free(struct store **store);

/* After a restart: events are numbered on from there. */
void store_resume(struct store *store, uint64_t last_id);

/* Numbers an event, counts it and tells the listener. */
void store_note(struct store *store, struct event *event);

/*
 * A process is there, or was looked at again: takes what the observation and its judgement say, and
 * notes what has changed since. @now: CLOCK_MONOTONIC, ns.
 *
 * A GC state that no probe has told of may be one whose record is still under way: for
 * STORE_DOUBT_NS it is only doubted, then taken, as a change of unknown cause. @doubts: probes tell
 * of changes.
 */
#define STORE_DOUBT_NS UINT64_C(200000000)
_must_check_ int store_observe(struct store *store, const struct target *target,
                               const struct observation *seen, const struct judgement *judgement,
                               bool doubts, uint64_t now, struct stored_process **out);

/* The GC was told its level and keywords: state changes at once, judged later. */
void store_gc_changed(struct store *store, struct stored_process *process, bool private,
                      struct event_set set, struct event *event, uint64_t now);

void store_remove(struct store *store, struct stored_process *process, uint64_t now);

struct stored_process *store_find(struct store *store, pid_t pid);

/* In order of pid; NULL to begin, NULL at the end. */
struct stored_process *store_next(const struct store *store, const struct stored_process *after);
size_t store_count(const struct store *store);

/* Nanoseconds that @process has been verbose, up to @now. */
uint64_t stored_verbose_ns(const struct stored_process *process, uint64_t now);
