/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/scan.h"

#include <string.h>

#include "proc/procfs.h"
#include "proc/threads.h"
#include "runtime/runtime.h"

/* The runtime names its own threads before the program starts any. */
#define THREADS_AT_FIRST 4

enum answer {
    ANSWER_NO,
    ANSWER_YES,
    ANSWER_HIDDEN,
};

static bool runs_a_program(const char *stat, struct process *out)
{
    return process_parse_stat(stat, out) == 0 && !out->kernel_thread && out->threads > 1 &&
           out->state != 'Z' && out->state != 'X';
}

/* Most of the cost of a pass is the kernel's writing of maps: they are read only if need be. */
static enum answer look_into(const struct process *process)
{
    struct runtime runtime = {0};
    int error = maps_read(process->pid, &runtime.maps, NULL);
    bool found;

    if (error < 0)
        return error == -EACCES ? ANSWER_HIDDEN : ANSWER_NO;
    found = maps_find(&runtime.maps, "libcoreclr.so") || runtime_candidate(process, &runtime);
    runtime_close(&runtime);
    return found ? ANSWER_YES : ANSWER_NO;
}

static enum answer look_at(pid_t pid)
{
    struct process process = {.pid = pid, .namespace_pid = pid};
    struct threads threads;
    char text[4096];
    pid_t group;

    if (procfs_read(pid, "stat", text, sizeof(text)) < 0 || !runs_a_program(text, &process))
        return ANSWER_NO;
    if (threads_read(pid, THREADS_AT_FIRST, &threads) == 0 && threads_have(&threads, ".NET "))
        return ANSWER_YES;
    if (procfs_read(pid, "status", text, sizeof(text)) < 0 ||
        process_parse_status(text, &process, &group) < 0)
        return ANSWER_NO;
    return look_into(&process);
}

static int add(struct scan *to, pid_t pid)
{
    if (to->count == SCAN_PROCESSES_MAX)
        return -E2BIG;
    if (to->count == to->room) {
        size_t room = to->room ? to->room * 2 : 256;
        pid_t *grown = reallocarray(to->pids, room, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        to->pids = grown;
        to->room = room;
    }
    to->pids[to->count++] = pid;
    return 0;
}

int scan_runtimes(struct scan *out, struct reason *why)
{
    struct scan scan __attribute__((cleanup(scan_close))) = {0};
    _closedir_ DIR *processes = opendir("/proc");
    int error = processes ? 0 : -errno;
    pid_t pid;

    *out = (struct scan){0};
    while (error == 0 && procfs_next(processes, &pid)) {
        enum answer answer = look_at(pid);

        if (answer == ANSWER_YES)
            error = add(&scan, pid);
        scan.hidden += answer == ANSWER_HIDDEN;
    }
    if (error < 0)
        return reason_set(why, error, "cannot list processes: %s", strerror(-error));
    *out = scan;
    scan = (struct scan){0};
    return 0;
}

void scan_close(struct scan *scan)
{
    free(scan->pids);
    *scan = (struct scan){0};
}
