/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "ask.h"
#include "contention/contention_json.h"
#include "contention_table.h"
#include "moment.h"
#include "report/json.h"
#include "snapshot.h"
#include "stream.h"
#include "terminal.h"
#include "trace_contention.h"
#include "util/number.h"
#include "verbs.h"
#include "wait_line.h"

#define INTERVAL_DEFAULT_NS UINT64_C(1000000000)
#define INTERVAL_MIN_NS     UINT64_C(1000000)
#define INTERVAL_MAX_NS     UINT64_C(3600000000000)
#define TOP_DEFAULT         10
#define TOP_OF_STACKS       5
#define WIDE_COLUMNS        200
#define NS_PER_S            1e9

#define DURATION_DEFAULT_NS UINT64_C(10000000000)

enum {
    OPTION_BY = OPTION_VERB,
    OPTION_TOP,
    OPTION_TOTAL,
    OPTION_COUNT,
    OPTION_MIN_WAIT,
    OPTION_EVENTPIPE,
    OPTION_DURATION,
};

struct contention_verb {
    struct stream stream; /* also has the options that all of them share */
    struct contention_view view;
    uint64_t interval_ns;
    uint64_t count; /* of intervals */
    uint64_t top;   /* 0: as the table wants */
    bool eventpipe; /* by a session of our own, of one process */
    uint64_t duration_ns;
};

static const struct option long_options[] = {
    OPTIONS_SELECTION,
    OPTIONS_OUTPUT,
    {"interval", required_argument, NULL, 'i'},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"by", required_argument, NULL, OPTION_BY},
    {"top", required_argument, NULL, OPTION_TOP},
    {"total", no_argument, NULL, OPTION_TOTAL},
    {"follow", no_argument, NULL, 'f'},
    {"min-wait", required_argument, NULL, OPTION_MIN_WAIT},
    {"eventpipe", no_argument, NULL, OPTION_EVENTPIPE},
    {"duration", required_argument, NULL, OPTION_DURATION},
    {0},
};

static int complain(const char *what, const char *value, const char *wanted)
{
    fprintf(stderr, "clrmon contention: %s '%s' is not %s\n", what, value, wanted);
    return -EINVAL;
}

static int take_interval(const char *what, const char *text, uint64_t *out)
{
    if (duration_parse_ns(text, out) < 0 || *out < INTERVAL_MIN_NS || *out > INTERVAL_MAX_NS)
        return complain(what, text, "1ms to 1h");
    return 0;
}

static int take_count(const char *what, const char *text, uint64_t most, uint64_t *out)
{
    if (number_decimal(text, most, out) < 0 || !*out)
        return complain(what, text, "a positive number in its range");
    return 0;
}

static int take_by(struct contention_verb *verb, const char *text)
{
    verb->view.table = contention_table_of_name(text);
    if (verb->view.table == TABLE_MAX)
        return complain("--by", text, "process, lock, stack, owner or thread");
    return 0;
}

/* None is too short: 0 means all. */
static int take_min_wait(struct contention_verb *verb, const char *text)
{
    uint64_t ns;

    if (duration_parse_ns(text, &ns) < 0)
        return complain("--min-wait", text, "a duration such as 10ms");
    verb->stream.request.min_wait_ns = ns ? ns : 1;
    return 0;
}

static int take_option(struct contention_verb *verb, int option)
{
    switch (option) {
    case 'i':
        return take_interval("interval", optarg, &verb->interval_ns);
    case 'f':
        verb->stream.request.follow = true;
        return 0;
    case OPTION_COUNT:
        return take_count("count", optarg, UINT32_MAX, &verb->count);
    case OPTION_TOP:
        return take_count("--top", optarg, CONTROL_TOP_MAX, &verb->top);
    case OPTION_TOTAL:
        verb->view.total = true;
        return 0;
    case OPTION_BY:
        return take_by(verb, optarg);
    case OPTION_MIN_WAIT:
        return take_min_wait(verb, optarg);
    case OPTION_EVENTPIPE:
        verb->eventpipe = true;
        return 0;
    case OPTION_DURATION:
        return take_interval("duration", optarg, &verb->duration_ns);
    default:
        return options_take(&verb->stream.options, "contention", option);
    }
}

static int take_together(const struct contention_verb *verb)
{
    const struct control_request *request = &verb->stream.request;
    const struct options *options = &verb->stream.options;
    bool total = verb->view.total, interval = verb->interval_ns || verb->count;
    const struct {
        bool is;
        const char *wrong;
    } rules[] = {
        {request->follow && options->format == FORMAT_JSON,
         "what is followed has no end: -o jsonl"},
        {request->follow && (total || interval || verb->top),
         "-f goes with -p, -n, -o and --min-wait only"},
        {request->min_wait_ns && !request->follow, "--min-wait is for -f"},
        {total && interval, "--total is one table: without -i and --count"},
        {verb->eventpipe && (request->follow || total || interval),
         "--eventpipe is of one --duration: without -f, --total, -i and --count"},
        {verb->eventpipe && (options->pid_count != 1 || options->name_count),
         "--eventpipe changes the process: name one, by -p"},
        {verb->duration_ns && !verb->eventpipe, "--duration is for --eventpipe; -i is an interval"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        if (!rules[i].is)
            continue;
        fprintf(stderr, "clrmon contention: %s\n", rules[i].wrong);
        return -EINVAL;
    }
    return 0;
}

/* Selection */

static bool is_named(const struct contention *process, const struct options *options)
{
    for (size_t i = 0; i < options->pid_count; i++)
        if (options->pids[i] == process->pid)
            return true;
    for (size_t i = 0; i < options->name_count; i++)
        if (stream_name_matches(process->name, options->names[i]))
            return true;
    return !options->pid_count && !options->name_count;
}

static void select_from(struct snapshot *snapshot, const struct options *options)
{
    size_t kept = 0;

    for (size_t i = 0; i < snapshot->count; i++)
        if (is_named(&snapshot->items[i], options))
            snapshot->items[kept++] = snapshot->items[i];
        else
            contention_free(&snapshot->items[i]);
    snapshot->count = kept;
}

/* How many of those that were asked for by number are not there; said on stderr. */
static size_t miss(const struct snapshot *snapshot, const struct options *options)
{
    size_t missing = 0;

    for (size_t i = 0; i < options->pid_count; i++) {
        bool found = false;

        for (size_t n = 0; n < snapshot->count; n++)
            found |= snapshot->items[n].pid == options->pids[i];
        if (!found)
            fprintf(stderr, "clrmon contention: clrmond knows of no .NET process %d\n",
                    (int)options->pids[i]);
        missing += !found;
    }
    if (options->name_count && !snapshot->count)
        fprintf(stderr, "clrmon contention: no .NET process of that name\n");
    return missing;
}

/* Output */

static json_t *encode_all(const struct contention_verb *verb, const struct snapshot *snapshot)
{
    json_t *processes = json_array();

    for (size_t i = 0; i < snapshot->count; i++)
        json_array_append_new(processes, contention_json(&snapshot->items[i]));
    return json_pack("{s:s, s:o, s:o}", "schema", "clrmon.contention/1", "interval_s",
                     verb->view.total ? json_null()
                                      : json_real((double)verb->interval_ns / NS_PER_S),
                     "processes", processes);
}

static void print_table(const struct contention_verb *verb, const struct snapshot *snapshot)
{
    struct contention_view view = verb->view;
    unsigned lines;

    terminal_size(&view.columns, &lines);
    if (verb->stream.options.format == FORMAT_WIDE)
        view.columns = WIDE_COLUMNS;
    view.idle = verb->stream.options.pid_count || verb->stream.options.name_count;
    contention_print(stdout, snapshot->items, snapshot->count, &view);
}

static void print(const struct contention_verb *verb, const struct snapshot *snapshot)
{
    switch (verb->stream.options.format) {
    case FORMAT_JSON:
        json_print(encode_all(verb, snapshot), false);
        break;
    case FORMAT_JSONL:
        for (size_t i = 0; i < snapshot->count; i++)
            json_print(contention_json(&snapshot->items[i]), true);
        break;
    default:
        print_table(verb, snapshot);
    }
}

/* A person wants the first few, a program all. */
static size_t lines_of(const struct contention_verb *verb)
{
    if (verb->top)
        return verb->top;
    if (verb->stream.options.format & (FORMAT_JSON | FORMAT_JSONL))
        return CONTROL_TOP_MAX;
    return verb->view.table == TABLE_STACK ? TOP_OF_STACKS : TOP_DEFAULT;
}

/* Whether what was asked for can be seen at all. */
static int show(const struct contention_verb *verb, struct snapshot *snapshot)
{
    const struct options *options = &verb->stream.options;
    size_t seen = 0;

    select_from(snapshot, options);
    for (size_t i = 0; i < snapshot->count; i++) {
        seen += snapshot->items[i].is_on;
        for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++)
            contended_list_cut(&snapshot->items[i].lists[by], lines_of(verb));
    }
    print(verb, snapshot);
    if (miss(snapshot, options))
        return EXIT_CANNOT_TELL;
    return seen || !snapshot->count ? 0 : EXIT_CANNOT_TELL;
}

/* Intervals */

static int take_snapshot(const struct contention_verb *verb, bool bare, struct snapshot *out,
                         struct reason *why)
{
    const struct options *options = &verb->stream.options;
    struct control_request request = {
        .verb = CONTROL_CONTENTION, .top = CONTROL_TOP_MAX, .bare = bare};

    if (options->pid_count == 1 && !options->name_count)
        request.pid = options->pids[0];
    return snapshot_take(out, &request, ASK_DEADLINE_MS, why);
}

static void wait_interval(uint64_t ns)
{
    struct timespec left = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

static int run_intervals(const struct contention_verb *verb, int *status, struct reason *why)
{
    _snapshot_ struct snapshot before = {0};
    int r = take_snapshot(verb, true, &before, why);

    for (uint64_t i = 0; r == 0 && i < (verb->count ? verb->count : 1); i++) {
        _snapshot_ struct snapshot later = {0}, shown = {0};

        wait_interval(verb->interval_ns);
        r = take_snapshot(verb, false, &later, why);
        if (r == 0)
            r = snapshot_again(&later, &shown, why);
        if (r < 0)
            return r;
        snapshot_subtract(&shown, &before);
        if (i && verb->stream.options.format & (FORMAT_TABLE | FORMAT_WIDE))
            putchar('\n');
        *status = show(verb, &shown);
        if (fflush(stdout) != 0)
            return 0;
        snapshot_free(&before);
        before = later;
        later = (struct snapshot){0};
    }
    return r;
}

static int run_total(const struct contention_verb *verb, int *status, struct reason *why)
{
    _snapshot_ struct snapshot all = {0};
    int r = take_snapshot(verb, false, &all, why);

    if (r == 0)
        *status = show(verb, &all);
    return r;
}

static int run_eventpipe(struct contention_verb *verb, int *status, struct reason *why)
{
    _snapshot_ struct snapshot traced = {.items = calloc(1, sizeof(*traced.items))};
    int r;

    if (!traced.items)
        return -ENOMEM;
    verb->interval_ns = verb->duration_ns ? verb->duration_ns : DURATION_DEFAULT_NS;
    r = trace_contention(verb->stream.options.pids[0], verb->interval_ns / 1000000, traced.items,
                         why);
    if (r < 0)
        return r;
    traced.count = 1;
    verb->interval_ns = traced.items->now_ns - traced.items->since_ns;
    *status = show(verb, &traced);
    if (r)
        *status = EXIT_LEAKED;
    return 0;
}

/* Followed */

static void print_wait(const json_t *wait, bool wide)
{
    const json_t *frames = json_object_get(wait, "frames");
    char line[WAIT_LINE_MAX];

    wait_line(wait, moment_now(), line);
    puts(line);
    for (size_t i = 0; wide && i < json_array_size(frames); i++)
        if (json_is_string(json_array_get(frames, i)))
            printf("%15s%s\n", "", json_string_value(json_array_get(frames, i)));
}

static int run(struct contention_verb *verb)
{
    struct reason why = {"no memory"};
    int status = 0, r;

    if (verb->stream.request.follow)
        return stream_run(&verb->stream);
    r = verb->eventpipe    ? run_eventpipe(verb, &status, &why)
        : verb->view.total ? run_total(verb, &status, &why)
                           : run_intervals(verb, &status, &why);
    if (r == 0)
        return status;
    fprintf(stderr, "clrmon contention: %s\n", why.text);
    return EXIT_CANNOT_TELL;
}

int verb_contention(int argc, char **argv)
{
    struct contention_verb verb = {.view.table = TABLE_PROCESS};
    int option;

    stream_init(&verb.stream, "contention", CONTROL_CONTENTION);
    verb.stream.what = "waits";
    verb.stream.head = WAIT_LINE_HEAD;
    verb.stream.print = print_wait;
    options_init(&verb.stream.options, FORMAT_TABLE | FORMAT_WIDE | FORMAT_JSON | FORMAT_JSONL);
    while ((option = getopt_long(argc, argv, OPTIONS_LETTERS "i:f", long_options, NULL)) != -1)
        if (take_option(&verb, option) < 0)
            return usage_of("contention");
    if (optind < argc || take_together(&verb) < 0)
        return usage_of("contention");
    verb.interval_ns = verb.interval_ns ? verb.interval_ns : INTERVAL_DEFAULT_NS;
    return run(&verb);
}
