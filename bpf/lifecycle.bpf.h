/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * Processes come and go. Raw tracepoints, which need no tracefs. Every exec is reported, since any
 * program may turn out to run .NET; exits and forks only of processes that the daemon watches, and
 * exits of those that have been counted without it.
 */

#include "waits.bpf.h"

static __always_inline bool is_watched(__u32 pid)
{
    return bpf_map_lookup_elem(&watched, &pid) != NULL;
}

SEC("raw_tp/sched_process_exec")
int process_exec(struct bpf_raw_tracepoint_args *ctx)
{
    struct abi_counters *counters = counters_of_cpu();
    __u64 id = bpf_get_current_pid_tgid();
    struct abi_record *record;
    bool waited;

    if (!counters)
        return 0;
    counters->hits[ABI_HIT_EXEC]++;
    forget_thread(id, counters);
    waited = forget_process(id >> 32);
    record = reserve(ABI_EXEC, counters);
    if (!record)
        return 0;
    record->waited = waited;
    bpf_ringbuf_submit(record, 0);
    return 0;
}

SEC("raw_tp/sched_process_exit")
int process_exit(struct bpf_raw_tracepoint_args *ctx)
{
    struct abi_counters *counters = counters_of_cpu();
    __u64 id = bpf_get_current_pid_tgid();
    struct abi_record *record;
    bool waited;

    if (!counters)
        return 0;
    forget_thread(id, counters);
    if (id >> 32 != (__u32)id)
        return 0;
    waited = forget_process(id);
    if (!waited && !is_watched(id))
        return 0;
    counters->hits[ABI_HIT_EXIT]++;
    record = reserve(ABI_EXIT, counters);
    if (!record)
        return 0;
    record->waited = waited;
    bpf_ringbuf_submit(record, 0);
    return 0;
}

SEC("raw_tp/sched_process_fork")
int process_fork(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *child = (struct task_struct *)ctx->args[1];
    struct abi_counters *counters = counters_of_cpu();
    int pid = BPF_CORE_READ(child, pid), group = BPF_CORE_READ(child, tgid);
    struct abi_record *record;

    if (!counters || pid != group || !is_watched(bpf_get_current_pid_tgid() >> 32))
        return 0;
    counters->hits[ABI_HIT_FORK]++;
    record = reserve(ABI_FORK, counters);
    if (!record)
        return 0;
    record->child = group;
    bpf_ringbuf_submit(record, 0);
    return 0;
}
