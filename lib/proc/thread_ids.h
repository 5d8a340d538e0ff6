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

/* One small read for each thread. -ENOMEM, and errors of procfs_open_folder(); @out is empty then.
 */
_must_check_ int thread_ids_read(pid_t pid, struct thread_ids *out);
void thread_ids_free(struct thread_ids *ids);

/* 0: there is none. */
pid_t thread_ids_outer(const struct thread_ids *ids, pid_t inner);
