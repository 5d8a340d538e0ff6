/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc/process.h"

#define THREAD_IDS_MAX 16384

/*
 * The threads of a process by the ids that its own PID namespace gives them, which are those that a
 * runtime keeps.
 */
struct thread_id {
    pid_t inner;
    pid_t outer; /* as seen from here */
};

struct thread_ids {
    struct thread_id *items; /* by @inner; owned */
    size_t count;
};

/*
 * Those that are there now, by one small read each, into @ids, which is empty or from before: who
 * has ended since stays, until its number is another's. -ENOMEM, and errors of
 * procfs_open_folder(); @ids is as it was then.
 */
_must_check_ int thread_ids_refresh(pid_t pid, struct thread_ids *ids);
void thread_ids_free(struct thread_ids *ids);

/* 0: there is none. */
pid_t thread_ids_outer(const struct thread_ids *ids, pid_t inner);
