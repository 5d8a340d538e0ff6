/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * Sums of waits that are over. The process's get each at once; those by lock, stack and thread are
 * added to when the thread begins to wait for something else, or ends.
 */

#include "wait_maps.bpf.h"

/* Of one thread, that have the entry in common but for its start. */
struct ended_waits {
    const struct abi_waiting_entry *entry;
    const struct abi_lock_sums *sums;
    __u32 pid, tid;
};

static __always_inline struct abi_process_sums *sums_of(__u32 pid, enum abi_wait_kind kind)
{
    struct abi_process_key key = {pid, kind};

    return find_or_add(&wait_sums, &key, &no_process_sums);
}

/* Every kind of sums has these three. */
static __always_inline void add_waits(struct abi_wait_sum *sum, __u64 *longest_ns, __u64 *last_ns,
                                      const struct abi_lock_sums *more)
{
    add_sum(sum, &more->sum);
    raise(longest_ns, more->longest_ns);
    *last_ns = more->last_ns;
}

static __always_inline void count_process(struct abi_process_sums *process,
                                          const struct abi_lock_sums *wait)
{
    add_waits(&process->sum, &process->longest_ns, &process->last_ns, wait);
    add(&process->histogram[bucket_of(wait->longest_ns)], 1);
}

/* Where there is no room for them; NULL: nor for the process. */
static __always_inline void count_other(struct abi_wait_sum *other, const struct ended_waits *waits)
{
    if (other)
        add_sum(other, &waits->sums->sum);
}

static __always_inline void count_lock(const struct ended_waits *waits,
                                       struct abi_process_sums *process,
                                       struct abi_counters *counters)
{
    struct abi_lock_key key = {waits->entry->lock, waits->pid, waits->entry->owner};
    struct abi_lock_sums *sums = key.lock ? find_or_add(&lock_sums, &key, &no_lock_sums) : NULL;

    if (!sums) {
        add(&counters->losses[ABI_LOSS_SUMS], key.lock ? waits->sums->sum.waits : 0);
        count_other(process ? &process->other_locks : NULL, waits);
        return;
    }
    add_waits(&sums->sum, &sums->longest_ns, &sums->last_ns, waits->sums);
}

static __always_inline void count_thread(const struct ended_waits *waits,
                                         struct abi_process_sums *process,
                                         struct abi_counters *counters)
{
    struct abi_thread_key key = {waits->pid, waits->tid};
    struct abi_thread_sums *sums = find_or_add(&thread_sums, &key, &no_thread_sums);

    if (!sums) {
        add(&counters->losses[ABI_LOSS_SUMS], waits->sums->sum.waits);
        count_other(process ? &process->other_threads : NULL, waits);
        return;
    }
    if (!sums->comm[0])
        bpf_get_current_comm(sums->comm, sizeof(sums->comm));
    add_waits(&sums->sum, &sums->longest_ns, &sums->last_ns, waits->sums);
}

/* Of ABI_WAIT_HANDLE there is never more than one. */
static __always_inline void count_stack(const struct ended_waits *waits,
                                        struct abi_process_sums *process,
                                        struct abi_counters *counters)
{
    const struct abi_waiting_entry *entry = waits->entry;
    struct abi_stack_key key = {waits->pid, entry->kind, entry->stack, 0, entry->caller};
    struct abi_stack_sums *sums = find_or_add(&stack_sums, &key, &no_stack_sums);

    if (!sums) {
        add(&counters->losses[ABI_LOSS_SUMS], waits->sums->sum.waits);
        count_other(process ? &process->other_stacks : NULL, waits);
        return;
    }
    add_waits(&sums->sum, &sums->longest_ns, &sums->last_ns, waits->sums);
    if (entry->kind == ABI_WAIT_HANDLE)
        __sync_fetch_and_add(&sums->histogram[bucket_of(waits->sums->longest_ns)], 1);
}

static __always_inline void count_lists(const struct ended_waits *waits,
                                        struct abi_process_sums *process,
                                        struct abi_counters *counters)
{
    count_stack(waits, process, counters);
    if (waits->entry->kind != ABI_WAIT_LOCK)
        return;
    count_lock(waits, process, counters);
    count_thread(waits, process, counters);
}

static __always_inline void postpone(struct abi_waiting *thread, const struct abi_lock_sums *wait)
{
    struct abi_lock_sums *pending = &thread->pending;

    pending->sum.waits++;
    pending->sum.wait_ns += wait->sum.wait_ns;
    if (pending->longest_ns < wait->longest_ns)
        pending->longest_ns = wait->longest_ns;
    pending->last_ns = wait->last_ns;
}

/* They stop to be pending before they are in the maps, for those who read these first. */
static __always_inline void count_pending(struct abi_waiting *thread, __u32 tid,
                                          struct abi_counters *counters)
{
    struct abi_process_key key = {thread->pid, ABI_WAIT_LOCK};
    struct abi_lock_sums sums = thread->pending;
    struct ended_waits waits = {&thread->entries[0], &sums, thread->pid, tid};

    if (!sums.sum.waits)
        return;
    thread->pending = no_lock_sums;
    count_lists(&waits, bpf_map_lookup_elem(&wait_sums, &key), counters);
}
