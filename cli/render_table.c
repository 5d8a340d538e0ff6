/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "locate/identity.h"
#include "render.h"
#include "rows.h"
#include "select.h"

static void print_set(const char *what, enum provider provider, struct event_set set)
{
    char level[LEVEL_TEXT_MAX], names[KEYWORDS_TEXT_MAX], line[512];

    level_format(set, level);
    keywords_format(provider, set.keywords, names);
    snprintf(line, sizeof(line), "%-26s %-16s 0x%llx%s%s", what, level,
             (unsigned long long)set.keywords, names[0] ? " " : "", names);
    print_folded(line, 8);
}

static void print_contexts(const struct observation *seen)
{
    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        for (enum sink sink = 0; sink < SINK_MAX; sink++) {
            const struct observed_context *context = &seen->contexts[provider][sink];
            bool on = context->context.enabled || observation_is_active(seen, provider, sink);
            char what[64];

            if (!context->readable)
                continue;
            snprintf(what, sizeof(what), "%s, %s%s", provider_short_name(provider), sink_name(sink),
                     on ? "" : " (off)");
            print_set(what, provider, context->context.set);
        }
}

static void print_wide(const struct report *report)
{
    const struct target *target = &report->target;
    const struct observation *seen = &report->observation;
    const struct identity *identity = &target->image->inspection.identity;
    char build_id[BUILD_ID_TEXT_MAX];

    build_id_format(&identity->build_id, build_id);
    printf("        %s, %s, %s, build id %s\n", flavour_text(target->runtime.flavour),
           machine_name(identity->machine), libc_text(target->runtime.libc),
           build_id[0] ? build_id : "none");
    if (target->process.namespace_pid != target->process.pid || target->process.container[0])
        printf("        pid %d where it runs%s%.12s\n", (int)target->process.namespace_pid,
               target->process.container[0] ? ", container " : "", target->process.container);
    if (seen->gc_readable) {
        print_set("GC public", PROVIDER_RUNTIME, seen->gc.public);
        print_set("GC private", PROVIDER_PRIVATE, seen->gc.private);
        printf("        %-26s %s\n", "GC state found by", seen->gc_source);
    }
    print_contexts(seen);
    if (seen->provider_readable)
        printf("        %-26s 0x%llx\n", "EventPipe sessions mask",
               (unsigned long long)seen->provider_sessions);
    for (size_t i = 0; seen->clients_readable && i < seen->clients.peer_count; i++)
        printf("        %-26s %s (pid %d)\n", "diagnostics client", seen->clients.peers[i].command,
               (int)seen->clients.peers[i].pid);
    if (!seen->sessions_readable)
        print_folded(seen->sessions_why.text, 8);
}

static void print_row(const struct report *report)
{
    const struct observation *seen = &report->observation;
    const struct process *process = &report->target.process;
    char level[LEVEL_TEXT_MAX] = "", keywords[24] = "";
    const char *version = report->opened ? target_version(&report->target) : "";

    if (report->opened && seen->gc_readable) {
        level_format(seen->gc.public, level);
        snprintf(keywords, sizeof(keywords), "0x%llx",
                 (unsigned long long)seen->gc.public.keywords);
    }
    row_print(&(struct check_row){.pid = report->pid,
                                  .name = process->command[0] ? process->command : process->name,
                                  .version = version,
                                  .level = level,
                                  .keywords = keywords,
                                  .verdict = verdict_name(report->judgement.verdict)});
}

static void print_reasons(const struct report *report)
{
    if (!report->opened)
        print_folded(report->why.text, 8);
    for (size_t i = 0; i < report->judgement.reason_count; i++)
        print_folded(report->judgement.reasons[i], 8);
    if (report->judgement.verdict == VERDICT_LEAKED && report->observation.sessions_readable)
        printf("        clrmon reset -p %d puts it back\n", (int)report->pid);
}

void report_table(struct report *const *reports, size_t count, const struct summary *summary,
                  bool wide)
{
    if (count)
        row_print_head();
    for (size_t i = 0; i < count; i++) {
        print_row(reports[i]);
        if (wide && reports[i]->opened)
            print_wide(reports[i]);
        print_reasons(reports[i]);
    }
    select_print_hidden(summary->hidden);
}
