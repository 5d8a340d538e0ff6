/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * Who holds a lock, as the lock itself says: the thread's id as its own PID namespace has it. Told
 * only where the layout has been found true in the process.
 */

#include "wait_maps.bpf.h"

#define TID_MAX   (1 << 22)
#define SCAN_MAX  128 /* of 8 bytes of a Thread, where its id is looked for */
#define LEVEL_MAX 32  /* of PID namespaces */

/* Where a Thread is copied to be looked through. What was found lies here too: in registers the
 * verifier would follow each way through the loop. */
struct thread_words {
    __u64 words[SCAN_MAX];
    __u32 place;
    __u32 places;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct thread_words);
} scratch SEC(".maps");

static __always_inline __u64 read_u64(__u64 address)
{
    __u64 value = 0;

    bpf_probe_read_user(&value, sizeof(value), (void *)address);
    return value;
}

/* The thread's id as its own PID namespace has it, which is what the runtime keeps. */
static __always_inline __u32 own_tid(void)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct pid *pid = BPF_CORE_READ(task, thread_pid);
    __u32 level = BPF_CORE_READ(pid, level);
    int nr = 0;

    if (level > LEVEL_MAX)
        return 0;
    bpf_probe_read_kernel(&nr, sizeof(nr),
                          (char *)pid + bpf_core_field_offset(struct pid, numbers) +
                              level * bpf_core_type_size(struct upid));
    return nr;
}

/* The one place in a Thread that has its id; 0: none, or several. */
static __always_inline __u32 place_of_tid(__u64 thread, __u32 tid)
{
    __u32 zero = 0;
    volatile struct thread_words *copy = bpf_map_lookup_elem(&scratch, &zero);

    if (!copy || bpf_probe_read_user((void *)copy->words, sizeof(copy->words), (void *)thread) < 0)
        return 0;
    copy->places = 0;
    for (__u32 i = 1; i < SCAN_MAX; i++) {
        if (copy->words[i] != tid)
            continue;
        copy->place = i * 8;
        copy->places++;
    }
    return copy->places == 1 ? copy->place : 0;
}

/*
 * A layout that the code told is true when this thread's id is where it says; one that it did not
 * tell, when two threads have theirs at the same place.
 */
static __always_inline bool is_proven(struct abi_wait_process *process,
                                      struct abi_lock_layout layout, __u64 thread,
                                      struct abi_counters *counters)
{
    __u32 place, tid;

    if (process->thread_tid)
        return true;
    tid = own_tid();
    if (layout.thread_tid && read_u64(thread + layout.thread_tid) == tid && tid) {
        process->thread_tid = layout.thread_tid;
        return true;
    }
    place = layout.thread_tid || !tid ? 0 : place_of_tid(thread, tid);
    if (!place) {
        add(&counters->losses[ABI_LOSS_OWNER], 1);
        return false;
    }
    if (process->candidate == place && process->candidate_tid != tid) {
        process->thread_tid = place;
        return true;
    }
    process->candidate = place;
    process->candidate_tid = tid;
    return false;
}

static __always_inline __u32 owner_of(struct abi_wait_process *process,
                                      struct abi_lock_layout layout, __u64 lock, __u64 thread,
                                      struct abi_counters *counters)
{
    __u64 holder, owner;

    if ((!layout.owner_tid && !layout.holder) || !is_proven(process, layout, thread, counters))
        return 0;
    if (layout.owner_tid) {
        owner = read_u64(lock + layout.owner_tid);
    } else {
        holder = read_u64(lock + layout.holder);
        owner = holder && holder != thread ? read_u64(holder + process->thread_tid) : 0;
    }
    if (owner > TID_MAX || (owner && owner == own_tid()))
        return 0;
    return owner;
}
