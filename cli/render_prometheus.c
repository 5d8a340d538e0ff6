/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

/*
 * The text format that a scrape, or node_exporter's textfile collector, reads. A process whose
 * state cannot be told has clrmon_gc_check_failed and nothing else: an absent number is not a zero.
 */

static void print_label(const char *name, const char *value)
{
    printf("%s=\"", name);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            putchar('\\');
        if (*value == '\n')
            printf("\\n");
        else
            putchar(*value);
    }
    putchar('"');
}

static void print_sample(const char *metric, const struct report *report, const char *provider,
                         unsigned long long value)
{
    const char *version = report->opened ? target_version(&report->target) : "";

    printf("%s{pid=\"%d\",", metric, (int)report->pid);
    print_label("name", report->target.process.name);
    putchar(',');
    print_label("version", version);
    putchar(',');
    print_label("container", report->target.process.container);
    if (provider)
        printf(",provider=\"%s\"", provider);
    printf("} %llu\n", value);
}

static void print_levels(const struct report *report)
{
    if (!report->opened || !report->observation.gc_readable)
        return;
    print_sample("clrmon_gc_event_level", report, "public", report->observation.gc.public.level);
    print_sample("clrmon_gc_event_level", report, "private", report->observation.gc.private.level);
}

static bool is_known(const struct report *report)
{
    return report->opened && report->judgement.verdict != VERDICT_UNKNOWN;
}

static void print_verbose(const struct report *report)
{
    if (is_known(report))
        print_sample("clrmon_gc_verbose", report, NULL,
                     report->judgement.verdict >= VERDICT_VERBOSE);
}

static void print_leaked(const struct report *report)
{
    if (is_known(report))
        print_sample("clrmon_gc_verbosity_leaked", report, NULL,
                     report->judgement.verdict == VERDICT_LEAKED);
}

static void print_failed(const struct report *report)
{
    if (!is_known(report))
        print_sample("clrmon_gc_check_failed", report, NULL, 1);
}

static const struct {
    const char *name;
    const char *help;
    void (*print)(const struct report *report);
} metrics[] = {
    {"clrmon_gc_event_level", "Level at which the GC fires events.", print_levels},
    {"clrmon_gc_verbose", "Whether GC or runtime events are on at the level asked about.",
     print_verbose},
    {"clrmon_gc_verbosity_leaked", "Whether they are on though nobody alive asks for them.",
     print_leaked},
    {"clrmon_gc_check_failed", "Whether the process's state could not be told.", print_failed},
};

void report_prometheus(struct report *const *reports, size_t count)
{
    for (size_t m = 0; m < ARRAY_SIZE(metrics); m++) {
        printf("# HELP %s %s\n# TYPE %s gauge\n", metrics[m].name, metrics[m].help,
               metrics[m].name);
        for (size_t i = 0; i < count; i++)
            metrics[m].print(reports[i]);
    }
}
