/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc/process.h"

#define THREADS_MAX 64

/* The names of a process's first threads, oldest first: those of a runtime are among them. */
struct threads {
    char names[THREADS_MAX][PROCESS_NAME_MAX]; /* as the process gave them: not made printable */
    size_t count;
};

/* Reads at most @most of them (THREADS_MAX at most). Needs no rights. @out is empty on failure. */
_must_check_ int threads_read(pid_t pid, size_t most, struct threads *out);

/* Is there one whose name starts so? */
bool threads_have(const struct threads *threads, const char *start);
