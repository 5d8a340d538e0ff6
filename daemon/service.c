/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "answers.h"
#include "http.h"
#include "log.h"
#include "util/clock.h"
#include "util/timestamp.h"

#define FLUSH_MORE_US UINT64_C(50000)
#define FLUSH_US      UINT64_C(1000000)
#define EXPIRE_US     UINT64_C(60000000)

struct service {
    struct config config;
    const char *config_path; /* NULL: none */
    sd_event *loop;
    struct history *history;
    struct store *store;
    struct monitor *monitor;
    struct control *control;
    struct control_handlers handlers;
    struct answers answers;
    struct http *http;
    sd_event_source *flush;
    sd_event_source *expire;
    int64_t started_us;
    uint64_t events;
    uint64_t longest_ns;
};

/* Events */

static void on_event(void *context, const struct event *event)
{
    struct service *service = context;
    json_t *json = event_json(event);
    _free_ char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    service->events++;
    log_event(event);
    if (text && service->history)
        history_add(service->history, event, text);
    if (json && service->control && control_is_followed(service->control))
        control_publish(service->control, json);
    json_decref(json);
}

/* Ids go on where they ended, and what nobody watched is said to be a gap. */
static void resume(struct service *service)
{
    struct event event = {.kind = EVENT_GAP};
    char since[TIMESTAMP_TEXT_MAX];
    uint64_t id;

    if (history_last(service->history, &id, &event.since_us) < 0)
        return;
    store_resume(service->store, id);
    timestamp_format(event.since_us, since);
    snprintf(event.detail, sizeof(event.detail), "since %s", since);
    store_note(service->store, &event);
}

/* Health */

static uint64_t resident_bytes(void)
{
    _fclose_ FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long pages, resident;

    if (!file || fscanf(file, "%llu %llu", &pages, &resident) != 2)
        return 0;
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t cpu_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void fill_health(void *context, struct health *out)
{
    const struct service *service = context;
    struct history_report history;

    memset(out, 0, sizeof(*out));
    out->started_us = service->started_us;
    out->events = service->events;
    out->loop_longest_ns = service->longest_ns;
    out->resident_bytes = resident_bytes();
    out->cpu_ns = cpu_ns();
    monitor_health(service->monitor, out);
    if (service->control)
        control_health(service->control, out);
    history_report(service->history, &history);
    out->history_dropped = history.dropped;
    out->history_trouble = history.trouble;
    out->history_bytes = history.bytes;
}

/* Waits, for those who follow */

static void on_wait(void *context, const struct stored_process *process,
                    const struct abi_wait *wait)
{
    struct service *service = context;
    struct contention_reader *reader = monitor_contention(service->monitor);
    json_t *json = NULL;

    if (control_wants_wait(service->control, process->process.pid, wait->wait_ns))
        json = contention_wait_json(reader, process, wait);
    if (json)
        control_publish_wait(service->control, process->process.pid, wait->wait_ns, json);
    json_decref(json);
}

static void follow_waits(void *context, uint64_t min_wait_ns)
{
    const struct answers *answers = context;

    monitor_follow_waits(answers->monitor, min_wait_ns, on_wait, answers->context);
}

/* HTTP */

/* It answers, so the loop turns; what it does without is in the metrics. */
static int answer_healthz(void *context, struct reason *why)
{
    return 0;
}

/* Timers and signals */

static int again(sd_event_source *source, uint64_t after_us)
{
    int r = sd_event_source_set_time_relative(source, after_us);

    return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_flush(sd_event_source *source, uint64_t time, void *context)
{
    struct service *service = context;

    return again(source, history_flush(service->history, NULL) == 1 ? FLUSH_MORE_US : FLUSH_US);
}

static int on_expire(sd_event_source *source, uint64_t time, void *context)
{
    struct service *service = context;
    int more = history_expire(service->history, clock_realtime_us(), NULL);

    return again(source, more == 1 ? FLUSH_US : EXPIRE_US);
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    log_say(LOG_LEVEL_INFO, "ends on signal %u", info->ssi_signo);
    sd_notify(0, "STOPPING=1");
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    struct service *service = context;
    struct config config;
    struct reason why;

    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
               (unsigned long long)(clock_monotonic_ns() / 1000));
    config_defaults(&config);
    if (!service->config_path) {
        log_say(LOG_LEVEL_NOTICE, "nothing to read again: there is no configuration file");
    } else if (config_read(&config, service->config_path, &why) < 0) {
        log_say(LOG_LEVEL_ERROR, "the configuration stays as it was: %s", why.text);
    } else {
        monitor_reload(service->monitor, &config);
        log_say(LOG_LEVEL_INFO,
                "read %s again: intervals, grace and auto_reset are in force; the rest is at the "
                "next start",
                service->config_path);
    }
    sd_notify(0, "READY=1");
    return 0;
}

/* Beginning, in order */

static int begin_loop(struct service *service)
{
    sigset_t signals;
    int r;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    r = sd_event_new(&service->loop);
    if (r >= 0)
        r = sd_event_add_signal(service->loop, NULL, SIGTERM, on_end, service);
    if (r >= 0)
        r = sd_event_add_signal(service->loop, NULL, SIGINT, on_end, service);
    if (r >= 0)
        r = sd_event_add_signal(service->loop, NULL, SIGHUP, on_reload, service);
    if (r >= 0)
        r = sd_event_set_watchdog(service->loop, 1);
    return r < 0 ? r : 0;
}

static int begin_control(struct service *service, struct reason *why)
{
    struct control_setup setup = {.path = service->config.socket,
                                  .group = service->config.group,
                                  .min_wait_ns = service->config.min_wait_ns};
    int r;

    answers_handlers(&service->handlers);
    service->handlers.follow_waits = follow_waits;
    r = control_new(&service->control, service->loop, &setup, &service->handlers, &service->answers,
                    why);
    if (r == 0 && control_notice(service->control)[0])
        log_say(LOG_LEVEL_NOTICE, "%s", control_notice(service->control));
    return r;
}

/* The descriptor that systemd hands over under @name; -1: none. */
static int inherited(const char *name)
{
    char **names = NULL;
    int count = sd_listen_fds_with_names(0, &names), fd = -1;

    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            fd = SD_LISTEN_FDS_START + i;
        free(names[i]);
    }
    free(names);
    return fd;
}

static int begin_http(struct service *service, struct reason *why)
{
    struct http_service callbacks = {
        .metrics = answers_metrics, .health = answer_healthz, .context = &service->answers};
    char address[LISTENER_TEXT_MAX];
    int r = http_new(&service->http, service->loop, service->config.listen, inherited("metrics"),
                     &callbacks, why);

    if (r < 0 || !service->http)
        return r;
    http_address(service->http, address);
    log_say(LOG_LEVEL_INFO, "metrics at http://%s/metrics", address);
    return 0;
}

static int begin_history(struct service *service, struct reason *why)
{
    struct reason trouble = {""};
    int r = history_open(&service->history, service->config.state_dir,
                         service->config.history_age_s, service->config.history_bytes, &trouble);

    if (r < 0)
        return reason_set(why, r, "%s", trouble.text);
    if (trouble.text[0])
        log_say(LOG_LEVEL_WARNING, "history: %s", trouble.text);
    r = sd_event_add_time_relative(service->loop, &service->flush, CLOCK_MONOTONIC, FLUSH_US, 0,
                                   on_flush, service);
    if (r >= 0)
        r = sd_event_add_time_relative(service->loop, &service->expire, CLOCK_MONOTONIC, FLUSH_US,
                                       0, on_expire, service);
    return r < 0 ? reason_set(why, r, "no timer: %s", strerror(-r)) : 0;
}

static int begin_monitor(struct service *service, struct reason *why)
{
    struct health *health;
    int r = store_new(&service->store, on_event, service);

    if (r < 0)
        return reason_set(why, r, "no memory");
    resume(service);
    r = monitor_new(&service->monitor, service->loop, &service->config, service->store, why);
    health = r == 0 ? calloc(1, sizeof(*health)) : NULL;
    if (!health)
        return r < 0 ? r : -ENOMEM;
    monitor_health(service->monitor, health);
    if (health->watching == WATCHING_POLLING)
        log_say(LOG_LEVEL_WARNING, "no probes, so processes are read every %llu ms: %s",
                (unsigned long long)health->poll_ms, health->watching_why.text);
    free(health);
    return 0;
}

int service_new(struct service **out, const struct config *config, const char *config_path,
                struct reason *why)
{
    struct service *service = calloc(1, sizeof(*service));
    int r;

    if (!service)
        return reason_set(why, -ENOMEM, "no memory");
    service->config = *config;
    service->config_path = config_path;
    service->started_us = clock_realtime_us();
    r = begin_loop(service);
    if (r < 0)
        reason_set(why, r, "no event loop: %s", strerror(-r));
    if (r == 0)
        r = begin_control(service, why); /* first: another daemon that is there keeps its history */
    if (r == 0)
        r = begin_http(service, why);
    if (r == 0)
        r = begin_history(service, why);
    if (r == 0)
        r = begin_monitor(service, why);
    service->answers = (struct answers){.store = service->store,
                                        .monitor = service->monitor,
                                        .history = service->history,
                                        .fill_health = fill_health,
                                        .context = service};
    if (r < 0)
        service_free(&service);
    else
        *out = service;
    return r;
}

/* Turn by turn, to know the longest. */
static int turn(struct service *service)
{
    int r = sd_event_prepare(service->loop);
    uint64_t began;

    if (r == 0)
        r = sd_event_wait(service->loop, UINT64_MAX);
    if (r <= 0)
        return r;
    began = clock_monotonic_ns();
    r = sd_event_dispatch(service->loop);
    if (clock_monotonic_ns() - began > service->longest_ns)
        service->longest_ns = clock_monotonic_ns() - began;
    return r;
}

int service_run(struct service *service)
{
    int r = 0;

    monitor_start(service->monitor);
    sd_notify(0, "READY=1");
    while (r >= 0 && sd_event_get_state(service->loop) != SD_EVENT_FINISHED)
        r = turn(service);
    return r < 0 ? r : 0;
}

void service_free(struct service **service)
{
    if (!*service)
        return;
    http_free(&(*service)->http);
    control_free(&(*service)->control);
    monitor_free(&(*service)->monitor);
    store_free(&(*service)->store);
    sd_event_source_disable_unref((*service)->flush);
    sd_event_source_disable_unref((*service)->expire);
    history_close(&(*service)->history);
    sd_event_unref((*service)->loop);
    free(*service);
    *service = NULL;
}
