/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "ask.h"
#include "moment.h"
#include "report/json.h"
#include "select.h"
#include "sessions_text.h"
#include "util/clock.h"
#include "verbs.h"

#define RECORD_MAX     16
#define RECORD_HOURS   24
#define US_PER_HOUR    3600000000ll
#define RECORD_WAIT_MS 2000

static const struct option long_options[] = {
    OPTIONS_SELECTION,
    OPTIONS_OUTPUT,
    OPTIONS_LOCATING,
    {0},
};

struct listing {
    struct options options;
    struct locator *locator;
    struct peers *peers;
    struct sessions_report **reports;
    size_t count;
    unsigned hidden;
};

static void look(struct listing *listing, struct sessions_report *report)
{
    int r = report->opened
                ? 0
                : target_open(report->pid, listing->locator, &report->target, &report->why);

    report->opened = r == 0;
    if (r == 0)
        r = survey_take(&report->target, listing->peers, LEVEL_VERBOSE, &report->survey,
                        &report->why);
    if (r < 0 && report->opened)
        target_close(&report->target);
    report->opened = r == 0;
}

static int look_at_all(struct listing *listing, const struct scan *scan)
{
    listing->reports = calloc(scan->count + 1, sizeof(*listing->reports));
    if (!listing->reports)
        return -ENOMEM;
    for (size_t i = 0; i < scan->count; i++) {
        struct sessions_report *report = calloc(1, sizeof(*report));

        if (!report)
            return -ENOMEM;
        report->pid = scan->pids[i];
        look(listing, report);
        if (select_shows(&listing->options, &report->target, report->opened))
            listing->reports[listing->count++] = report;
        else
            free(report);
    }
    listing->hidden = scan->hidden;
    return 0;
}

static bool is_unsure(const struct sessions_report *report)
{
    return report->opened && survey_seems_left_on(&report->survey);
}

/* What seems left on may be a session that has just begun. */
static int look_again(struct listing *listing)
{
    bool unsure = false;
    int r;

    for (size_t i = 0; i < listing->count; i++)
        unsure |= is_unsure(listing->reports[i]);
    if (!unsure)
        return 0;
    clock_pause_ms(SURVEY_GRACE_MS);
    peers_close(&listing->peers);
    r = peers_open(&listing->peers, NULL);
    for (size_t i = 0; r == 0 && i < listing->count; i++)
        if (is_unsure(listing->reports[i]))
            look(listing, listing->reports[i]);
    return r;
}

/* The latest. */
static int take_event(void *context, json_t *event)
{
    json_t *record = context;

    if (json_array_size(record) == RECORD_MAX)
        json_array_remove(record, 0);
    json_array_append(record, event);
    return 0;
}

static void ask_for_record(struct sessions_report *report)
{
    struct ask ask = {
        .request = {.verb = CONTROL_HISTORY,
                    .pid = report->pid,
                    .since_us = moment_now() - RECORD_HOURS * US_PER_HOUR},
        .deadline_ms = RECORD_WAIT_MS,
        .take = take_event,
        .context = json_array(),
    };

    if (ask_daemon(&ask, NULL) == 0)
        report->record = json_incref(ask.context);
    json_decref(ask.context);
}

static void ask_for_records(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        if (listing->reports[i]->opened && !listing->reports[i]->survey.seen.sessions_readable)
            ask_for_record(listing->reports[i]);
}

static void print_document(const struct listing *listing)
{
    json_t *processes = json_array();

    for (size_t i = 0; i < listing->count; i++)
        json_array_append_new(processes, sessions_report_json(listing->reports[i]));
    json_print(json_pack("{s:s, s:o, s:i}", "schema", "clrmon.sessions/1", "processes", processes,
                         "not_examined", (int)listing->hidden),
               false);
}

static void print_texts(const struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        sessions_print(listing->reports[i]);
    if (!listing->count)
        printf("no .NET process%s\n", listing->options.name_count ? " of that name" : "");
    select_print_hidden(listing->hidden);
}

static void print_all(const struct listing *listing)
{
    switch (listing->options.format) {
    case FORMAT_JSON:
        print_document(listing);
        break;
    case FORMAT_JSONL:
        for (size_t i = 0; i < listing->count; i++)
            json_print(sessions_report_json(listing->reports[i]), true);
        break;
    default:
        print_texts(listing);
    }
}

/* 0 when the sessions of all that were asked for could be read. */
static int exit_status(const struct listing *listing)
{
    bool all = listing->count || !(listing->options.pid_count || listing->options.name_count);

    for (size_t i = 0; i < listing->count; i++)
        all &= listing->reports[i]->opened && listing->reports[i]->survey.seen.sessions_readable;
    return all ? 0 : EXIT_CANNOT_TELL;
}

static void release(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        if (listing->reports[i]->opened)
            target_close(&listing->reports[i]->target);
        json_decref(listing->reports[i]->record);
        free(listing->reports[i]);
    }
    free(listing->reports);
    peers_close(&listing->peers);
    locator_free(&listing->locator);
}

static int run(struct listing *listing, struct reason *why)
{
    _cleanup_(scan_close) struct scan scan = {0};
    int r = select_processes(&listing->options, &scan, why);

    if (r == 0)
        r = locator_new(&listing->locator, &listing->options.locator);
    if (r == 0)
        r = peers_open(&listing->peers, why);
    if (r == 0)
        r = look_at_all(listing, &scan);
    if (r == 0)
        r = look_again(listing);
    if (r == 0)
        ask_for_records(listing);
    return r;
}

int verb_sessions(int argc, char **argv)
{
    _cleanup_(release) struct listing listing = {0};
    struct reason why = {"no memory"};
    int option;

    options_init(&listing.options, FORMAT_TABLE | FORMAT_JSON | FORMAT_JSONL);
    while ((option = getopt_long(argc, argv, OPTIONS_LETTERS, long_options, NULL)) != -1)
        if (options_take(&listing.options, "sessions", option) < 0)
            return usage_of("sessions");
    if (optind < argc)
        return usage_of("sessions");
    options_finish(&listing.options);
    if (run(&listing, &why) < 0) {
        fprintf(stderr, "clrmon sessions: %s\n", why.text);
        return EXIT_USAGE;
    }
    print_all(&listing);
    return exit_status(&listing);
}
