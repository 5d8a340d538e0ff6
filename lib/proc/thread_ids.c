/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/thread_ids.h"

#include <stdlib.h>

#include "proc/procfs.h"

#define STATUS_SIZE 4096

static int by_inner(const void *left, const void *right)
{
    const struct thread_id *a = left, *b = right;

    return (a->inner > b->inner) - (a->inner < b->inner);
}

static int read_inner(pid_t pid, pid_t thread, pid_t *inner)
{
    char file[48], text[STATUS_SIZE];
    struct process process;
    ssize_t length;
    pid_t group;
    int r;

    snprintf(file, sizeof(file), "task/%d/status", thread);
    length = procfs_read(pid, file, text, sizeof(text));
    r = length < 0 ? (int)length : process_parse_status(text, &process, &group);
    if (r == 0)
        *inner = process.namespace_pid;
    return r;
}

static int append(struct thread_ids *ids, struct thread_id id)
{
    struct thread_id *items = ids->items;

    if ((ids->count & (ids->count - 1)) == 0) {
        items = realloc(items, (ids->count ? 2 * ids->count : 1) * sizeof(*items));
        if (!items)
            return -ENOMEM;
        ids->items = items;
    }
    items[ids->count++] = id;
    return 0;
}

static int read_all(pid_t pid, struct thread_ids *out)
{
    _closedir_ DIR *directory = NULL;
    int r = procfs_open_folder(pid, "task", &directory);
    struct thread_id id;

    while (r == 0 && out->count < THREAD_IDS_MAX && procfs_next(directory, &id.outer))
        if (read_inner(pid, id.outer, &id.inner) == 0)
            r = append(out, id);
    return r;
}

static void sort(struct thread_ids *ids)
{
    if (ids->count)
        qsort(ids->items, ids->count, sizeof(*ids->items), by_inner);
}

int thread_ids_refresh(pid_t pid, struct thread_ids *ids)
{
    struct thread_ids fresh = {0};
    int r = read_all(pid, &fresh);
    struct thread_ids there = fresh;

    sort(&fresh);
    there.items = fresh.items;
    for (size_t i = 0; i < ids->count && r == 0 && fresh.count < THREAD_IDS_MAX; i++) {
        if (!thread_ids_outer(&there, ids->items[i].inner))
            r = append(&fresh, ids->items[i]);
        there.items = fresh.items;
    }
    if (r < 0) {
        thread_ids_free(&fresh);
        return r;
    }
    sort(&fresh);
    thread_ids_free(ids);
    *ids = fresh;
    return 0;
}

void thread_ids_free(struct thread_ids *ids)
{
    free(ids->items);
    *ids = (struct thread_ids){0};
}

pid_t thread_ids_outer(const struct thread_ids *ids, pid_t inner)
{
    const struct thread_id key = {.inner = inner}, *found;

    found = ids->count ? bsearch(&key, ids->items, ids->count, sizeof(key), by_inner) : NULL;
    return found ? found->outer : 0;
}
