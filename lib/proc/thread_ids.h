/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc/process.h"
#include "util/numbering.h"

#define THREAD_IDS_MAX (64u << 10)

/*
 * The threads of a process by the numbers it knows them by itself, which differ from ours where it
 * has a PID namespace of its own (a container). What it has said once is kept, as a thread may end
 * before it is asked for again. Starts as {.process = ...}.
 */
struct thread_ids {
    struct process process;
    struct numbering own; /* its numbers */
    pid_t *ours;          /* of each */
    size_t room;
    uint64_t read_ns; /* CLOCK_MONOTONIC: when all threads were looked at */
};

/* The thread @own of the process as seen from here; 0: there is none that we can see. */
pid_t thread_ids_find(struct thread_ids *ids, pid_t own);

/* The name of thread @tid, as seen from here, printable; "" when it has ended. */
void thread_ids_name(const struct thread_ids *ids, pid_t tid, char name[static PROCESS_NAME_MAX]);

void thread_ids_close(struct thread_ids *ids);
