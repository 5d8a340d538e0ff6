/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * GC event state: entry probes on GCHeap::ControlEvents(this, keyword, level), on
 * ControlPrivateEvents, and on the callback of the runtime's provider,
 * EventPipeEtwCallback(sourceId, controlCode, level, matchAnyKeyword, ...). The cookie is the
 * provider. Rare: some per session, two per GC at most.
 *
 * The callback tells the GC on its own thread and returns. Nothing may probe a return, so what is
 * remembered of a callback is used up by the first word to the GC of the same provider.
 */

static __always_inline bool ends_callback(__u32 provider)
{
    __u64 thread = bpf_get_current_pid_tgid();
    __u32 *known = bpf_map_lookup_elem(&in_callback, &thread);

    return known && *known == provider && bpf_map_delete_elem(&in_callback, &thread) == 0;
}

static __always_inline struct abi_record *reserve(enum abi_kind kind, struct abi_counters *counters)
{
    struct abi_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
    __u64 id = bpf_get_current_pid_tgid();

    if (!record) {
        counters->losses[ABI_LOSS_RING_FULL]++;
        return NULL;
    }
    __builtin_memset(record, 0, sizeof(*record));
    record->time = bpf_ktime_get_ns();
    record->kind = kind;
    record->pid = id >> 32;
    record->tid = (__u32)id;
    bpf_get_current_comm(record->comm, sizeof(record->comm));
    return record;
}

SEC("uprobe")
int gc_control(struct pt_regs *ctx)
{
    struct abi_counters *counters = counters_of_cpu();
    __u32 provider = bpf_get_attach_cookie(ctx);
    bool callback = ends_callback(provider);
    struct abi_record *record;

    if (!counters)
        return 0;
    counters->hits[ABI_HIT_GC_CONTROL]++;
    record = reserve(ABI_GC_CONTROL, counters);
    if (!record)
        return 0;
    record->provider = provider;
    record->callback = callback;
    record->keywords = (__u32)PT_REGS_PARM2(ctx);
    record->level = (__u32)PT_REGS_PARM3(ctx);
    bpf_ringbuf_submit(record, 0);
    return 0;
}

SEC("uprobe")
int provider_callback(struct pt_regs *ctx)
{
    struct abi_counters *counters = counters_of_cpu();
    __u32 provider = bpf_get_attach_cookie(ctx);
    __u64 thread = bpf_get_current_pid_tgid();
    struct abi_record *record;

    bpf_map_update_elem(&in_callback, &thread, &provider, BPF_ANY);
    if (!counters)
        return 0;
    counters->hits[ABI_HIT_PROVIDER]++;
    record = reserve(ABI_PROVIDER, counters);
    if (!record)
        return 0;
    record->provider = provider;
    record->enabled = (__u32)PT_REGS_PARM2(ctx);
    record->level = (__u8)PT_REGS_PARM3(ctx);
    record->keywords = PT_REGS_PARM4(ctx);
    bpf_ringbuf_submit(record, 0);
    return 0;
}
