/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * What somebody else's trace costs: an entry probe on EventPipeAdapter::WriteEvent(event, ...),
 * where each event of the native runtime goes when a session wants it. A process without a session
 * never comes here.
 */

#include "wait_maps.bpf.h"

#define EVENTS_MAX 8192 /* of one process each: all events of 40 processes; 0.6 MB when full */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, EVENTS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct abi_event_key);
    __type(value, __u64);
} events_written SEC(".maps");

static const __u64 no_events;

SEC("uprobe")
int event_write(struct pt_regs *ctx)
{
    struct abi_event_key key = {.event = PT_REGS_PARM1(ctx),
                                .pid = bpf_get_current_pid_tgid() >> 32};
    struct abi_counters *counters = counters_of_cpu();
    __u64 *written;

    if (!counters)
        return 0;
    add(&counters->hits[ABI_HIT_EVENT_WRITE], 1);
    written = find_or_add(&events_written, &key, &no_events);
    if (written)
        add(written, 1);
    else
        add(&counters->losses[ABI_LOSS_SUMS], 1);
    return 0;
}
