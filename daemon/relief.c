/* SPDX-License-Identifier: Apache-2.0 */
#include "relief.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "tally.h"

/* Where in a row's key its process is, and in its value how much it is and when it was the last. */
static const struct shape {
    enum wait_map map;
    size_t key, value, pid, sum_ns, last_ns;
    bool can_be_taken;
} shapes[] = {
    {WAIT_MAP_SUMS, sizeof(struct abi_process_key), sizeof(struct abi_process_sums),
     offsetof(struct abi_process_key, pid), offsetof(struct abi_process_sums, sum.wait_ns),
     offsetof(struct abi_process_sums, last_ns), false},
    {WAIT_MAP_LOCKS, sizeof(struct abi_lock_key), sizeof(struct abi_lock_sums),
     offsetof(struct abi_lock_key, pid), offsetof(struct abi_lock_sums, sum.wait_ns),
     offsetof(struct abi_lock_sums, last_ns), true},
    {WAIT_MAP_STACK_SUMS, sizeof(struct abi_stack_key), sizeof(struct abi_stack_sums),
     offsetof(struct abi_stack_key, pid), offsetof(struct abi_stack_sums, sum.wait_ns),
     offsetof(struct abi_stack_sums, last_ns), true},
    {WAIT_MAP_THREADS, sizeof(struct abi_thread_key), sizeof(struct abi_thread_sums),
     offsetof(struct abi_thread_key, pid), offsetof(struct abi_thread_sums, sum.wait_ns),
     offsetof(struct abi_thread_sums, last_ns), true},
};

static const char *key_at(const struct shape *shape, const struct wait_rows *rows, size_t row)
{
    return (const char *)rows->keys + row * shape->key;
}

static uint32_t pid_at(const struct shape *shape, const struct wait_rows *rows, size_t row)
{
    uint32_t pid;

    memcpy(&pid, key_at(shape, rows, row) + shape->pid, sizeof(pid));
    return pid;
}

static uint64_t value_at(const struct shape *shape, const struct wait_rows *rows, size_t row,
                         size_t offset)
{
    uint64_t value;

    memcpy(&value, (const char *)rows->values + row * shape->value + offset, sizeof(value));
    return value;
}

void relief_forget(const struct probes *probes, uint32_t pid, uint64_t until)
{
    for (const struct shape *shape = shapes; shape < shapes + ARRAY_SIZE(shapes); shape++) {
        _wait_rows_ struct wait_rows rows = {0};

        if (wait_rows_read(probes, shape->map, &rows) < 0)
            continue;
        for (size_t i = 0; i < rows.count; i++)
            if (pid_at(shape, &rows, i) == pid &&
                value_at(shape, &rows, i, shape->last_ns) <= until)
                wait_map_delete(probes, shape->map, key_at(shape, &rows, i));
    }
}

/* Rows of one process lie anywhere, but many of them are the same few processes'. */
static bool is_gone(uint32_t pid)
{
    return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static void drop_processes(const struct probes *probes, const struct shape *shape)
{
    _wait_rows_ struct wait_rows rows = {0};
    uint32_t last = 0;
    bool gone = false;

    if (wait_rows_read(probes, shape->map, &rows) < 0)
        return;
    for (size_t i = 0; i < rows.count; i++) {
        uint32_t pid = pid_at(shape, &rows, i);

        if (pid != last)
            gone = is_gone(pid);
        last = pid;
        if (gone)
            wait_map_delete(probes, shape->map, key_at(shape, &rows, i));
    }
}

static bool thread_is_gone(uint32_t pid, uint32_t tid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%u/task/%u", pid, tid);
    return access(path, F_OK) < 0;
}

static void drop_threads(const struct probes *probes)
{
    _wait_rows_ struct wait_rows rows = {0};
    const struct abi_waiting *threads;
    const uint32_t *tids;

    if (wait_rows_read(probes, WAIT_MAP_WAITING, &rows) < 0)
        return;
    threads = rows.values;
    tids = rows.keys;
    for (size_t i = 0; i < rows.count; i++)
        if (thread_is_gone(threads[i].pid, tids[i]))
            wait_map_delete(probes, WAIT_MAP_WAITING, &tids[i]);
}

static void mark(bool *used, uint32_t most, uint32_t stack)
{
    if (stack < most)
        used[stack] = true;
}

static int mark_used(const struct probes *probes, bool *used, uint32_t most)
{
    _wait_rows_ struct wait_rows sums = {0}, waiting = {0};
    int r = wait_rows_read(probes, WAIT_MAP_STACK_SUMS, &sums);
    const struct abi_stack_key *keys = sums.keys;
    const struct abi_waiting *threads;

    for (size_t i = 0; i < sums.count; i++)
        mark(used, most, keys[i].stack);
    if (r == 0)
        r = wait_rows_read(probes, WAIT_MAP_WAITING, &waiting);
    threads = waiting.values;
    for (size_t i = 0; i < waiting.count; i++)
        for (size_t nested = 0; nested < ABI_WAIT_NESTED; nested++)
            mark(used, most, threads[i].entries[nested].stack);
    return r;
}

static void drop_stacks(const struct probes *probes)
{
    uint32_t most = probes_map_size(probes, WAIT_MAP_STACKS), key, next;
    _free_ bool *used = calloc(most, sizeof(*used));
    int map = probes_map(probes, WAIT_MAP_STACKS);
    bool more;

    if (!used || mark_used(probes, used, most) < 0)
        return;
    more = bpf_map_get_next_key(map, NULL, &next) == 0;
    for (uint32_t i = 0; more && i < most; i++) {
        key = next;
        more = bpf_map_get_next_key(map, &key, &next) == 0;
        if (key < most && !used[key])
            wait_map_delete(probes, WAIT_MAP_STACKS, &key);
    }
}

static void drop_known(const struct probes *probes)
{
    _wait_rows_ struct wait_rows rows = {0};
    const uint32_t *pids;

    if (wait_rows_read(probes, WAIT_MAP_PROCESSES, &rows) < 0)
        return;
    pids = rows.keys;
    for (size_t i = 0; i < rows.count; i++)
        if (is_gone(pids[i]))
            wait_map_delete(probes, WAIT_MAP_PROCESSES, &pids[i]);
}

void relief_drop_gone(const struct probes *probes)
{
    for (const struct shape *shape = shapes; shape < shapes + ARRAY_SIZE(shapes); shape++)
        drop_processes(probes, shape);
    drop_known(probes);
    drop_threads(probes);
    drop_stacks(probes);
}

static void take_smallest(const struct probes *probes, const struct shape *shape,
                          const struct wait_rows *rows, size_t keep, relief_taker *take,
                          void *context)
{
    _free_ uint64_t *sums = calloc(rows->count, sizeof(*sums));
    _free_ char *value = malloc(shape->value);
    size_t excess = rows->count - keep;
    uint64_t bound;

    if (!sums || !value)
        return;
    for (size_t i = 0; i < rows->count; i++)
        sums[i] = value_at(shape, rows, i, shape->sum_ns);
    bound = tally_bound(sums, rows->count, keep);
    for (size_t i = 0; i < rows->count && excess; i++) {
        const char *key = key_at(shape, rows, i);

        if (value_at(shape, rows, i, shape->sum_ns) > bound ||
            wait_map_take(probes, shape->map, key, value) < 0)
            continue;
        take(context, shape->map, pid_at(shape, rows, i), key, value);
        excess--;
    }
}

void relief_make_room(const struct probes *probes, relief_taker *take, void *context)
{
    for (const struct shape *shape = shapes; shape < shapes + ARRAY_SIZE(shapes); shape++) {
        size_t most = probes_map_size(probes, shape->map);
        _wait_rows_ struct wait_rows rows = {0};

        if (shape->can_be_taken && wait_rows_read(probes, shape->map, &rows) == 0 &&
            rows.count >= most / 4 * 3)
            take_smallest(probes, shape, &rows, most / 2, take, context);
    }
}

uint64_t relief_forget_waiting(const struct probes *probes, enum abi_wait_kind kind)
{
    _wait_rows_ struct wait_rows rows = {0};
    struct abi_waiting *threads;
    const uint32_t *tids;
    uint64_t waits = 0;

    if (wait_rows_read(probes, WAIT_MAP_WAITING, &rows) < 0)
        return 0;
    threads = rows.values;
    tids = rows.keys;
    for (size_t i = 0; i < rows.count; i++) {
        if (!threads[i].depth || threads[i].entries[0].kind != kind)
            continue;
        waits += threads[i].depth;
        threads[i].depth = 0;
        bpf_map_update_elem(probes_map(probes, WAIT_MAP_WAITING), &tids[i], &threads[i], BPF_EXIST);
    }
    return waits;
}
