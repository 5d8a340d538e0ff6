/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * What a thread waits for, from its entry to its exit, and to whose sums it is added then.
 *
 * An exit is told from the entry by the thread and the stack pointer: what has been entered at or
 * below the present one was left without passing an exit.
 *
 * What is like the thread's last wait (clrmon_abi.h) takes push_again(), which reads nothing of the
 * process: neither the lock, nor the stack.
 */

#include "wait_sums.bpf.h"

/* Entry */

/* Without its @left_out innermost frames; one more try, without one more, where another stack has
 * the place. */
static __always_inline __u32 stack_of(struct pt_regs *ctx, __u32 left_out,
                                      struct abi_counters *counters)
{
    long id = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK | left_out);

    if (id < 0)
        id = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK | (left_out + 1));
    if (id >= 0)
        return id;
    add(&counters->losses[ABI_LOSS_STACK], 1);
    return ABI_NO_STACK;
}

/* Those who have been left behind by one that now enters, or exits, at @stack_pointer; with the
 * last that is kept go those that had no room behind it. */
static __always_inline void drop_left(struct abi_waiting *thread, __u64 stack_pointer, bool enters,
                                      struct abi_counters *counters)
{
    for (int i = 0; i < ABI_WAIT_NESTED; i++) {
        __u32 top = thread->depth > ABI_WAIT_NESTED ? ABI_WAIT_NESTED - 1 : thread->depth - 1;
        struct abi_process_sums *sums;

        if (top >= ABI_WAIT_NESTED || thread->entries[top].stack_pointer > stack_pointer ||
            (!enters && thread->entries[top].stack_pointer == stack_pointer))
            return;
        thread->depth = top;
        add(&counters->losses[ABI_LOSS_ABANDONED], 1);
        sums = sums_of(thread->pid, thread->entries[top].kind);
        if (sums)
            add(&sums->abandoned, 1);
    }
}

static __always_inline bool holds(const struct abi_waiting_entry *entry)
{
    __u32 now = settings;

    return now && entry->settings == now;
}

/* Does @thread, which has just waited, wait again for the same, called as deep as then? */
static __always_inline bool is_alike(const struct abi_waiting *thread, __u64 lock,
                                     __u64 stack_pointer)
{
    const struct abi_waiting_entry *last = &thread->entries[0];
    __u64 waits = thread->pending.sum.waits;

    return !thread->depth && waits && waits < ABI_ALIKE_MAX && last->lock == lock &&
           last->stack_pointer == stack_pointer && holds(last);
}

static __always_inline bool push_again(__u64 lock, __u64 stack_pointer, __u32 tid)
{
    struct abi_waiting *thread = bpf_map_lookup_elem(&waiting, &tid);
    __u64 now;

    if (!thread || !is_alike(thread, lock, stack_pointer))
        return false;
    now = bpf_ktime_get_ns();
    if (now - thread->entries[0].start > ABI_ALIKE_NS)
        return false;
    thread->entries[0].start = now;
    thread->depth = 1;
    return true;
}

static __always_inline void push(struct pt_regs *ctx, struct abi_waiting_entry *entry,
                                 __u32 left_out, __u64 id, struct abi_counters *counters)
{
    __u32 tid = id, top;
    struct abi_waiting *thread = find_or_add(&waiting, &tid, &no_waiting);

    if (!thread) {
        add(&counters->losses[ABI_LOSS_WAITERS], 1);
        return;
    }
    thread->pid = id >> 32;
    drop_left(thread, entry->stack_pointer, true, counters);
    top = thread->depth;
    thread->depth = top + 1;
    if (top >= ABI_WAIT_NESTED) {
        add(&counters->losses[ABI_LOSS_WAITERS], 1);
        return;
    }
    if (top == 0)
        count_pending(thread, tid, counters);
    entry->stack = stack_of(ctx, left_out, counters);
    entry->start = bpf_ktime_get_ns();
    thread->entries[top] = *entry;
}

static __always_inline struct abi_wait_process *process_of(__u32 pid, enum abi_wait_kind kind,
                                                           struct abi_counters *counters)
{
    struct abi_wait_process *process = find_or_add(&wait_processes, &pid, &no_process);

    if (!process)
        add(&counters->losses[ABI_LOSS_PROCESSES], 1);
    return process && (process->off | kinds_off) & 1 << kind ? NULL : process;
}

/* Exit */

static __always_inline void tell(const struct ended_waits *wait, bool thrown,
                                 struct abi_counters *counters)
{
    const struct abi_waiting_entry *entry = wait->entry;
    struct abi_wait *record;

    if (wait->sums->sum.wait_ns < min_wait_ns || min_wait_ns == ABI_NOBODY_FOLLOWS)
        return;
    record = bpf_ringbuf_reserve(&waits, sizeof(*record), 0);
    if (!record) {
        add(&counters->losses[ABI_LOSS_WAITS_FULL], 1);
        return;
    }
    record->end = wait->sums->last_ns;
    record->wait_ns = wait->sums->sum.wait_ns;
    record->lock = entry->lock;
    record->caller = entry->caller;
    record->pid = wait->pid;
    record->tid = wait->tid;
    record->owner = entry->owner;
    record->stack = entry->stack;
    record->kind = entry->kind;
    record->thrown = thrown;
    bpf_get_current_comm(record->comm, sizeof(record->comm));
    bpf_ringbuf_submit(record, 0);
}

/* The topmost entry, if it is of the kind that ends here. */
static __always_inline const struct abi_waiting_entry *pop(struct abi_waiting *thread,
                                                           __u64 stack_pointer,
                                                           enum abi_wait_kind kind,
                                                           struct abi_counters *counters)
{
    __u32 top;

    drop_left(thread, stack_pointer, false, counters);
    if (thread->depth > ABI_WAIT_NESTED) {
        thread->depth--;
        return NULL;
    }
    top = thread->depth - 1;
    if (top >= ABI_WAIT_NESTED || thread->entries[top].kind != kind)
        return NULL;
    thread->depth = top;
    return &thread->entries[top];
}

static __always_inline bool is_off(__u32 pid, enum abi_wait_kind kind)
{
    struct abi_wait_process *process = bpf_map_lookup_elem(&wait_processes, &pid);

    return ((process ? process->off : 0) | kinds_off) & 1 << kind;
}

/* The owner that was read for an earlier wait is not told of a long one. */
static __always_inline void count_wait(struct abi_waiting *thread, const struct ended_waits *wait,
                                       struct abi_process_sums *process,
                                       struct abi_counters *counters)
{
    count_process(process, wait->sums);
    if (wait->entry->kind != ABI_WAIT_LOCK || thread->depth) {
        count_lists(wait, process, counters);
        return;
    }
    if (thread->pending.sum.waits && wait->sums->longest_ns > ABI_ALIKE_NS) {
        count_pending(thread, wait->tid, counters);
        thread->entries[0].owner = 0;
    }
    postpone(thread, wait->sums);
}

static __always_inline void leave(__u64 stack_pointer, bool thrown, enum abi_wait_kind kind,
                                  struct abi_counters *counters)
{
    __u64 id = bpf_get_current_pid_tgid();
    struct abi_lock_sums ended = {.sum.waits = 1, .last_ns = bpf_ktime_get_ns()};
    struct ended_waits wait = {.sums = &ended, .pid = id >> 32, .tid = id};
    struct abi_waiting *thread = bpf_map_lookup_elem(&waiting, &wait.tid);
    struct abi_process_sums *process;
    bool held;

    wait.entry = thread ? pop(thread, stack_pointer, kind, counters) : NULL;
    held = wait.entry && holds(wait.entry);
    if (!held && is_off(wait.pid, kind))
        return;
    if (!wait.entry)
        add(&counters->losses[ABI_LOSS_UNPAIRED], 1);
    process = sums_of(wait.pid, kind);
    if (!process)
        add(&counters->losses[ABI_LOSS_PROCESSES], 1);
    if (!process || !wait.entry) {
        if (process)
            add(&process->unpaired, 1);
        return;
    }
    ended.sum.wait_ns = ended.longest_ns = ended.last_ns - wait.entry->start;
    count_wait(thread, &wait, process, counters);
    if (!held)
        tell(&wait, thrown, counters);
}

/* The end of a thread, or of the program that a process was until now */

/* Perhaps in the middle of waits. */
static __always_inline void forget_thread(__u32 tid, struct abi_counters *counters)
{
    struct abi_waiting *thread = bpf_map_lookup_elem(&waiting, &tid);

    if (!thread)
        return;
    add(&counters->losses[ABI_LOSS_ABANDONED],
        thread->depth < ABI_WAIT_NESTED ? thread->depth : ABI_WAIT_NESTED);
    count_pending(thread, tid, counters);
    bpf_map_delete_elem(&waiting, &tid);
}

/* True when there was something to forget. What is not forgotten here is left to the daemon. */
static __always_inline bool forget_process(__u32 pid)
{
    struct abi_process_key lock = {pid, ABI_WAIT_LOCK}, handle = {pid, ABI_WAIT_HANDLE};

    if (bpf_map_delete_elem(&wait_processes, &pid) < 0)
        return false;
    bpf_map_delete_elem(&wait_sums, &lock);
    bpf_map_delete_elem(&wait_sums, &handle);
    return true;
}
