/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/threads.h"

#include <string.h>

#include "proc/procfs.h"
#include "util/text.h"

static void read_name(pid_t pid, pid_t thread, char to[static PROCESS_NAME_MAX])
{
    char file[48];

    snprintf(file, sizeof(file), "task/%d/comm", thread);
    if (procfs_read(pid, file, to, PROCESS_NAME_MAX) > 0)
        to[strcspn(to, "\n")] = '\0';
}

int threads_read(pid_t pid, size_t most, struct threads *out)
{
    _closedir_ DIR *directory = NULL;
    int error = procfs_open_folder(pid, "task", &directory);
    pid_t thread;

    out->count = 0;
    if (error < 0)
        return error;
    most = most < THREADS_MAX ? most : THREADS_MAX;
    while (out->count < most && procfs_next(directory, &thread))
        read_name(pid, thread, out->names[out->count++]);
    return 0;
}

bool threads_have(const struct threads *threads, const char *start)
{
    for (size_t i = 0; i < threads->count; i++) {
        if (text_starts_with(threads->names[i], start))
            return true;
    }
    return false;
}
