/* SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

#include <string.h>

#include "contention.h"
#include "contention/contention_json.h"
#include "metrics.h"
#include "report/report.h"
#include "util/clock.h"

#define ROWS_MAX 64 /* of the history that are read at a time */

/* To be freed; NULL: no memory. */
static struct health *read_health(const struct answers *answers)
{
    struct health *health = calloc(1, sizeof(*health));

    if (health)
        answers->fill_health(answers->context, health);
    return health;
}

static json_t *answer_status(void *context)
{
    _free_ struct health *health = read_health(context);

    return health ? health_json(health) : NULL;
}

/* Processes, in order of pid: each is read when its turn has come */

struct process_cursor {
    struct control_request request;
    pid_t last;
    bool telling; /* the contention of the last one, part by part */
    bool naming;  /* names of the last one are looked for; then it is read again */
    uint64_t named_until;
    struct contention contention;
    struct contention_place place;
};

static int open_processes(void *context, const struct control_request *request, void **out,
                          struct reason *why)
{
    struct answers *answers = context;
    struct process_cursor *cursor;

    if (request->pid && !store_find(answers->store, request->pid))
        return reason_set(why, -ESRCH, "the daemon knows of no .NET process %d", (int)request->pid);
    cursor = calloc(1, sizeof(*cursor));
    if (!cursor)
        return reason_set(why, -ENOMEM, "no memory");
    cursor->request = *request;
    monitor_count_events(answers->monitor);
    *out = cursor;
    return 0;
}

static void close_processes(void *context, void *from)
{
    struct process_cursor *cursor = from;

    contention_free(&cursor->contention);
    free(cursor);
}

static struct stored_process *next_process(const struct answers *answers,
                                           struct process_cursor *cursor)
{
    struct stored_process *process = NULL;
    pid_t only = cursor->request.pid;

    while ((process = store_next(answers->store, process)))
        if (process->process.pid > cursor->last && (!only || process->process.pid == only)) {
            cursor->last = process->process.pid;
            return process;
        }
    return NULL;
}

/* Check */

static void take_report(void *context, const struct target *target, const struct observation *seen,
                        const struct stored_process *stored)
{
    _free_ struct report *report = calloc(1, sizeof(*report));
    uint64_t verbose_ns = stored_verbose_ns(stored, clock_monotonic_ns());
    json_t **item = context;

    if (!report)
        return;
    report->pid = target->process.pid;
    report->opened = true;
    report->target = *target;
    report->observation = *seen;
    report->judgement = stored->judgement;
    *item = report_json(report);
    json_object_set_new(*item, "verbose_seconds", json_real((double)verbose_ns / 1e9));
    json_object_set_new(*item, "sessions_count",
                        stored->sessions_known ? json_integer((json_int_t)stored->sessions)
                                               : json_null());
    if (stored->events)
        json_object_set_new(*item, "events_written", event_counts_json(stored->events));
}

/* It is known, but it can't be read at this moment. */
static json_t *report_of_unread(const struct stored_process *process, const struct reason *why)
{
    _free_ struct report *report = calloc(1, sizeof(*report));

    if (!report)
        return NULL;
    report->pid = process->process.pid;
    report->target.process = process->process;
    report->judgement.verdict = VERDICT_UNKNOWN;
    report->why = *why;
    return report_json(report);
}

static int next_check(void *context, void *from, json_t **item, struct reason *why)
{
    struct answers *answers = context;
    struct process_cursor *cursor = from;
    struct stored_process *process;
    struct reason reason = {""};

    *item = NULL;
    while (!*item && (process = next_process(answers, cursor)))
        if (monitor_look(answers->monitor, cursor->last, take_report, item, &reason) < 0 &&
            (process = store_find(answers->store, cursor->last)))
            *item = report_of_unread(process, &reason);
    return *item ? 1 : 0;
}

/* Contention, in as many items as it takes */

#define TOP_DEFAULT 16
#define NAMES_NS    (2000 * NS_PER_MS) /* that an answer waits for names, at most */
#define BARE_NS     (700 * NS_PER_MS)  /* and one without, for what tells which waits count */
#define PART_MAX    (CONTROL_ANSWER_MAX - 1024) /* of a packet, around which is little else */

static void bare(struct contention *contention)
{
    struct contended_list *stacks = &contention->lists[CONTENTION_BY_STACK];

    for (size_t i = 0; i < stacks->count; i++)
        stacks->items[i].frame_count = 0;
}

/* Is it worth waiting for the names of what was read? The whole answer has so long for that. */
static bool waits_for_names(const struct answers *answers, struct process_cursor *cursor)
{
    uint64_t now = clock_monotonic_ns();
    bool naming = contention_is_naming(monitor_contention(answers->monitor), cursor->last);

    if (naming && !cursor->named_until)
        cursor->named_until = now + (cursor->request.bare ? BARE_NS : NAMES_NS);
    cursor->naming = naming && now < cursor->named_until;
    return cursor->naming;
}

/* 1; 0 at the end; -EAGAIN while names are looked for. */
static int read_next(struct answers *answers, struct process_cursor *cursor, struct reason *why)
{
    const struct control_request *request = &cursor->request;
    struct stored_process *process =
        cursor->naming ? store_find(answers->store, cursor->last) : NULL;
    int r;

    if (process && waits_for_names(answers, cursor))
        return -EAGAIN;
    process = process ? process : next_process(answers, cursor);
    if (!process)
        return 0;
    contention_free(&cursor->contention);
    cursor->contention = (struct contention){0};
    r = contention_read(monitor_contention(answers->monitor), process,
                        request->top ? request->top : TOP_DEFAULT, !request->bare,
                        &cursor->contention, why);
    if (r < 0)
        return r;
    if (waits_for_names(answers, cursor))
        return -EAGAIN;
    if (request->bare)
        bare(&cursor->contention);
    cursor->telling = true;
    cursor->place = (struct contention_place){0};
    return 1;
}

static int next_contention(void *context, void *from, json_t **item, struct reason *why)
{
    struct process_cursor *cursor = from;
    int r = 1;

    *item = NULL;
    while (!*item && r > 0) {
        if (cursor->telling)
            *item = contention_part(&cursor->contention, &cursor->place, PART_MAX);
        cursor->telling = *item;
        if (!*item)
            r = read_next(context, cursor, why);
    }
    return r;
}

/* Probes */

#define SWITCH_NS                                                                                  \
    (8000 * NS_PER_MS) /* that an answer waits for what is being switched, at most                 \
                        */

struct probes_cursor {
    struct health *health; /* as it is when it begins to be told */
    uint64_t until;
    enum probe_family next;
};

static int switch_family(const struct answers *answers, const struct control_request *request,
                         struct reason *why)
{
    enum probe_family family = probe_family_of_name(request->family);

    if (family == PROBES_FAMILY_MAX)
        return reason_set(why, -EINVAL, "there is no such family of probes");
    return monitor_switch(answers->monitor, family, request->pid, request->on, why);
}

static int open_probes(void *context, const struct control_request *request, void **out,
                       struct reason *why)
{
    struct probes_cursor *cursor;
    int r = request->family[0] ? switch_family(context, request, why) : 0;

    if (r < 0)
        return r;
    cursor = calloc(1, sizeof(*cursor));
    if (!cursor)
        return reason_set(why, -ENOMEM, "no memory");
    cursor->until = clock_monotonic_ns() + SWITCH_NS;
    *out = cursor;
    return 0;
}

static json_t *encode_off_pids(const struct answers *answers, enum probe_family family)
{
    const struct contention_reader *reader = monitor_contention(answers->monitor);
    json_t *pids = json_array();

    for (const struct stored_process *process = store_next(answers->store, NULL);
         process && family != PROBES_GC; process = store_next(answers->store, process))
        if (!contention_process_is_on(reader, process->process.pid, family))
            json_array_append_new(pids, json_integer(process->process.pid));
    return pids;
}

static json_t *encode_family(const struct answers *answers, const struct health *health,
                             enum probe_family family)
{
    unsigned probes = 0, images = 0;

    for (size_t i = 0; i < health->image_count; i++) {
        probes += health->images[i].families[family].probes;
        images += health->images[i].families[family].probes > 0;
    }
    return json_pack("{s:s, s:b, s:b, s:i, s:i, s:o, s:o}", "family", probe_family_name(family),
                     "on", health->family_is_on[family], "fixed", family == PROBES_GC, "images",
                     (int)images, "probes", (int)probes, "why",
                     health->watching == WATCHING_POLLING ? json_string(health->watching_why.text)
                                                          : json_null(),
                     "off_pids", encode_off_pids(answers, family));
}

static int next_probes(void *context, void *from, json_t **item, struct reason *why)
{
    const struct answers *answers = context;
    struct probes_cursor *cursor = from;

    if (cursor->next == PROBES_FAMILY_MAX)
        return 0;
    if (!cursor->health && monitor_is_switching(answers->monitor) &&
        clock_monotonic_ns() < cursor->until)
        return -EAGAIN;
    if (!cursor->health)
        cursor->health = read_health(answers);
    if (!cursor->health)
        return reason_set(why, -ENOMEM, "no memory");
    *item = encode_family(answers, cursor->health, cursor->next++);
    return 1;
}

static void close_probes(void *context, void *from)
{
    struct probes_cursor *cursor = from;

    free(cursor->health);
    free(cursor);
}

/* History, some rows at a time */

struct history_cursor {
    struct history_query query;
    json_t *rows[ROWS_MAX];
    size_t count, at;
    bool ended;
};

static int open_history(void *context, const struct control_request *request, void **out,
                        struct reason *why)
{
    struct history_cursor *cursor = calloc(1, sizeof(*cursor));

    if (!cursor)
        return reason_set(why, -ENOMEM, "no memory");
    cursor->query = (struct history_query){
        .since_us = request->since_us,
        .until_us = request->until_us ? request->until_us : INT64_MAX,
        .pid = request->pid,
    };
    *out = cursor;
    return 0;
}

static void take_row(void *context, uint64_t id, int64_t time_us, const char *json)
{
    struct history_cursor *cursor = context;
    json_t *row = json_loads(json, 0, NULL);

    if (row && cursor->count < ROWS_MAX)
        cursor->rows[cursor->count++] = row;
    else
        json_decref(row);
}

static int fill_slice(const struct answers *answers, struct history_cursor *cursor,
                      struct reason *why)
{
    int r;

    cursor->count = cursor->at = 0;
    r = history_query(answers->history, &cursor->query, ROWS_MAX, take_row, cursor, why);
    cursor->ended = r >= 0 && r < ROWS_MAX;
    return r;
}

static int next_history(void *context, void *from, json_t **item, struct reason *why)
{
    struct history_cursor *cursor = from;
    int r = 0;

    if (cursor->at == cursor->count && !cursor->ended)
        r = fill_slice(context, cursor, why);
    if (r < 0 || cursor->at == cursor->count)
        return r < 0 ? r : 0;
    *item = cursor->rows[cursor->at++];
    return 1;
}

static void close_history(void *context, void *from)
{
    struct history_cursor *cursor = from;

    for (; cursor->at < cursor->count; cursor->at++)
        json_decref(cursor->rows[cursor->at]);
    free(cursor);
}

/* Metrics */

/* Of all processes, in the store's order. To be freed. */
static struct contention *read_contentions(const struct answers *answers, size_t *count)
{
    struct contention *all = calloc(store_count(answers->store) + 1, sizeof(*all));
    struct contention_reader *reader = monitor_contention(answers->monitor);

    *count = 0;
    for (const struct stored_process *process = store_next(answers->store, NULL); process && all;
         process = store_next(answers->store, process))
        if (contention_read_sums(reader, process, &all[*count]) == 0)
            ++*count;
    return all;
}

int answers_metrics(void *context, enum exposition_format format, char **text, size_t *size,
                    struct reason *why)
{
    const struct answers *answers = context;
    struct metrics_source source = {.store = answers->store, .now = clock_monotonic_ns()};
    _free_ struct contention *contentions = read_contentions(answers, &source.contention_count);
    _free_ struct health *health = read_health(answers);

    if (!health || !contentions)
        return reason_set(why, -ENOMEM, "no memory");
    monitor_count_events(answers->monitor);
    source.health = health;
    source.contentions = contentions;
    return metrics_render(&source, format, text, size, why);
}

void answers_handlers(struct control_handlers *out)
{
    *out = (struct control_handlers){
        .status = answer_status,
        .check = {open_processes, next_check, close_processes},
        .history = {open_history, next_history, close_history},
        .contention = {open_processes, next_contention, close_processes},
        .probes = {open_probes, next_probes, close_probes},
    };
}
