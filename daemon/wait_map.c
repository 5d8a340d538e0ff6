/* SPDX-License-Identifier: Apache-2.0 */
#include "wait_map.h"

#include <bpf/bpf.h>
#include <errno.h>

static const struct {
    size_t key, value;
} sizes[WAIT_MAP_MAX] = {
    [WAIT_MAP_PROCESSES] = {sizeof(uint32_t), sizeof(struct abi_wait_process)},
    [WAIT_MAP_SUMS] = {sizeof(struct abi_process_key), sizeof(struct abi_process_sums)},
    [WAIT_MAP_LOCKS] = {sizeof(struct abi_lock_key), sizeof(struct abi_lock_sums)},
    [WAIT_MAP_STACK_SUMS] = {sizeof(struct abi_stack_key), sizeof(struct abi_stack_sums)},
    [WAIT_MAP_THREADS] = {sizeof(struct abi_thread_key), sizeof(struct abi_thread_sums)},
    [WAIT_MAP_WAITING] = {sizeof(uint32_t), sizeof(struct abi_waiting)},
    [WAIT_MAP_STACKS] = {sizeof(uint32_t), ABI_STACK_DEPTH * sizeof(uint64_t)},
};

/* One call: there is room for as many as the map can have. Pages that stay empty cost nothing. */
int wait_rows_read(const struct probes *probes, enum wait_map map, struct wait_rows *out)
{
    uint32_t most = probes_map_size(probes, map), count = most, place;
    _free_ void *keys = calloc(most, sizes[map].key), *values = calloc(most, sizes[map].value);

    *out = (struct wait_rows){0};
    if (!keys || !values)
        return -ENOMEM;
    if (bpf_map_lookup_batch(probes_map(probes, map), NULL, &place, keys, values, &count, NULL) <
            0 &&
        errno != ENOENT)
        return -errno;
    *out = (struct wait_rows){TAKE_PTR(keys), TAKE_PTR(values), count};
    return 0;
}

void wait_rows_free(struct wait_rows *rows)
{
    free(rows->keys);
    free(rows->values);
    *rows = (struct wait_rows){0};
}

int wait_map_get(const struct probes *probes, enum wait_map map, const void *key, void *value)
{
    return bpf_map_lookup_elem(probes_map(probes, map), key, value) < 0 ? -errno : 0;
}

int wait_map_set(const struct probes *probes, enum wait_map map, const void *key, const void *value)
{
    return bpf_map_update_elem(probes_map(probes, map), key, value, BPF_ANY) < 0 ? -errno : 0;
}

void wait_map_delete(const struct probes *probes, enum wait_map map, const void *key)
{
    bpf_map_delete_elem(probes_map(probes, map), key);
}

int wait_map_take(const struct probes *probes, enum wait_map map, const void *key, void *value)
{
    return bpf_map_lookup_and_delete_elem(probes_map(probes, map), key, value) < 0 ? -errno : 0;
}
