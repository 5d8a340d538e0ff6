/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/thread_ids.h"

#include <string.h>

#include "proc/procfs.h"
#include "util/array.h"
#include "util/deadline.h"
#include "util/text.h"

#define AGAIN_AFTER_NS 100000000u /* a look at all threads costs a file each */

static bool set(struct thread_ids *ids, pid_t own, pid_t ours)
{
    uint32_t number;
    pid_t *grown;

    if (numbering_add(&ids->own, (uint64_t)own, THREAD_IDS_MAX, &number) < 0)
        return false;
    grown = array_grow(ids->ours, (size_t)number + 1, sizeof(*grown), &ids->room);
    if (!grown)
        return false;
    ids->ours = grown;
    ids->ours[number] = ours;
    return true;
}

static void read_all(struct thread_ids *ids)
{
    _closedir_ DIR *tasks = NULL;
    pid_t tid;

    if (procfs_open_folder(ids->process.pid, "task", &tasks) < 0)
        return;
    while (procfs_next(tasks, &tid)) {
        struct process thread = {0};
        char file[32], text[4096];
        pid_t group;

        snprintf(file, sizeof(file), "task/%d/status", tid);
        if (procfs_read(ids->process.pid, file, text, sizeof(text)) > 0 &&
            process_parse_status(text, &thread, &group) == 0 &&
            !set(ids, thread.namespace_pid, tid))
            return;
    }
}

static pid_t find(const struct thread_ids *ids, pid_t own)
{
    uint32_t number;

    return numbering_find(&ids->own, (uint64_t)own, &number) == 0 && number < ids->room
               ? ids->ours[number]
               : 0;
}

pid_t thread_ids_find(struct thread_ids *ids, pid_t own)
{
    uint64_t now = deadline_now();
    pid_t found;

    if (own <= 0)
        return 0;
    if (ids->process.namespace_pid == ids->process.pid)
        return own;
    found = find(ids, own);
    if (found || (ids->read_ns && now - ids->read_ns < AGAIN_AFTER_NS))
        return found;
    ids->read_ns = now;
    read_all(ids);
    return find(ids, own);
}

void thread_ids_name(const struct thread_ids *ids, pid_t tid, char name[static PROCESS_NAME_MAX])
{
    char file[32];

    snprintf(file, sizeof(file), "task/%d/comm", tid);
    if (tid <= 0 || procfs_read(ids->process.pid, file, name, PROCESS_NAME_MAX) < 0)
        name[0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    text_printable(name);
}

void thread_ids_close(struct thread_ids *ids)
{
    numbering_close(&ids->own);
    free(ids->ours);
    ids->ours = NULL;
    ids->room = 0;
}
