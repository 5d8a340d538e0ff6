/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "ask.h"
#include "contention_table.h"
#include "moment.h"
#include "report/json.h"
#include "screen.h"
#include "snapshot.h"
#include "terminal.h"
#include "util/deadline.h"
#include "util/number.h"
#include "verbs.h"

#define INTERVAL_DEFAULT_S 2
#define INTERVAL_MAX_S     3600
#define DEADLINE_MS        1000 /* a key is answered after this at the latest */
#define LOCKS              16   /* of a process, of which the worst is sought */
#define NS_PER_S           1e9

struct top {
    uint64_t interval_s;
    uint64_t count; /* 0: until somebody quits */
    bool live;      /* on a terminal */
    bool quits;
    int signals;
    struct terminal terminal;
    struct screen screen;
    struct screen fresh;   /* what comes in */
    struct snapshot waits; /* up to now; what is shown is what it has more than the one before */
    bool has_waits;
};

static const struct option long_options[] = {
    {"interval", required_argument, NULL, 'i'},
    {"count", required_argument, NULL, 'n'},
    {0},
};

static int take_option(struct top *top, int option)
{
    if (option == 'i' && (duration_parse(optarg, &top->interval_s) < 0 || !top->interval_s ||
                          top->interval_s > INTERVAL_MAX_S))
        return fprintf(stderr, "clrmon top: interval '%s' is not 1s to 1h\n", optarg), -EINVAL;
    if (option == 'n' && (number_decimal(optarg, UINT32_MAX, &top->count) < 0 || !top->count))
        return fprintf(stderr, "clrmon top: count '%s' is not a positive number\n", optarg),
               -EINVAL;
    return option == 'i' || option == 'n' ? 0 : -EINVAL;
}

/* "dotnet app.dll" is app.dll; else the process's own name says more. */
static const char *name_of(const json_t *process)
{
    const char *command = json_text_at(process, "command"), *space = strrchr(command, ' ');

    return space && space[1] ? space + 1 : json_text_at(process, "name");
}

static int sessions_of(const json_t *process)
{
    const json_t *count = json_object_get(process, "sessions_count");
    const json_t *sessions = json_object_get(process, "sessions");

    if (json_is_integer(count))
        return (int)json_integer_value(count);
    return json_is_array(sessions) ? (int)json_array_size(sessions) : -1;
}

static enum verdict verdict_of(const json_t *process)
{
    for (enum verdict verdict = 0; verdict < VERDICT_MAX; verdict++)
        if (strcmp(verdict_name(verdict), json_text_at(process, "verdict")) == 0)
            return verdict;
    return VERDICT_UNKNOWN;
}

static void read_row(const json_t *process, struct screen_row *row)
{
    const json_t *set = json_object_get(json_object_get(process, "gc"), "public");
    double verbose = json_number_value(json_object_get(process, "verbose_seconds"));

    *row = (struct screen_row){
        .pid = (pid_t)json_integer_value(json_object_get(process, "pid")),
        .gc_known = json_is_object(set),
        .level = (uint32_t)json_integer_value(json_object_get(set, "level")),
        .sessions = sessions_of(process),
        .verbose_seconds = verbose > 0 && verbose < 1e18 ? (uint64_t)verbose : 0,
        .verdict = verdict_of(process),
    };
    snprintf(row->name, sizeof(row->name), "%s", name_of(process));
    snprintf(row->version, sizeof(row->version), "%s",
             json_text_at(json_object_get(process, "runtime"), "version"));
    snprintf(row->keywords, sizeof(row->keywords), "%s", json_text_at(set, "keywords"));
}

static int take_process(void *context, json_t *process)
{
    struct screen *fresh = context;
    struct screen_row *rows = reallocarray(fresh->rows, fresh->count + 1, sizeof(*fresh->rows));

    if (!rows)
        return 1;
    fresh->rows = rows;
    read_row(process, &rows[fresh->count++]);
    return 0;
}

static void read_waits(const struct contention *process, bool since_before, struct screen_row *row)
{
    double seconds = (double)(process->now_ns - process->since_ns) / NS_PER_S;
    const struct contended *worst = contention_worst(process);
    char text[CONTENDED_TEXT_MAX];

    row->waits_known = since_before && process->is_on && seconds > 0;
    row->waiters = process->waiters;
    if (row->waits_known) {
        row->waits = (double)process->sum.waits / seconds;
        row->wait_ms = (double)process->sum.wait_ns / NS_PER_MS / seconds;
        row->p99_ns = contention_quantile(process, 0.99);
    }
    if (!row->waits_known || !worst)
        return;
    contended_lock(worst, text);
    snprintf(row->lock, sizeof(row->lock), "%.*s", (int)sizeof(row->lock) - 1, text);
    contended_thread(worst, text);
    snprintf(row->owner, sizeof(row->owner), "%.*s", (int)sizeof(row->owner) - 1, text);
}

static struct screen_row *find_row(const struct screen *screen, pid_t pid)
{
    for (size_t i = 0; i < screen->count; i++)
        if (screen->rows[i].pid == pid)
            return &screen->rows[i];
    return NULL;
}

static void fill_rows(struct top *top, const struct snapshot *since)
{
    top->screen.has_waits = false;
    for (size_t i = 0; i < since->count; i++) {
        struct screen_row *row = find_row(&top->screen, since->items[i].pid);

        if (row)
            read_waits(&since->items[i], top->has_waits, row);
        top->screen.has_waits |= since->items[i].is_on;
    }
}

/* A daemon that knows nothing of locks is as good as one that watches none. */
static void refresh_waits(struct top *top)
{
    const struct control_request request = {.verb = CONTROL_CONTENTION, .top = LOCKS, .bare = true};
    _snapshot_ struct snapshot now = {0}, since = {0};
    struct reason why;

    if (snapshot_take(&now, &request, DEADLINE_MS, &why) < 0 ||
        snapshot_again(&now, &since, &why) < 0) {
        top->screen.has_waits = false;
        return;
    }
    snapshot_subtract(&since, &top->waits);
    fill_rows(top, &since);
    snapshot_free(&top->waits);
    top->waits = now;
    top->has_waits = true;
    now = (struct snapshot){0};
}

/* What was known before stays on the screen while the daemon does not answer. */
static void refresh(struct top *top)
{
    struct ask ask = {.request.verb = CONTROL_CHECK,
                      .deadline_ms = DEADLINE_MS,
                      .take = take_process,
                      .context = &top->fresh};
    struct screen before = top->screen;

    top->fresh.count = 0;
    top->screen.trouble.text[0] = 0;
    if (ask_daemon(&ask, &top->screen.trouble) < 0)
        return;
    if (ask.missing)
        reason_set(&top->screen.trouble, 0, "%llu processes are missing here",
                   (unsigned long long)ask.missing);
    top->screen.rows = top->fresh.rows;
    top->screen.count = top->fresh.count;
    top->fresh.rows = before.rows;
    refresh_waits(top);
    screen_sort(&top->screen);
}

static void draw(struct top *top)
{
    unsigned columns, lines;
    _free_ char *text = NULL;

    terminal_size(&columns, &lines);
    text = screen_render(&top->screen, columns, top->live ? lines : 0);
    if (!text || !terminal_write(text, strlen(text)))
        top->quits = true;
}

static void suspend(struct top *top)
{
    terminal_leave(&top->terminal);
    raise(SIGSTOP);
    terminal_enter(&top->terminal);
    draw(top);
}

static void take_signal(struct top *top)
{
    struct signalfd_siginfo info;

    if (read(top->signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGWINCH)
        draw(top);
    else if (info.ssi_signo == SIGTSTP)
        suspend(top);
    else
        top->quits = true;
}

static void take_key(struct top *top)
{
    char key = 0;

    if (read(STDIN_FILENO, &key, 1) != 1)
        top->terminal.has_keys = false;
    else if (key == 'q' || key == 'Q')
        top->quits = true;
}

static void wait_until(struct top *top, deadline_t due)
{
    int left;

    while (!top->quits && (left = deadline_left_ms(due)) > 0) {
        struct pollfd waits[] = {
            {.fd = top->signals, .events = POLLIN},
            {.fd = top->terminal.has_keys ? STDIN_FILENO : -1, .events = POLLIN},
        };

        if (poll(waits, ARRAY_SIZE(waits), left) <= 0)
            continue;
        if (waits[0].revents)
            take_signal(top);
        if (waits[1].revents)
            take_key(top);
    }
}

static int catch_signals(void)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
        sigaddset(&set, caught[i]);
    signal(SIGPIPE, SIG_IGN); /* writing fails instead */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* What happens in a second is known after an interval: who wants one screen waits for that. */
static void run(struct top *top)
{
    for (uint64_t drawn = 0; !top->quits; drawn++) {
        deadline_t due = deadline_in_ms(top->interval_s * 1000);

        refresh(top);
        if (top->count == 1 && top->has_waits) {
            wait_until(top, due);
            refresh(top);
        }
        draw(top);
        if (top->count && drawn + 1 >= top->count)
            break;
        wait_until(top, due);
    }
}

int verb_top(int argc, char **argv)
{
    struct top top = {.interval_s = INTERVAL_DEFAULT_S, .live = isatty(STDOUT_FILENO)};
    int option, status;

    while ((option = getopt_long(argc, argv, "i:n:", long_options, NULL)) != -1)
        if (take_option(&top, option) < 0)
            return usage_of("top");
    if (optind < argc)
        return usage_of("top");
    top.screen.interval_s = (unsigned)top.interval_s;
    top.signals = catch_signals();
    if (top.live)
        terminal_enter(&top.terminal);
    run(&top);
    terminal_leave(&top.terminal);
    status = top.screen.trouble.text[0] ? EXIT_CANNOT_TELL : 0;
    if (status)
        fprintf(stderr, "clrmon top: %s\n", top.screen.trouble.text);
    close(top.signals);
    free(top.screen.rows);
    free(top.fresh.rows);
    snapshot_free(&top.waits);
    return status;
}
