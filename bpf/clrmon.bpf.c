/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#include "core.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "clrmon_abi.h"

#define RECORDS_BYTES (1 << 20) /* 16,000 records; the daemon may ask for another size */
#define WATCHED_MAX   65536
#define THREADS_MAX   1024

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, RECORDS_BYTES);
} records SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct abi_counters);
} counters SEC(".maps");

/* Processes that run .NET, by thread group. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, WATCHED_MAX);
    __type(key, __u32);
    __type(value, __u8);
} watched SEC(".maps");

/* Threads that are in the callback of a provider: thread to provider. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, THREADS_MAX);
    __type(key, __u64);
    __type(value, __u32);
} in_callback SEC(".maps");

static __always_inline struct abi_counters *counters_of_cpu(void)
{
    __u32 zero = 0;

    return bpf_map_lookup_elem(&counters, &zero);
}

#include "contention.bpf.h"
#include "events.bpf.h"
#include "gc.bpf.h"
#include "lifecycle.bpf.h"
#include "usdt.bpf.h"
