/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor.h"

#include <string.h>

#include "event_counter.h"
#include "examiner.h"
#include "pending.h"
#include "resetter.h"
#include "runtime/scan.h"
#include "util/clock.h"
#include "wait_queue.h"

#define CALLBACK_NS      (20 * NS_PER_MS)
#define REPAIR_NS        (1000 * NS_PER_MS)
#define IMAGE_IDLE_NS    (600000 * NS_PER_MS)
#define RING_BYTES       (1u << 20)
#define LOOKS_PER_TURN   16
#define RECORDS_PER_TURN 256
#define WAITS_PER_TURN   256
#define SWEEP_NS         (10000 * NS_PER_MS)

/* When a process is considered after its exec, in ms. A known image's first record tells sooner. */
static const unsigned tries_ms[] = {20, 80, 250, 1000, 3000, 8000, 20000};

struct monitor {
    sd_event *loop;
    struct config config;
    struct store *store;
    struct probes *probes; /* NULL: polling */
    struct reason probes_why;
    struct examiner *examiner;
    struct resetter *resetter;
    struct pending_list pending;
    struct abi_record changes[RECORDS_PER_TURN]; /* of this turn */
    size_t change_count;
    unsigned turn_records;
    struct abi_counters noted; /* losses that are in @lost, or have become events */
    uint64_t lost;             /* not said yet */
    uint64_t next_repair;
    uint64_t records;
    unsigned looks; /* of this turn */
    uint64_t next_scan;
    uint64_t next_sweep;
    uint64_t next_reset;
    monitor_wait_listener *wait_listener;
    void *wait_context;
    unsigned turn_waits;
    struct wait_queue *wait_queue;
    sd_event_source *ring_source;
    sd_event_source *waits_source;
    sd_event_source *timer;
    sd_event_source *after_looks; /* ends the turn of those who asked for a look */
    sd_event_source *detaching;
    bool wanted[PROBES_FAMILY_MAX]; /* to be switched on when what is going has gone */
};

static uint64_t interval_ms(const struct monitor *monitor)
{
    return config_interval_ms(&monitor->config, monitor->probes);
}

static struct changes changes_of(const struct monitor *monitor)
{
    return (struct changes){monitor->changes, monitor->change_count};
}

void monitor_count_events(struct monitor *monitor)
{
    event_counter_refresh(monitor->store, examiner_registry(monitor->examiner), monitor->probes,
                          clock_monotonic_ns());
}

int monitor_look(struct monitor *monitor, pid_t pid, examiner_taker *take, void *context,
                 struct reason *why)
{
    struct stored_process *process = store_find(monitor->store, pid);
    struct changes none = {0};

    sd_event_source_set_enabled(monitor->after_looks, SD_EVENT_ONESHOT);
    if (!process)
        return reason_set(why, -ESRCH, "the daemon knows of no .NET process %d", (int)pid);
    return examine_again(monitor->examiner, process, &none, take, context, why);
}

/* 0: at another time; else it is done with. */
static int try_later(struct pending *pending, uint64_t now)
{
    if (++pending->tries >= ARRAY_SIZE(tries_ms))
        return -ENOEXEC;
    pending->due = now + tries_ms[pending->tries] * NS_PER_MS;
    return 0;
}

/*
 * A runtime has more threads than one. Most programs never get a second: each of their tries costs
 * one small read.
 */
static bool is_done(void *context, struct pending *pending)
{
    struct monitor *monitor = context;
    struct changes none = {0};
    uint64_t now = clock_monotonic_ns();
    int r;

    if (monitor->looks == LOOKS_PER_TURN)
        return false;
    r = process_threads(pending->pid);
    if (r <= 1)
        return r < 0 || try_later(pending, now) < 0;
    monitor->looks++;
    r = examine(monitor->examiner, pending->pid, &none, NULL, NULL, NULL);
    pending->waits_for_image = r == -EINPROGRESS || r == -EAGAIN;
    if (pending->waits_for_image) {
        pending->due = now + EXAMINER_SOON_NS;
        return false;
    }
    return r == 0 || r == -ESRCH || try_later(pending, now) < 0;
}

static void look_at_due(struct monitor *monitor, uint64_t now)
{
    struct stored_process *process = store_next(monitor->store, NULL);
    struct changes none = {0};

    while (process && monitor->looks < LOOKS_PER_TURN) {
        struct stored_process *next = store_next(monitor->store, process);

        if (process->next_look <= now) {
            monitor->looks++;
            (void)!examine_again(monitor->examiner, process, &none, NULL, NULL, NULL);
        }
        process = next;
    }
}

static void detach_soon(struct monitor *monitor)
{
    if (registry_is_leaving(examiner_registry(monitor->examiner)))
        sd_event_source_set_enabled(monitor->detaching, SD_EVENT_ONESHOT);
}

static void set_family(struct monitor *monitor, enum probe_family family, bool on)
{
    registry_set_family(examiner_registry(monitor->examiner), monitor->probes, family, on);
    contention_take_families(monitor_contention(monitor));
}

/* Nobody is known to wait where nobody is seen to come out. */
static void end_detaching(struct monitor *monitor)
{
    for (enum probe_family family = 0; family < PROBES_FAMILY_MAX; family++) {
        if (!registry_family_is_on(examiner_registry(monitor->examiner), family))
            contention_forget_waiting(monitor_contention(monitor), family);
        if (monitor->wanted[family])
            set_family(monitor, family, true);
        monitor->wanted[family] = false;
    }
}

static int on_detaching(sd_event_source *source, void *context)
{
    struct monitor *monitor = context;

    if (registry_detach_next(examiner_registry(monitor->examiner)))
        sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    else
        end_detaching(monitor);
    return 0;
}

static void find_processes(struct monitor *monitor, uint64_t now)
{
    struct scan scan;

    monitor->next_scan = now + interval_ms(monitor) * NS_PER_MS;
    registry_sweep(examiner_registry(monitor->examiner), now, IMAGE_IDLE_NS);
    detach_soon(monitor);
    monitor_count_events(monitor);
    if (scan_runtimes(&scan, NULL) < 0)
        return;
    for (size_t i = 0; i < scan.count; i++)
        if (!store_find(monitor->store, scan.pids[i]))
            pending_add(&monitor->pending, scan.pids[i], now, ARRAY_SIZE(tries_ms));
    scan_close(&scan);
}

static void arm(struct monitor *monitor)
{
    uint64_t due = monitor->next_scan, pending = pending_next(&monitor->pending);

    due = pending < due ? pending : due;
    if (monitor->probes && monitor->next_sweep < due)
        due = monitor->next_sweep;
    if (monitor->lost && monitor->next_repair < due)
        due = monitor->next_repair;
    due = monitor->next_reset < due ? monitor->next_reset : due;
    for (const struct stored_process *process = store_next(monitor->store, NULL); process;
         process = store_next(monitor->store, process))
        due = process->next_look < due ? process->next_look : due;
    sd_event_source_set_time(monitor->timer, due / 1000);
    sd_event_source_set_enabled(monitor->timer, SD_EVENT_ONESHOT);
}

static void end_turn(struct monitor *monitor)
{
    examiner_end_turn(monitor->examiner);
    monitor->change_count = 0;
    monitor->turn_records = 0;
    monitor->looks = 0;
    monitor->next_reset = resetter_turn(monitor->resetter, clock_monotonic_ns());
    arm(monitor);
}

/* What was lost is unknown, so everything is read again; at most once a second. */
static void repair(struct monitor *monitor, uint64_t lost)
{
    struct event event = {.kind = EVENT_LOSS, .lost = lost};

    snprintf(event.detail, sizeof(event.detail), "every process is read again");
    store_note(monitor->store, &event);
    for (struct stored_process *process = store_next(monitor->store, NULL); process;
         process = store_next(monitor->store, process))
        process->next_look = 0;
    monitor->next_scan = 0;
}

/* Of records. The other losses are said where they are counted, and leave nothing unknown. */
static uint64_t records_lost(const struct abi_counters *counters)
{
    return counters->losses[ABI_LOSS_RING_FULL] + counters->losses[ABI_LOSS_READ];
}

static void note_losses(struct monitor *monitor)
{
    uint64_t now = clock_monotonic_ns();
    struct abi_counters counters;

    if (probes_counters(monitor->probes, &counters) < 0)
        return;
    monitor->lost += records_lost(&counters) - records_lost(&monitor->noted);
    monitor->noted = counters;
    if (!monitor->lost || now < monitor->next_repair)
        return;
    repair(monitor, monitor->lost);
    monitor->lost = 0;
    monitor->next_repair = now + REPAIR_NS;
}

static int on_after_looks(sd_event_source *source, void *context)
{
    end_turn(context);
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t time, void *context)
{
    struct monitor *monitor = context;
    uint64_t now = clock_monotonic_ns();

    if (monitor->lost)
        note_losses(monitor);
    if (now >= monitor->next_scan)
        find_processes(monitor, now);
    if (now >= monitor->next_sweep) {
        contention_sweep(monitor_contention(monitor));
        monitor->next_sweep = now + SWEEP_NS;
    }
    pending_visit(&monitor->pending, now, is_done, monitor);
    monitor->looks = 0;
    look_at_due(monitor, now);
    end_turn(monitor);
    return 0;
}

/* Where the GC's functions are inlined, as in NativeAOT, the callback alone tells. It has only
 * begun when its record is written. */
static void look_soon(struct monitor *monitor, pid_t pid, uint64_t now)
{
    struct stored_process *process = store_find(monitor->store, pid);

    if (process && process->next_look > now + CALLBACK_NS)
        process->next_look = now + CALLBACK_NS;
}

/* What it changed in this turn, before it ended or became another program, is still to be said. */
static void end_process(struct monitor *monitor, const struct abi_record *record)
{
    struct changes changes = changes_of(monitor);
    pid_t pid = (pid_t)record->pid;

    wait_queue_hurry(monitor->wait_queue, record->pid);
    examiner_end(monitor->examiner, pid, &changes);
    if (record->waited)
        contention_forget(monitor_contention(monitor), pid, record->time);
    for (size_t i = 0; i < monitor->change_count; i++)
        if ((pid_t)monitor->changes[i].pid == pid)
            monitor->changes[i].pid = 0;
}

/* A turn has so many records and no more, for others wait for the loop as well. */
static bool take_record(void *context, const struct abi_record *record)
{
    struct monitor *monitor = context;
    uint64_t now = clock_monotonic_ns();

    monitor->records++;
    switch (record->kind) {
    case ABI_GC_CONTROL:
        monitor->changes[monitor->change_count++] = *record;
        break;
    case ABI_PROVIDER:
        look_soon(monitor, (pid_t)record->pid, now);
        break;
    case ABI_EXEC:
        end_process(monitor, record);
        pending_add(&monitor->pending, (pid_t)record->pid, now + tries_ms[0] * NS_PER_MS, 0);
        break;
    case ABI_EXIT:
        end_process(monitor, record);
        break;
    case ABI_FORK:
        pending_add(&monitor->pending, (pid_t)record->child, now + tries_ms[2] * NS_PER_MS, 2);
        break;
    default:
        break;
    }
    return ++monitor->turn_records < RECORDS_PER_TURN;
}

static bool came_before(const struct monitor *monitor, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (monitor->changes[i].pid == monitor->changes[index].pid)
            return true;
    return false;
}

/* Each process that the turn's changes are about, once. */
static void look_at_changed(struct monitor *monitor)
{
    struct changes changes = changes_of(monitor);

    for (size_t i = 0; i < changes.count; i++) {
        pid_t pid = (pid_t)changes.items[i].pid;
        struct stored_process *process = store_find(monitor->store, pid);

        if (!pid || came_before(monitor, i))
            continue;
        if (process)
            (void)!examine_again(monitor->examiner, process, &changes, NULL, NULL, NULL);
        else
            pending_add(&monitor->pending, pid, clock_monotonic_ns(), 0);
    }
}

static int on_ring(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct monitor *monitor = context;

    probes_consume(monitor->probes);
    look_at_changed(monitor);
    note_losses(monitor);
    end_turn(monitor);
    return 0;
}

static bool wait_is_ready(void *context, const struct abi_wait *wait)
{
    const struct monitor *monitor = context;

    return contention_wait_is_named(monitor_contention(monitor), wait);
}

static void tell_wait(void *context, const struct abi_wait *wait)
{
    struct monitor *monitor = context;
    struct stored_process *process = store_find(monitor->store, (pid_t)wait->pid);

    if (process && monitor->wait_listener)
        monitor->wait_listener(monitor->wait_context, process, wait);
}

static bool take_wait(void *context, const struct abi_wait *wait)
{
    struct monitor *monitor = context;

    wait_queue_add(monitor->wait_queue, wait);
    return ++monitor->turn_waits < WAITS_PER_TURN;
}

static int on_waits(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct monitor *monitor = context;

    monitor->turn_waits = 0;
    probes_consume_waits(monitor->probes);
    return 0;
}

static void on_image(void *context)
{
    struct monitor *monitor = context;

    pending_hurry(&monitor->pending, clock_monotonic_ns());
    arm(monitor);
}

/* What it has done to the process is seen at once. */
static void on_reset(void *context, struct stored_process *process)
{
    struct monitor *monitor = context;

    process->next_look = 0;
    arm(monitor);
}

static void make_probes(struct monitor *monitor)
{
    int r =
        monitor->config.probes
            ? probes_new(&monitor->probes, RING_BYTES, take_record, monitor, &monitor->probes_why)
            : reason_set(&monitor->probes_why, -ENOTSUP, "switched off in the configuration");

    if (r < 0)
        return;
    r = sd_event_add_io(monitor->loop, &monitor->ring_source, probes_fd(monitor->probes), EPOLLIN,
                        on_ring, monitor);
    if (r >= 0)
        r = sd_event_add_io(monitor->loop, &monitor->waits_source, probes_waits_fd(monitor->probes),
                            EPOLLIN, on_waits, monitor);
    if (r < 0) {
        reason_set(&monitor->probes_why, r, "the ring can't be waited for: %s", strerror(-r));
        probes_free(&monitor->probes);
    }
}

static void begin_families(struct monitor *monitor)
{
    set_family(monitor, PROBES_CONTENTION, monitor->config.contention);
    set_family(monitor, PROBES_MANAGED_LOCKS, monitor->config.managed_locks);
    set_family(monitor, PROBES_EVENTS, monitor->config.events);
}

int monitor_new(struct monitor **out, sd_event *loop, const struct config *config,
                struct store *store, struct reason *why)
{
    struct monitor *monitor = calloc(1, sizeof(*monitor));
    const struct wait_queue_listener waits = {wait_is_ready, tell_wait, monitor};
    int r;

    if (!monitor)
        return reason_set(why, -ENOMEM, "no memory");
    monitor->loop = sd_event_ref(loop);
    monitor->config = *config;
    monitor->store = store;
    monitor->next_reset = UINT64_MAX;
    make_probes(monitor);
    r = sd_event_add_time(loop, &monitor->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, monitor);
    if (r >= 0)
        r = sd_event_add_defer(loop, &monitor->after_looks, on_after_looks, monitor);
    if (r >= 0)
        r = sd_event_source_set_enabled(monitor->after_looks, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_defer(loop, &monitor->detaching, on_detaching, monitor);
    if (r >= 0)
        r = sd_event_source_set_enabled(monitor->detaching, SD_EVENT_OFF);
    if (r >= 0)
        r = wait_queue_new(&monitor->wait_queue, loop, &waits);
    if (r >= 0)
        r = examiner_new(&monitor->examiner, loop, config, store, monitor->probes, on_image,
                         monitor);
    if (r >= 0)
        r = resetter_new(&monitor->resetter, loop, config, store,
                         examiner_locator(monitor->examiner), on_reset, monitor);
    if (r >= 0)
        begin_families(monitor);
    if (r < 0) {
        monitor_free(&monitor);
        return reason_set(why, r, "the monitor can't be made: %s", strerror(-r));
    }
    *out = monitor;
    return 0;
}

void monitor_free(struct monitor **monitor)
{
    if (!*monitor)
        return;
    sd_event_source_disable_unref((*monitor)->timer);
    sd_event_source_disable_unref((*monitor)->after_looks);
    sd_event_source_disable_unref((*monitor)->detaching);
    sd_event_source_disable_unref((*monitor)->ring_source);
    sd_event_source_disable_unref((*monitor)->waits_source);
    wait_queue_free(&(*monitor)->wait_queue);
    resetter_free(&(*monitor)->resetter);
    examiner_free(&(*monitor)->examiner);
    probes_free(&(*monitor)->probes);
    pending_clear(&(*monitor)->pending);
    sd_event_unref((*monitor)->loop);
    free(*monitor);
    *monitor = NULL;
}

void monitor_start(struct monitor *monitor)
{
    find_processes(monitor, clock_monotonic_ns());
    arm(monitor);
}

void monitor_reload(struct monitor *monitor, const struct config *config)
{
    monitor->config.poll_ms = config->poll_ms;
    monitor->config.recheck_ms = config->recheck_ms;
    examiner_reload(monitor->examiner, config);
    resetter_reload(monitor->resetter, config);
    for (struct stored_process *process = store_next(monitor->store, NULL); process;
         process = store_next(monitor->store, process))
        process->next_look = 0;
    arm(monitor);
}

void monitor_health(const struct monitor *monitor, struct health *out)
{
    out->watching = monitor->probes ? WATCHING_PROBES : WATCHING_POLLING;
    out->watching_why = monitor->probes_why;
    out->poll_ms = interval_ms(monitor);
    out->records = monitor->records;
    out->cost_ns_per_hit = probes_cost_per_hit();
    if (monitor->probes)
        (void)!probes_counters(monitor->probes, &out->counters);
    registry_health(examiner_registry(monitor->examiner), out);
    resetter_health(monitor->resetter, out);
}

struct contention_reader *monitor_contention(const struct monitor *monitor)
{
    return examiner_contention(monitor->examiner);
}

int monitor_switch(struct monitor *monitor, enum probe_family family, pid_t pid, bool on,
                   struct reason *why)
{
    int r;

    if (!monitor->probes)
        return reason_set(why, -ENOTSUP, "there are no probes: %s", monitor->probes_why.text);
    if (family == PROBES_GC)
        return reason_set(why, -EINVAL, "the probes of the GC's state stay on");
    if (pid && family == PROBES_EVENTS)
        return reason_set(why, -EINVAL, "events are counted of every process, or of none");
    if (pid && !store_find(monitor->store, pid))
        return reason_set(why, -ESRCH, "the daemon knows of no .NET process %d", (int)pid);
    if (pid) {
        r = contention_set_process(monitor_contention(monitor), pid, family, on);
        return r < 0
                   ? reason_set(why, r, "process %d can't be switched: %s", (int)pid, strerror(-r))
                   : 0;
    }
    monitor->wanted[family] = on && monitor_is_switching(monitor);
    if (!monitor->wanted[family])
        set_family(monitor, family, on);
    detach_soon(monitor);
    return 0;
}

bool monitor_is_switching(const struct monitor *monitor)
{
    return registry_is_leaving(examiner_registry(monitor->examiner));
}

void monitor_follow_waits(struct monitor *monitor, uint64_t min_wait_ns,
                          monitor_wait_listener *listener, void *context)
{
    monitor->wait_listener = listener;
    monitor->wait_context = context;
    if (monitor->probes)
        probes_follow_waits(monitor->probes, min_wait_ns, take_wait, monitor);
}
