/* SPDX-License-Identifier: Apache-2.0 */
#include "select.h"

#include <stdio.h>

static bool is_selected(const struct options *options, pid_t pid)
{
    struct process process;

    if (process_read(pid, &process, NULL) < 0)
        return false;
    for (size_t i = 0; i < options->name_count; i++)
        if (process_matches(&process, options->names[i]))
            return true;
    return false;
}

static int select_by_pid(const struct options *options, struct scan *out)
{
    *out = (struct scan){.pids = calloc(options->pid_count, sizeof(*out->pids))};
    if (!out->pids)
        return -ENOMEM;
    out->room = options->pid_count;
    for (size_t i = 0; i < options->pid_count; i++) {
        bool again = false;

        for (size_t n = 0; n < out->count; n++)
            again |= out->pids[n] == options->pids[i];
        if (!again)
            out->pids[out->count++] = options->pids[i];
    }
    return 0;
}

int select_processes(const struct options *options, struct scan *out, struct reason *why)
{
    size_t kept = 0;
    int r;

    if (options->pid_count && !options->name_count)
        return select_by_pid(options, out);
    r = scan_runtimes(out, why);
    if (r < 0 || !options->name_count)
        return r;
    for (size_t i = 0; i < out->count; i++) {
        bool wanted = is_selected(options, out->pids[i]);

        for (size_t n = 0; n < options->pid_count; n++)
            wanted |= out->pids[i] == options->pids[n];
        if (wanted)
            out->pids[kept++] = out->pids[i];
    }
    out->count = kept;
    return 0;
}

bool select_shows(const struct options *options, const struct target *target, bool opened)
{
    return opened || options->pid_count || (process_alive(&target->process) && !target->no_runtime);
}

void select_print_hidden(unsigned hidden)
{
    if (hidden)
        printf("%u process(es) could not be looked at: no rights%s\n", hidden,
               geteuid() ? " (try as root)" : "");
}
