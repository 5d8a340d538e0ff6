/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "util/reason.h"

#define SCAN_PROCESSES_MAX (256 * 1024)

/* Processes found in one pass over /proc, in the kernel's order: by pid. */
struct scan {
    pid_t *pids;
    size_t count;
    size_t room;
    unsigned hidden; /* processes of which one cannot tell whether they run .NET: no rights */
};

/*
 * Those that run .NET, or may, for runtime_read() to tell: a thread named ".NET ...", a
 * libcoreclr.so, or the marks of runtime_candidate(). A process of a single thread never does; nor
 * do kernel threads and zombies. -E2BIG for more than SCAN_PROCESSES_MAX, -ENOMEM, or the error of
 * opening /proc; @out is empty then.
 */
_must_check_ int scan_runtimes(struct scan *out, struct reason *why);

/* Frees what @scan holds and empties it; accepts an empty one. */
void scan_close(struct scan *scan);
