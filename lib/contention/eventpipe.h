/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "contention/contention.h"
#include "contention/trace.h"

/*
 * The contention of a process by its runtime's own events, for a while: where there is no kernel
 * to probe with, or where a wait is no call that could be probed (System.Threading.Lock). It
 * changes the process: while it lasts each wait costs it two events and a walk over the stack, and
 * a level that stays behind, as any session may leave it, is the caller's to look for.
 */

#define EVENTPIPE_DEADLINE_MS 5000
#define EVENTPIPE_LINES       100

struct eventpipe_request {
    uint64_t duration_ms;
    int deadline_ms;                 /* for the runtime to begin, and again to end */
    size_t most;                     /* lines of each list */
    const struct trace_names *names; /* its @thread may be NULL: then they are read from /proc */
};

struct eventpipe_outcome {
    uint64_t id; /* of the session, also when it has failed later; 0: none has begun */
    uint64_t events;
    uint64_t lost; /* events that the runtime had no room for: then the sums are too low */
    bool
        interrupted; /* by SIGINT, SIGTERM, SIGHUP or SIGQUIT, which are held back while it lasts */
    bool ended;      /* the process has ended meanwhile: what it last did is missing */
};

/*
 * Opens a session, reads it for that long, stops it, and sums up what it told; what was lost is in
 * @out->why, too. Interrupted, it does the same with what there is. Errors: those of
 * process_read(), endpoint_open(), tracing_run() and nettrace_push(); nothing is left open then.
 */
_must_check_ int contention_by_eventpipe(pid_t pid, const struct eventpipe_request *request,
                                         struct contention *out, struct eventpipe_outcome *outcome,
                                         struct reason *why);
