/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "report/json.h"
#include "select.h"
#include "util/text.h"
#include "verbs.h"

static const struct option long_options[] = {
    OPTIONS_SELECTION,
    OPTIONS_OUTPUT,
    OPTIONS_LOCATING,
    {0},
};

/* One process: who it is, what it runs, and what of it can be observed. */
struct row {
    struct target target;
    bool opened;
    pid_t pid;
    struct reason why;
    struct diagnostics diagnostics;
    bool diagnostics_known;
    struct reason diagnostics_why;
};

static const char *port_state(const struct row *row)
{
    if (row->target.runtime.settings.diagnostics_off)
        return "off";
    if (!row->diagnostics_known)
        return "unknown";
    return row->diagnostics.listening ? "on" : "off";
}

static size_t sites_found(const struct row *row)
{
    const struct findings *findings = &row->target.image->inspection.findings;
    size_t found = 0;

    for (enum site site = 0; site < SITE_MAX; site++)
        found += finding_is_found(&findings->sites[site]);
    return found;
}

static bool has_site(const struct row *row, enum site site)
{
    return finding_is_found(&row->target.image->inspection.findings.sites[site]);
}

/* What `clrmon` can tell of it, by what was located. */
static const struct {
    const char *name;
    enum site site;
} observables[] = {
    {"gc-events", SITE_GC_STATE_LEVELS},
    {"providers", SITE_PROVIDER_CONTEXT_RUNTIME},
    {"sessions", SITE_EVENTPIPE_SESSIONS},
};

static json_t *encode_observables(const struct row *row)
{
    json_t *all = json_array();

    for (size_t i = 0; i < ARRAY_SIZE(observables); i++)
        if (has_site(row, observables[i].site))
            json_array_append_new(all, json_string(observables[i].name));
    return all;
}

/* Text out of the environment or of a path, which may hold anything. */
static json_t *encode_foreign(const char *text)
{
    _free_ char *copy = text ? strdup(text) : NULL;

    if (!copy)
        return json_null();
    text_printable(copy);
    return json_string(copy);
}

static json_t *encode_row(const struct row *row)
{
    const struct settings *settings = &row->target.runtime.settings;
    const struct mapping *profiler;
    json_t *item = json_process(&row->target.process);

    json_object_set_new(item, "pid", json_integer(row->pid));
    if (!row->opened) {
        json_object_set_new(item, "runtime", json_null());
        json_object_set_new(item, "reason", json_string(row->why.text));
        return item;
    }
    profiler = settings_profiler_image(settings, &row->target.runtime.maps);
    json_object_set_new(item, "runtime", json_runtime(&row->target));
    json_object_set_new(
        item, "diagnostics_port",
        json_pack("{s:s, s:o}", "state", port_state(row), "path",
                  row->diagnostics.listening ? json_string(row->diagnostics.path) : json_null()));
    json_object_set_new(item, "startup_hooks", encode_foreign(settings->startup_hooks));
    json_object_set_new(item, "profiler",
                        settings->profiling
                            ? json_pack("{s:o, s:o, s:o}", "class",
                                        encode_foreign(settings->profiler), "path",
                                        encode_foreign(settings->profiler_path), "loaded",
                                        encode_foreign(profiler ? profiler->path : NULL))
                            : json_null());
    json_object_set_new(item, "observable", encode_observables(row));
    return item;
}

static void print_details(const struct row *row)
{
    const struct settings *settings = &row->target.runtime.settings;
    const struct process *process = &row->target.process;
    _free_ char *hooks = settings->startup_hooks ? strdup(settings->startup_hooks) : NULL;

    if (row->diagnostics.listening)
        printf("        diagnostics port %s\n", row->diagnostics.path);
    if (hooks) {
        text_printable(hooks);
        printf("        startup hooks %s\n", hooks);
    }
    if (settings->profiling)
        printf("        profiler asked for, %s\n",
               settings_profiler_image(settings, &row->target.runtime.maps) ? "loaded"
                                                                            : "not loaded");
    if (process->container[0] || process->namespace_pid != process->pid)
        printf("        pid %d in its container %.12s\n", (int)process->namespace_pid,
               process->container);
}

static void print_row(const struct row *row, bool wide)
{
    const struct process *process = &row->target.process;

    if (!row->opened) {
        printf("%-7d %-24.24s %s\n", (int)row->pid, process->command[0] ? process->command : "-",
               row->why.text);
        return;
    }
    printf("%-7d %-24.24s %-9.9s %-19s %-11s %-4s %zu/%d\n", (int)row->pid, process->command,
           target_version(&row->target)[0] ? target_version(&row->target) : "-",
           flavour_text(row->target.runtime.flavour),
           gc_flavour_text(runtime_gc_flavour(process, &row->target.runtime.settings)),
           port_state(row), sites_found(row), SITE_MAX);
    if (wide)
        print_details(row);
}

static void look(struct row *row, struct locator *locator, struct peers *peers)
{
    row->opened = target_open(row->pid, locator, &row->target, &row->why) == 0;
    if (row->opened)
        row->diagnostics_known =
            peers_of(peers, &row->target.process, &row->target.runtime.settings.ports,
                     &row->diagnostics, &row->diagnostics_why) == 0;
}

static void show(const struct options *options, const struct row *row, json_t *list)
{
    if (options->format == FORMAT_JSON)
        json_array_append_new(list, encode_row(row));
    else if (options->format == FORMAT_JSONL)
        json_print(encode_row(row), true);
    else
        print_row(row, options->format == FORMAT_WIDE);
}

static int list_processes(const struct options *options, const struct scan *scan,
                          struct locator *locator, struct peers *peers)
{
    json_t *list = json_array();

    if (options->format & (FORMAT_TABLE | FORMAT_WIDE))
        printf("%-7s %-24s %-9s %-19s %-11s %-4s %s\n", "PID", "NAME", "VERSION", "FLAVOUR", "GC",
               "PORT", "SITES");
    for (size_t i = 0; i < scan->count; i++) {
        _free_ struct row *row = calloc(1, sizeof(*row));

        if (!row)
            break;
        row->pid = scan->pids[i];
        look(row, locator, peers);
        if (select_shows(options, &row->target, row->opened))
            show(options, row, list);
        if (row->opened)
            target_close(&row->target);
    }
    if (options->format == FORMAT_JSON)
        json_print(json_pack("{s:s, s:o}", "schema", "clrmon.ps/1", "processes", list), false);
    else
        json_decref(list);
    if (options->format & (FORMAT_TABLE | FORMAT_WIDE))
        select_print_hidden(scan->hidden);
    return 0;
}

int verb_ps(int argc, char **argv)
{
    _locator_free_ struct locator *locator = NULL;
    _cleanup_(peers_close) struct peers *peers = NULL;
    _cleanup_(scan_close) struct scan scan = {0};
    struct reason why = {"no memory"};
    struct options options;
    int option;

    options_init(&options, FORMAT_TABLE | FORMAT_WIDE | FORMAT_JSON | FORMAT_JSONL);
    while ((option = getopt_long(argc, argv, OPTIONS_LETTERS "a", long_options, NULL)) != -1)
        if (option != 'a' && options_take(&options, "ps", option) < 0)
            return usage_of("ps");
    if (optind < argc)
        return usage_of("ps");
    options_finish(&options);
    if (select_processes(&options, &scan, &why) < 0 ||
        locator_new(&locator, &options.locator) < 0 || peers_open(&peers, &why) < 0) {
        fprintf(stderr, "clrmon ps: %s\n", why.text);
        return EXIT_USAGE;
    }
    return list_processes(&options, &scan, locator, peers);
}
