/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * The maps of waits. They take memory as they fill, except "stacks". At most, with the allocator's
 * size classes: wait_processes 0.4 MB, wait_sums 1, lock_sums 1, stack_sums 2, thread_sums 1,
 * waiting 2, stacks 2.2, the ring 0.5, and 0.6 for the buckets of all: 10.7 MB.
 */

#define WAITS_BYTES   (1 << 19)
#define PROCESSES_MAX 4096
#define SUMS_MAX      2048
#define LOCKS_MAX     8192
#define STACKS_MAX    4096
#define CALLS_MAX     8192 /* stacks of one process each, and their callers */
#define SLEEPERS_MAX  8192 /* threads that have ever waited */

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, WAITS_BYTES);
} waits SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, PROCESSES_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u32);
    __type(value, struct abi_wait_process);
} wait_processes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, SUMS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct abi_process_key);
    __type(value, struct abi_process_sums);
} wait_sums SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, LOCKS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct abi_lock_key);
    __type(value, struct abi_lock_sums);
} lock_sums SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, CALLS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct abi_stack_key);
    __type(value, struct abi_stack_sums);
} stack_sums SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, SLEEPERS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct abi_thread_key);
    __type(value, struct abi_thread_sums);
} thread_sums SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, SLEEPERS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u32);
    __type(value, struct abi_waiting);
} waiting SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_STACK_TRACE);
    __uint(max_entries, STACKS_MAX);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, ABI_STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

/*
 * The daemon's to write. Each change has another number, so that what a thread has found out holds
 * as long as it sees the same; 0, which holds nothing, while somebody follows single waits.
 */
volatile __u32 settings = 1;

/* A wait at least so long goes to the ring. */
volatile __u64 min_wait_ns = ABI_NOBODY_FOLLOWS;

/* Kinds of waits, as bits, of which nothing is counted while their probes come and go. */
volatile __u32 kinds_off = 0;

static const struct abi_wait_process no_process;
static const struct abi_process_sums no_process_sums;
static const struct abi_lock_sums no_lock_sums;
static const struct abi_stack_sums no_stack_sums;
static const struct abi_thread_sums no_thread_sums;
static const struct abi_waiting no_waiting;

/* What a key's value is; a new one begins with @zero. NULL: there is no room. */
static __always_inline void *find_or_add(void *map, const void *key, const void *zero)
{
    void *value = bpf_map_lookup_elem(map, key);

    if (value)
        return value;
    bpf_map_update_elem(map, key, zero, BPF_NOEXIST);
    return bpf_map_lookup_elem(map, key);
}

static __always_inline void add(__u64 *to, __u64 amount)
{
    __sync_fetch_and_add(to, amount);
}

static __always_inline void add_sum(struct abi_wait_sum *to, const struct abi_wait_sum *more)
{
    add(&to->waits, more->waits);
    add(&to->wait_ns, more->wait_ns);
}

/* Twice, for another processor may have come between with less. */
static __always_inline void raise(__u64 *longest, __u64 wait_ns)
{
    volatile __u64 *value = longest;

    if (*value < wait_ns)
        *value = wait_ns;
    if (*value < wait_ns)
        *value = wait_ns;
}

static __always_inline __u32 log2_of(__u64 value)
{
    __u32 log = 0, step;

    step = (value > 0xffffffff) << 5;
    value >>= step;
    log |= step;
    step = (value > 0xffff) << 4;
    value >>= step;
    log |= step;
    step = (value > 0xff) << 3;
    value >>= step;
    log |= step;
    step = (value > 0xf) << 2;
    value >>= step;
    log |= step;
    step = (value > 0x3) << 1;
    value >>= step;
    log |= step;
    return log | (value > 1);
}

static __always_inline __u32 bucket_of(__u64 wait_ns)
{
    __u32 log = log2_of(wait_ns);

    if (log < ABI_WAIT_SHIFT)
        return 0;
    log -= ABI_WAIT_SHIFT - 1;
    return log < ABI_WAIT_BUCKETS ? log : ABI_WAIT_BUCKETS - 1;
}
