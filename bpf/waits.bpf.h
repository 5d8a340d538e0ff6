/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * What a thread waits for, from its entry to its exit, and to whose sums it is added then.
 *
 * An exit is told from the entry by the thread and the stack pointer: what has been entered at or
 * below the present one was left without passing an exit.
 */

#include "wait_maps.bpf.h"

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

static __always_inline struct abi_process_sums *sums_of(__u32 pid, enum abi_wait_kind kind)
{
    struct abi_process_key key = {pid, kind};

    return find_or_add(&wait_sums, &key, &no_process_sums);
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

struct ended_wait {
    struct abi_waiting_entry entry;
    __u64 end;
    __u64 wait_ns;
    __u32 pid, tid;
    bool thrown;
};

static __always_inline void count_lock(const struct ended_wait *wait,
                                       struct abi_process_sums *process,
                                       struct abi_counters *counters)
{
    struct abi_lock_key key = {wait->entry.lock, wait->pid, wait->entry.owner};
    struct abi_lock_sums *sums = key.lock ? find_or_add(&lock_sums, &key, &no_lock_sums) : NULL;

    if (!sums) {
        add(&counters->losses[ABI_LOSS_SUMS], key.lock != 0);
        add_wait(&process->other_locks, wait->wait_ns);
        return;
    }
    add_wait(&sums->sum, wait->wait_ns);
    raise(&sums->longest_ns, wait->wait_ns);
    sums->last_ns = wait->end;
}

static __always_inline void count_thread(const struct ended_wait *wait,
                                         struct abi_process_sums *process,
                                         struct abi_counters *counters)
{
    struct abi_thread_key key = {wait->pid, wait->tid};
    struct abi_thread_sums *sums = find_or_add(&thread_sums, &key, &no_thread_sums);

    if (!sums) {
        add(&counters->losses[ABI_LOSS_SUMS], 1);
        add_wait(&process->other_threads, wait->wait_ns);
        return;
    }
    if (!sums->comm[0])
        bpf_get_current_comm(sums->comm, sizeof(sums->comm));
    add_wait(&sums->sum, wait->wait_ns);
    raise(&sums->longest_ns, wait->wait_ns);
    sums->last_ns = wait->end;
}

static __always_inline void count_stack(const struct ended_wait *wait,
                                        struct abi_process_sums *process,
                                        struct abi_counters *counters)
{
    struct abi_stack_key key = {wait->pid, wait->entry.kind, wait->entry.stack, 0,
                                wait->entry.caller};
    struct abi_stack_sums *sums = find_or_add(&stack_sums, &key, &no_stack_sums);

    if (!sums) {
        add(&counters->losses[ABI_LOSS_SUMS], 1);
        add_wait(&process->other_stacks, wait->wait_ns);
        return;
    }
    add_wait(&sums->sum, wait->wait_ns);
    raise(&sums->longest_ns, wait->wait_ns);
    sums->last_ns = wait->end;
    if (wait->entry.kind == ABI_WAIT_HANDLE)
        __sync_fetch_and_add(&sums->histogram[bucket_of(wait->wait_ns)], 1);
}

static __always_inline void count_process(const struct ended_wait *wait,
                                          struct abi_process_sums *sums)
{
    add_wait(&sums->sum, wait->wait_ns);
    raise(&sums->longest_ns, wait->wait_ns);
    sums->last_ns = wait->end;
    add(&sums->histogram[bucket_of(wait->wait_ns)], 1);
    if (wait->thrown)
        add(&sums->thrown, 1);
}

static __always_inline void tell(const struct ended_wait *wait, struct abi_counters *counters)
{
    struct abi_wait *record;

    if (wait->wait_ns < min_wait_ns || min_wait_ns == ABI_NOBODY_FOLLOWS)
        return;
    record = bpf_ringbuf_reserve(&waits, sizeof(*record), 0);
    if (!record) {
        add(&counters->losses[ABI_LOSS_WAITS_FULL], 1);
        return;
    }
    record->end = wait->end;
    record->wait_ns = wait->wait_ns;
    record->lock = wait->entry.lock;
    record->caller = wait->entry.caller;
    record->pid = wait->pid;
    record->tid = wait->tid;
    record->owner = wait->entry.owner;
    record->stack = wait->entry.stack;
    record->kind = wait->entry.kind;
    record->thrown = wait->thrown;
    bpf_get_current_comm(record->comm, sizeof(record->comm));
    bpf_ringbuf_submit(record, 0);
}

/* The topmost entry is the one that ends here, if it is of that kind. */
static __always_inline bool pop(__u64 stack_pointer, enum abi_wait_kind kind,
                                struct ended_wait *wait, struct abi_counters *counters)
{
    struct abi_waiting *thread = bpf_map_lookup_elem(&waiting, &wait->tid);
    __u32 top;

    if (!thread)
        return false;
    drop_left(thread, stack_pointer, false, counters);
    if (thread->depth > ABI_WAIT_NESTED) {
        thread->depth--;
        return false;
    }
    top = thread->depth - 1;
    if (top >= ABI_WAIT_NESTED || thread->entries[top].kind != kind)
        return false;
    wait->entry = thread->entries[top];
    wait->wait_ns = wait->end - wait->entry.start;
    thread->depth = top;
    return true;
}

static __always_inline void leave(__u64 stack_pointer, bool thrown, enum abi_wait_kind kind,
                                  struct abi_counters *counters)
{
    __u64 id = bpf_get_current_pid_tgid();
    struct ended_wait wait = {.end = bpf_ktime_get_ns(), .pid = id >> 32, .tid = id};
    struct abi_wait_process *process = bpf_map_lookup_elem(&wait_processes, &wait.pid);
    bool entered = pop(stack_pointer, kind, &wait, counters);
    struct abi_process_sums *sums;

    if (((process ? process->off : 0) | kinds_off) & 1 << kind)
        return;
    if (!entered)
        add(&counters->losses[ABI_LOSS_UNPAIRED], 1);
    sums = sums_of(wait.pid, kind);
    if (!sums)
        add(&counters->losses[ABI_LOSS_PROCESSES], 1);
    if (!sums || !entered) {
        if (sums)
            add(&sums->unpaired, 1);
        return;
    }
    wait.thrown = thrown;
    count_process(&wait, sums);
    count_stack(&wait, sums, counters);
    if (kind == ABI_WAIT_LOCK) {
        count_lock(&wait, sums, counters);
        count_thread(&wait, sums, counters);
    }
    tell(&wait, counters);
}

/* The end of a thread, or of the program that a process was until now */

/* Perhaps in the middle of waits. */
static __always_inline void forget_thread(__u32 tid, struct abi_counters *counters)
{
    struct abi_waiting *thread = bpf_map_lookup_elem(&waiting, &tid);

    if (!thread)
        return;
    if (counters)
        add(&counters->losses[ABI_LOSS_ABANDONED],
            thread->depth < ABI_WAIT_NESTED ? thread->depth : ABI_WAIT_NESTED);
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
