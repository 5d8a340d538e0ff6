/* SPDX-License-Identifier: Apache-2.0 */
#include "check_daemon.h"

#include <string.h>

#include "ask.h"
#include "report/json.h"
#include "rows.h"

/* What the store adds to a process for `clrmon top`. */
static const char *const additions[] = {"verbose_seconds", "sessions_count"};

static pid_t pid_of(const json_t *process)
{
    return (pid_t)json_integer_value(json_object_get(process, "pid"));
}

static int take_process(void *context, json_t *process)
{
    json_t *all = context;

    for (size_t i = 0; i < ARRAY_SIZE(additions); i++)
        json_object_del(process, additions[i]);
    json_array_append(all, process);
    return 0;
}

/* @wanted is one of the words of a command: "dotnet app.dll" is meant by "dotnet" and "app". */
static bool has_word(const char *command, const char *wanted)
{
    size_t length = strlen(wanted);

    for (const char *word = command; word; word = strchr(word, ' ')) {
        word += *word == ' ';
        if (strncmp(word, wanted, length) != 0)
            continue;
        if (!word[length] || word[length] == ' ' || strcmp(word + length, ".dll") == 0)
            return true;
    }
    return false;
}

static bool is_wanted(const struct options *options, const json_t *process)
{
    for (size_t i = 0; i < options->pid_count; i++)
        if (options->pids[i] == pid_of(process))
            return true;
    for (size_t i = 0; i < options->name_count; i++)
        if (strcmp(json_text_at(process, "name"), options->names[i]) == 0 ||
            has_word(json_text_at(process, "command"), options->names[i]))
            return true;
    return !options->pid_count && !options->name_count;
}

/* New reference: of one that was asked for by its number, as far as it is known. */
static json_t *find(const json_t *all, pid_t pid)
{
    _free_ struct report *unknown = NULL;

    for (size_t i = 0; i < json_array_size(all); i++)
        if (pid_of(json_array_get(all, i)) == pid)
            return json_incref(json_array_get(all, i));
    unknown = calloc(1, sizeof(*unknown));
    if (!unknown)
        return NULL;
    unknown->pid = unknown->target.process.pid = pid;
    unknown->judgement.verdict = VERDICT_UNKNOWN;
    reason_set(&unknown->why, 0, "clrmond knows of no .NET process with this number");
    return report_json(unknown);
}

static bool is_repeated(const struct options *options, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (options->pids[i] == options->pids[at])
            return true;
    return false;
}

/* In the order of a direct check: as asked for by number, else as they are. */
static json_t *select_from(const json_t *all, const struct options *options)
{
    json_t *selected = json_array();
    bool by_pid = options->pid_count && !options->name_count;

    for (size_t i = 0; by_pid && i < options->pid_count; i++)
        if (!is_repeated(options, i))
            json_array_append_new(selected, find(all, options->pids[i]));
    for (size_t i = 0; !by_pid && i < json_array_size(all); i++)
        if (is_wanted(options, json_array_get(all, i)))
            json_array_append(selected, json_array_get(all, i));
    return selected;
}

static enum verdict verdict_of(const json_t *process)
{
    enum verdict verdict = 0;

    while (verdict < VERDICT_MAX &&
           strcmp(verdict_name(verdict), json_text_at(process, "verdict")) != 0)
        verdict++;
    return verdict == VERDICT_MAX ? VERDICT_UNKNOWN : verdict;
}

/* What its sessions cost it, where clrmond counts events. */
static void print_events(const json_t *process)
{
    const json_t *events = json_object_get(process, "events_written");
    const json_t *rate = json_object_get(events, "per_second");
    char line[160];
    int length;

    if (!json_is_object(events))
        return;
    length = snprintf(line, sizeof(line), "its sessions have had it write %lld events",
                      (long long)json_integer_value(json_object_get(events, "total")));
    if (json_is_number(rate))
        snprintf(line + length, sizeof(line) - (size_t)length,
                 ", now %.0f a second, for about %.2f %% of a CPU", json_number_value(rate),
                 100 * json_number_value(json_object_get(events, "cost_share")));
    print_folded(line, ROW_INDENT);
}

static void print_row(const json_t *process)
{
    const json_t *set = json_object_get(json_object_get(process, "gc"), "public");
    const json_t *reasons = json_object_get(process, "reasons");
    const char *command = json_text_at(process, "command");

    row_print(&(struct check_row){
        .pid = pid_of(process),
        .name = *command ? command : json_text_at(process, "name"),
        .version = json_text_at(json_object_get(process, "runtime"), "version"),
        .level = json_text_at(set, "level_name"),
        .keywords = json_text_at(set, "keywords"),
        .verdict = verdict_name(verdict_of(process)),
    });
    for (size_t i = 0; i < json_array_size(reasons); i++)
        if (json_is_string(json_array_get(reasons, i)))
            print_folded(json_string_value(json_array_get(reasons, i)), ROW_INDENT);
    print_events(process);
}

static void print_table(const json_t *processes, const struct options *options)
{
    if (json_array_size(processes))
        row_print_head();
    else
        printf("no .NET process%s\n", options->name_count ? " of that name" : "");
    for (size_t i = 0; i < json_array_size(processes); i++)
        print_row(json_array_get(processes, i));
}

static void print(json_t *processes, const struct options *options, const struct summary *summary)
{
    switch (options->format) {
    case FORMAT_JSON:
        json_print(report_document_of(json_incref(processes), summary), false);
        break;
    case FORMAT_JSONL:
        for (size_t i = 0; i < json_array_size(processes); i++)
            json_print(json_incref(json_array_get(processes, i)), true);
        break;
    default:
        print_table(processes, options);
    }
}

static void show(const json_t *all, const struct options *options, bool quiet,
                 struct summary *summary)
{
    json_t *processes = select_from(all, options);

    summary->processes = json_array_size(processes);
    for (size_t i = 0; i < json_array_size(processes); i++)
        summary->counts[verdict_of(json_array_get(processes, i))]++;
    if (!quiet)
        print(processes, options, summary);
    json_decref(processes);
}

int check_daemon(const struct options *options, bool quiet, struct summary *summary,
                 struct reason *why)
{
    json_t *all = json_array();
    struct ask ask = {.request.verb = CONTROL_CHECK,
                      .deadline_ms = ASK_DEADLINE_MS,
                      .take = take_process,
                      .context = all};
    int r;

    if (options->pid_count == 1 && !options->name_count)
        ask.request.pid = options->pids[0];
    r = ask_daemon(&ask, why);
    if (r == 0 && ask.missing)
        r = reason_set(why, -EMSGSIZE, "clrmond could not tell of %llu processes",
                       (unsigned long long)ask.missing);
    if (r == 0)
        show(all, options, quiet, summary);
    json_decref(all);
    return r;
}
