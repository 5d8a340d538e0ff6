/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check_daemon.h"
#include "moment.h"
#include "render.h"
#include "report/json.h"
#include "select.h"
#include "util/clock.h"
#include "verbs.h"

/*
 * A leak is reported only when it has been seen at every look during the grace time: at a session's
 * start and end the runtime is on its way from one state to another for some milliseconds, longer
 * while rundown goes on. Processes that look leaked are looked at again together.
 */

#define LOOK_MS          100
#define GRACE_DEFAULT_MS 1000
#define GRACE_MAX_S      600
#define NS_PER_S         UINT64_C(1000000000)
#define SETTLE_MAX_MS    10000 /* for a session that is still ending after the grace time */

enum { OPTION_LEVEL = OPTION_VERB, OPTION_GRACE, OPTION_DAEMON };

struct check {
    struct options options;
    bool quiet;
    bool daemon;
    bool direct; /* there is something that only a direct check can do */
    uint32_t bar;
    unsigned grace_ms;
    struct locator *locator;
    struct peers *peers;
    struct report **reports;
    size_t count;
    struct summary summary;
};

static const struct option long_options[] = {
    OPTIONS_SELECTION,
    OPTIONS_OUTPUT,
    OPTIONS_LOCATING,
    {"quiet", no_argument, NULL, 'q'},
    {"all", no_argument, NULL, 'a'},
    {"level", required_argument, NULL, OPTION_LEVEL},
    {"grace", required_argument, NULL, OPTION_GRACE},
    {"daemon", no_argument, NULL, OPTION_DAEMON},
    {0},
};

static int take_level(struct check *check, const char *text)
{
    if (strcmp(text, "verbose") == 0)
        check->bar = LEVEL_VERBOSE;
    else if (strcmp(text, "informational") == 0)
        check->bar = LEVEL_INFORMATIONAL;
    else
        return fprintf(stderr, "clrmon check: level '%s' is not informational or verbose\n", text),
               -EINVAL;
    return 0;
}

static int take_grace(struct check *check, const char *text)
{
    uint64_t ns;

    if (duration_parse_ns(text, &ns) < 0 || ns > GRACE_MAX_S * NS_PER_S)
        return fprintf(stderr, "clrmon check: grace time '%s' is not 0 to %d seconds\n", text,
                       GRACE_MAX_S),
               -EINVAL;
    check->grace_ms = (unsigned)(ns / NS_PER_MS);
    return 0;
}

static int take_option(struct check *check, int option)
{
    switch (option) {
    case 'q':
        check->quiet = true;
        return 0;
    case 'a': /* all is what no selection means */
        return 0;
    case OPTION_DAEMON:
        check->daemon = true;
        return 0;
    case OPTION_LEVEL:
        check->direct = true;
        return take_level(check, optarg);
    case OPTION_GRACE:
        check->direct = true;
        return take_grace(check, optarg);
    default:
        check->direct |= option >= OPTION_DEBUG_DIR;
        return options_take(&check->options, "check", option);
    }
}

/* The daemon has its own bar, grace time and places, and serves metrics itself. */
static int take_together(const struct check *check)
{
    if (check->daemon &&
        (check->direct || check->options.format & (FORMAT_WIDE | FORMAT_PROMETHEUS)))
        return fprintf(stderr, "clrmon check: --daemon goes with -p, -n, -q and table, json or "
                               "jsonl only\n"),
               -EINVAL;
    return 0;
}

static int take_options(struct check *check, int argc, char **argv)
{
    int option, r = 0;

    options_init(&check->options,
                 FORMAT_TABLE | FORMAT_WIDE | FORMAT_JSON | FORMAT_JSONL | FORMAT_PROMETHEUS);
    check->bar = LEVEL_VERBOSE;
    check->grace_ms = GRACE_DEFAULT_MS;
    while (r == 0 &&
           (option = getopt_long(argc, argv, OPTIONS_LETTERS "qa", long_options, NULL)) != -1)
        r = take_option(check, option);
    if (r == 0)
        r = take_together(check);
    if (r == 0 && optind < argc)
        r = fprintf(stderr, "clrmon check: what is '%s'? A process is selected by -p or -n\n",
                    argv[optind]),
        r = -EINVAL;
    options_finish(&check->options);
    return r;
}

static void look(struct check *check, struct report *report)
{
    int r = report->opened
                ? 0
                : target_open(report->pid, check->locator, &report->target, &report->why);

    report->opened = r == 0;
    if (r == 0)
        r = target_observe(&report->target, check->peers, &report->observation, &report->why);
    if (r == 0) {
        judge(&report->observation, check->bar, &report->judgement);
        return;
    }
    if (report->opened)
        target_close(&report->target);
    report->opened = false;
    report->judgement = (struct judgement){.verdict = VERDICT_UNKNOWN};
}

static int look_at_all(struct check *check, const struct scan *scan)
{
    check->reports = calloc(scan->count + 1, sizeof(*check->reports));
    if (!check->reports)
        return -ENOMEM;
    for (size_t i = 0; i < scan->count; i++) {
        struct report *report = calloc(1, sizeof(*report));

        if (!report)
            return -ENOMEM;
        report->pid = scan->pids[i];
        look(check, report);
        if (select_shows(&check->options, &report->target, report->opened))
            check->reports[check->count++] = report;
        else
            free(report);
    }
    check->summary.hidden = scan->hidden;
    return 0;
}

/* Looks again at what seems leaked. How many of them are still on their way somewhere? */
static int look_again(struct check *check, size_t *leaked, size_t *unsettled)
{
    int r = 0;

    *leaked = *unsettled = 0;
    peers_close(&check->peers); /* who is connected is part of the picture */
    r = peers_open(&check->peers, NULL);
    for (size_t i = 0; i < check->count && r == 0; i++) {
        struct report *report = check->reports[i];

        if (!report->opened || report->judgement.verdict != VERDICT_LEAKED)
            continue;
        look(check, report);
        *leaked += report->judgement.verdict == VERDICT_LEAKED;
        *unsettled += report->judgement.verdict == VERDICT_LEAKED && report->judgement.unsettled;
    }
    return r;
}

static bool seems_leaked(const struct check *check)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->reports[i]->judgement.verdict == VERDICT_LEAKED)
            return true;
    return false;
}

static void give_up_settling(struct check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        struct judgement *judgement = &check->reports[i]->judgement;

        if (judgement->verdict == VERDICT_LEAKED && judgement->unsettled)
            judgement->verdict = VERDICT_VERBOSE; /* its reasons say that a session is ending */
    }
}

static int wait_out_grace(struct check *check)
{
    size_t leaked = seems_leaked(check), unsettled = 0;
    unsigned waited = 0;

    while (leaked && (waited < check->grace_ms || (unsettled && waited < SETTLE_MAX_MS))) {
        clock_pause_ms(LOOK_MS);
        waited += LOOK_MS;
        if (look_again(check, &leaked, &unsettled) < 0)
            return -ENOMEM;
    }
    give_up_settling(check);
    return 0;
}

static void print_reports(struct check *check)
{
    struct summary *summary = &check->summary;

    summary->processes = check->count;
    for (size_t i = 0; i < check->count; i++)
        summary->counts[check->reports[i]->judgement.verdict]++;
    if (check->quiet)
        return;
    switch (check->options.format) {
    case FORMAT_JSON:
        json_print(report_document(check->reports, check->count, summary), false);
        break;
    case FORMAT_JSONL:
        for (size_t i = 0; i < check->count; i++)
            json_print(report_json(check->reports[i]), true);
        break;
    case FORMAT_PROMETHEUS:
        report_prometheus(check->reports, check->count);
        break;
    default:
        report_table(check->reports, check->count, summary, check->options.format == FORMAT_WIDE);
        if (!check->count)
            printf("no .NET process%s\n", check->options.name_count ? " of that name" : "");
    }
}

static int exit_status(const struct check *check)
{
    static const int statuses[VERDICT_MAX] = {
        [VERDICT_OFF] = EXIT_OFF,
        [VERDICT_INFORMATIONAL] = EXIT_OFF,
        [VERDICT_UNKNOWN] = EXIT_CANNOT_TELL,
        [VERDICT_VERBOSE] = EXIT_VERBOSE,
        [VERDICT_LEAKED] = EXIT_LEAKED,
    };

    bool blind = check->summary.hidden && geteuid() != 0; /* what root can't see is no service */

    if (!check->summary.processes && (check->options.name_count || blind))
        return EXIT_CANNOT_TELL;
    return statuses[summary_worst(&check->summary)];
}

static void release(struct check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        if (check->reports[i]->opened)
            target_close(&check->reports[i]->target);
        free(check->reports[i]);
    }
    free(check->reports);
    peers_close(&check->peers);
    locator_free(&check->locator);
}

static int run(struct check *check, struct reason *why)
{
    struct scan scan;
    int r = select_processes(&check->options, &scan, why);

    if (r < 0)
        return r;
    r = locator_new(&check->locator, &check->options.locator);
    if (r == 0)
        r = peers_open(&check->peers, why);
    if (r == 0)
        r = look_at_all(check, &scan);
    scan_close(&scan);
    return r < 0 ? r : wait_out_grace(check);
}

static int ask(struct check *check)
{
    struct reason why = {"no memory"};

    if (check_daemon(&check->options, check->quiet, &check->summary, &why) == 0)
        return exit_status(check);
    fprintf(stderr, "clrmon check: %s\n", why.text);
    return EXIT_CANNOT_TELL;
}

int verb_check(int argc, char **argv)
{
    _cleanup_(release) struct check check = {0};
    struct reason why = {"no memory"};

    if (take_options(&check, argc, argv) < 0)
        return usage_of("check");
    if (check.daemon)
        return ask(&check);
    if (run(&check, &why) < 0) {
        fprintf(stderr, "clrmon check: %s\n", why.text);
        return EXIT_USAGE;
    }
    print_reports(&check);
    return exit_status(&check);
}
