/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The least that a probe can do: it counts itself. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { ENTER, EXIT, SITES_MAX };

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, SITES_MAX);
    __type(key, __u32);
    __type(value, __u64);
} hits SEC(".maps");

static __always_inline int count(__u32 site)
{
    __u64 *value = bpf_map_lookup_elem(&hits, &site);

    if (value)
        (*value)++;
    return 0;
}

SEC("uprobe")
int enter(void *ctx)
{
    return count(ENTER);
}

SEC("uprobe")
int leave(void *ctx)
{
    return count(EXIT);
}
