/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "contention/contention.h"
#include "diagnostics/nettrace.h"

/*
 * Waits for locks out of a runtime's events: ContentionStart (81) and ContentionStop (91) of
 * Microsoft-Windows-DotNETRuntime, keyword 0x4000, level 4 (dotnet/runtime,
 * src/coreclr/vm/ClrEtwAll.man). A start tells from 8.0 on (its version 2) which lock, of which
 * object, and which thread owns it; a stop how long the wait was. Those of System.Threading.Lock
 * look the same, but that a handle stands for the lock (Lock.CoreCLR.cs, LockIdForEvents). A wait
 * that an exception ends (Thread.Interrupt) has no stop.
 */

#define TRACE_PROVIDER "Microsoft-Windows-DotNETRuntime"
#define TRACE_KEYWORD  0x4000u
#define TRACE_LEVEL    4u

#define TRACE_LOCKS_MAX   (16u << 10)
#define TRACE_STACKS_MAX  (4u << 10)
#define TRACE_THREADS_MAX (16u << 10)

/*
 * Who knows the names. Types and threads are asked for when they are first seen, for objects move
 * and threads end; frames at the end. Members may be NULL.
 */
struct trace_names {
    void *data;
    void (*frames)(void *data, const uint64_t *addresses, size_t count, struct frame *out);
    void (*type)(void *data, uint64_t object, char out[static FRAME_TEXT_MAX]);
    /* The thread as seen from here, 0: not known; @out is its name */
    pid_t (*thread)(void *data, uint64_t tid, char out[static CONTENTION_NAME_MAX]);
};

struct contention_trace;

/* @names is borrowed, and may be NULL. -ENOMEM. */
_must_check_ int contention_trace_new(struct contention_trace **out,
                                      const struct trace_names *names);
void contention_trace_free(struct contention_trace **trace);

/* Passes over other events; so it can be told all. -ENOMEM. A nettrace_taker. */
_must_check_ int contention_trace_take(void *trace, const struct nettrace_event *event,
                                       struct reason *why);

/*
 * All of it as @out, whose lists have @most lines at most. Waits that have begun and not ended are
 * its waiters; @now_ns is the moment on the events' clock up to which they wait. Fills the sums and
 * lists, source, unpaired and is_on; who the process is and since when is the caller's. @trace is
 * empty afterwards. -ENOMEM.
 */
_must_check_ int contention_trace_finish(struct contention_trace *trace, uint64_t now_ns,
                                         size_t most, struct contention *out, struct reason *why);
