/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/reason.h"

#define PROCESS_NAME_MAX      16 /* TASK_COMM_LEN: 15 bytes and the NUL */
#define PROCESS_FILE_MAX      64
#define PROCESS_CONTAINER_MAX 65

/*
 * Who a process is. Numbers of processes are used again: the identity is @pid with @start_time.
 * Every text is printable UTF-8 (see proc/text.h), cut to its room.
 */
struct process {
    pid_t pid;            /* as seen from here */
    pid_t namespace_pid;  /* as it sees itself: the last of NSpid; @pid outside of any container */
    uint64_t start_time;  /* clock ticks since boot; also part of the diagnostics socket's name */
    uint64_t start_stack; /* address of its stack; 0 without rights. exec() moves it */
    char state;           /* R, S, D, T, t, I; Z or X for one that has ended */
    bool kernel_thread;
    unsigned threads;
    uid_t uid;                             /* effective */
    char name[PROCESS_NAME_MAX];           /* comm */
    char executable[PROCESS_FILE_MAX];     /* file name of the first argument: "dotnet" */
    char assembly[PROCESS_FILE_MAX];       /* of the first argument in *.dll; "": none */
    char command[2 * PROCESS_FILE_MAX];    /* both, for people: "dotnet app.dll" */
    char container[PROCESS_CONTAINER_MAX]; /* 64 hex digits; "": in no container we know */
};

/*
 * Reads stat, status, cmdline and cgroup of @pid. -ESRCH: it does not exist, is one thread of a
 * process, or has ended (a zombie). -ENOEXEC: a kernel thread. -EACCES: it exists, but its memory
 * is not ours to read. What could be learnt is in @out all the same, @out->pid always.
 */
_must_check_ int process_read(pid_t pid, struct process *out, struct reason *why);

/* How many threads it has, from stat alone; -ESRCH: it does not exist, or has ended. */
int process_threads(pid_t pid);

/*
 * Still there, not a zombie, not another one that was given the same number since, and still in the
 * program it was in: what was read of its memory before belongs together.
 */
bool process_alive(const struct process *process);

/* What people know it by: its assembly, which in "dotnet app.dll" tells more than its comm. */
const char *process_title(const struct process *process);

/* The same process, in the same program. */
bool process_same(const struct process *a, const struct process *b);

/*
 * Is it meant by @name: its comm, its executable, or its assembly with or without ".dll". Exact
 * case; @process->executable is for names that comm cuts.
 */
bool process_matches(const struct process *process, const char *name);

/*
 * Pure parsers of the files' text, NUL-terminated. 0, or -EBADMSG, and then @out is untouched.
 * stat gives state, kernel_thread, threads, start_time and name; a name may hold any byte, ")" and
 * newlines too. status gives uid and namespace_pid (Tgid where there is no NSpid), and @group, the
 * process that this is a thread of.
 */
_must_check_ int process_parse_stat(const char *text, struct process *out);
_must_check_ int process_parse_status(const char *text, struct process *out, pid_t *group);

/* @length bytes of cmdline (arguments end with a NUL; one more follows the bytes). */
void process_parse_arguments(const char *text, size_t length, struct process *out);

/* The innermost container in /proc/PID/cgroup: of Docker, containerd, CRI-O, Podman, or bare. */
void process_parse_container(const char *text, struct process *out);
