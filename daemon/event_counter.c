/* SPDX-License-Identifier: Apache-2.0 */
#include "event_counter.h"

#include <bpf/bpf.h>
#include <stdlib.h>

#include "proc/memory.h"

#define SUMS_MAX 8192 /* of the map */

struct sums {
    struct entry {
        struct abi_event_key key;
        uint64_t written;
    } entries[SUMS_MAX]; /* by process */
    struct abi_event_key keys[SUMS_MAX];
    uint64_t values[SUMS_MAX];
    uint32_t count;
};

static int by_process(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return (x->key.pid > y->key.pid) - (x->key.pid < y->key.pid);
}

static bool is_on(const struct registry *registry, const struct probes *probes)
{
    return probes && registry_family_is_on(registry, PROBES_EVENTS);
}

static struct sums *read_sums(const struct probes *probes)
{
    _free_ struct sums *sums = malloc(sizeof(*sums));
    uint32_t batch;

    if (!sums)
        return NULL;
    sums->count = SUMS_MAX;
    if (bpf_map_lookup_batch(probes_events_map(probes), NULL, &batch, sums->keys, sums->values,
                             &sums->count, NULL) < 0 &&
        errno != ENOENT)
        return NULL;
    for (uint32_t i = 0; i < sums->count; i++)
        sums->entries[i] = (struct entry){sums->keys[i], sums->values[i]};
    qsort(sums->entries, sums->count, sizeof(*sums->entries), by_process);
    return TAKE_PTR(sums);
}

static void forget(const struct probes *probes, const struct entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)bpf_map_delete_elem(probes_events_map(probes), &entries[i].key);
}

/* Where the events of a process that can't be read are, nobody knows: they stay without a name. */
static void read_events(const struct stored_process *process, const struct event_table *table,
                        uint64_t events[static EVENTS_MAX])
{
    struct memory memory;

    memory_open(&memory, process->process.pid);
    if (!table->count || memory_read(&memory, process->bias + table->variables, events,
                                     table->count * sizeof(*events)) < 0)
        for (size_t i = 0; i < EVENTS_MAX; i++)
            events[i] = 0;
    memory_close(&memory);
}

static void take(struct stored_process *process, const struct registry *registry,
                 const struct entry *entries, size_t count, uint64_t now)
{
    const struct event_table *table = registry_events(registry, process->image);
    _free_ struct event_sum *sums = calloc(count + 1, sizeof(*sums));
    uint64_t events[EVENTS_MAX];

    if (!process->events)
        process->events = calloc(1, sizeof(*process->events));
    if (!process->events || !sums || !table)
        return;
    for (size_t i = 0; i < count; i++)
        sums[i] = (struct event_sum){entries[i].key.event, entries[i].written};
    if (count)
        read_events(process, table, events);
    event_counts_take(process->events, table, events, sums, count, now);
}

static void pause_all(struct store *store)
{
    for (struct stored_process *process = store_next(store, NULL); process;
         process = store_next(store, process))
        if (process->events)
            event_counts_pause(process->events);
}

/* Both are in order of pid. What is counted for nobody goes. */
static void take_all(struct store *store, const struct registry *registry,
                     const struct probes *probes, const struct sums *sums, uint64_t now)
{
    struct stored_process *process = store_next(store, NULL);
    size_t first = 0, end;

    for (; process; process = store_next(store, process)) {
        uint32_t pid = (uint32_t)process->process.pid;

        for (end = first; end < sums->count && sums->entries[end].key.pid < pid; end++)
            ;
        forget(probes, &sums->entries[first], end - first);
        for (first = end; end < sums->count && sums->entries[end].key.pid == pid; end++)
            ;
        take(process, registry, &sums->entries[first], end - first, now);
        first = end;
    }
    forget(probes, &sums->entries[first], sums->count - first);
}

void event_counter_refresh(struct store *store, const struct registry *registry,
                           const struct probes *probes, uint64_t now)
{
    _free_ struct sums *sums = is_on(registry, probes) ? read_sums(probes) : NULL;

    if (sums)
        take_all(store, registry, probes, sums, now);
    else
        pause_all(store);
}

void event_counter_forget(const struct registry *registry, const struct probes *probes, pid_t pid)
{
    _free_ struct sums *sums = is_on(registry, probes) ? read_sums(probes) : NULL;

    for (size_t i = 0; sums && i < sums->count; i++)
        if (sums->entries[i].key.pid == (uint32_t)pid)
            forget(probes, &sums->entries[i], 1);
}
