/* SPDX-License-Identifier: Apache-2.0 */
#include "examiner.h"

#include <string.h>

#include "event_counter.h"
#include "proc/image_file.h"
#include "scanner.h"
#include "util/text.h"

#define LOOK_AT_LEAK_NS (1000 * NS_PER_MS)
#define IMAGES_MAX      1024

struct examiner {
    struct config config;
    struct store *store;
    struct probes *probes; /* NULL: polling */
    struct registry *registry;
    struct contention_reader *contention;
    struct scanner *scanner;
    struct locator *locator;
    struct peers *peers; /* of this turn; NULL: not asked for yet */
    examiner_listener *listener;
    void *context;
    uint64_t started; /* in the unit of a process's start time */
};

static uint64_t recheck_ns(const struct examiner *examiner)
{
    return config_interval_ms(&examiner->config, examiner->probes) * NS_PER_MS;
}

static struct peers *peers_of_turn(struct examiner *examiner)
{
    if (!examiner->peers)
        (void)!peers_open(&examiner->peers, NULL);
    return examiner->peers;
}

static int start_scan(struct examiner *examiner, const struct process *process,
                      const struct runtime_image *image)
{
    char path[PATH_MAX];
    _close_ int fd = image_file_open(process->pid, image->mapping, NULL, NULL);

    if (fd < 0)
        return fd;
    if (locator_knows(examiner->locator, fd))
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/root%s", (int)process->pid, image->mapping->path);
    return scanner_start(examiner->scanner, TAKE_FD(fd), path, NULL) < 0 ? -EAGAIN : -EINPROGRESS;
}

/* Are the process's images known? -EINPROGRESS while they are being looked into. */
static int prepare_images(struct examiner *examiner, const struct target *target)
{
    const struct runtime *runtime = &target->runtime;
    int r = start_scan(examiner, &target->process, &runtime->image), gc = 0;

    if (runtime->gc.mapping)
        gc = start_scan(examiner, &target->process, &runtime->gc);
    return r < 0 ? r : gc == -EINPROGRESS || gc == -EAGAIN ? gc : 0;
}

static uint64_t add_image(struct examiner *examiner, const struct target *target,
                          const struct runtime_image *image, const struct located *located)
{
    _close_ int fd = image_file_open(target->process.pid, image->mapping, NULL, NULL);

    return fd < 0 ? 0
                  : registry_add(examiner->registry, fd, image->mapping->path, located,
                                 examiner->probes);
}

/* True when it is watched only from now on: what it has done since it was read is not known. */
static bool add_images(struct examiner *examiner, const struct target *target,
                       struct stored_process *process)
{
    if (process->image || process->gc_image)
        return false;
    process->image = add_image(examiner, target, &target->runtime.image, target->image);
    registry_hold(examiner->registry, process->image);
    if (target->gc && target->gc != target->image)
        process->gc_image = add_image(examiner, target, &target->runtime.gc, target->gc);
    registry_hold(examiner->registry, process->gc_image);
    contention_know(examiner->contention, &process->process, &target->image->inspection.findings,
                    target->bias);
    if (examiner->probes)
        probes_watch(examiner->probes, process->process.pid);
    return examiner->probes && (process->image || process->gc_image);
}

static void set_client(struct event *event, const struct peer *client)
{
    event->client = client->pid;
    text_copy(event->client_name, sizeof(event->client_name), client->name);
    text_copy(event->client_command, sizeof(event->client_command), client->command);
}

static void emit_change(struct examiner *examiner, struct stored_process *process,
                        const struct abi_record *record, const struct observation *seen)
{
    static const struct observation nothing;
    bool private = record->provider == ABI_PROVIDER_PRIVATE;
    struct event_set set = {record->level, record->keywords};
    struct event_set current = private ? process->gc.private : process->gc.public;
    bool empty = !set.level && !set.keywords;
    struct event event = {
        .time_us = clock_realtime_us_of(record->time),
        .tid = (pid_t)record->tid,
    };
    const struct peer *client = seen ? client_of_change(&process->clients, &seen->clients) : NULL;
    struct cause_facts facts = {
        .callback = record->callback,
        .first = !process->gc_known,
        .empty = empty,
        .more = event_set_exceeds(set, current),
        .had_client = seen && (process->clients.count || seen->clients.peer_count),
    };

    if (process->gc_known && event_set_equal(current, set))
        return;
    event.cause = cause_of(&facts, seen ? seen : &nothing);
    text_copy(event.thread, sizeof(event.thread), (const char *)record->comm);
    text_printable(event.thread);
    if (client && (event.cause == CAUSE_CLIENT || event.cause == CAUSE_RUNDOWN))
        set_client(&event, client);
    store_gc_changed(examiner->store, process, private, set, &event, clock_monotonic_ns());
}

/* @seen: NULL when it could not be read after them. */
static void emit_changes(struct examiner *examiner, struct stored_process *process,
                         const struct changes *changes, const struct observation *seen)
{
    for (size_t i = 0; i < changes->count; i++)
        if ((pid_t)changes->items[i].pid == process->process.pid)
            emit_change(examiner, process, &changes->items[i], seen);
}

/*
 * A process that has begun under our eyes may have been told its state before its first look: by
 * the environment, a listener that begins with it, or a client that has launched it.
 */
static void emit_start(struct examiner *examiner, struct stored_process *process,
                       const struct observation *seen)
{
    struct gc_state state = process->gc;
    struct event event = {.time_us = clock_realtime_us()};
    struct cause_facts facts = {
        .callback = true, .first = true, .had_client = seen->clients.peer_count};

    if (process->process.start_time < examiner->started || !seen->gc_readable)
        return;
    event.cause = cause_of(&facts, seen);
    if (event.cause == CAUSE_CLIENT && seen->clients.peer_count == 1)
        set_client(&event, &seen->clients.peers[0]);
    process->gc = (struct gc_state){0};
    if (state.public.level)
        store_gc_changed(examiner->store, process, false, state.public, &event,
                         clock_monotonic_ns());
    if (state.private.level)
        store_gc_changed(examiner->store, process, true, state.private, &event,
                         clock_monotonic_ns());
    process->gc = state;
}

/* Those that had to wait first. */
static void emit_waiting(struct examiner *examiner, struct stored_process *process,
                         const struct changes *changes, const struct observation *seen)
{
    struct changes waiting = {process->waiting, process->waiting_count};

    process->waiting_count = 0;
    emit_changes(examiner, process, &waiting, seen);
    emit_changes(examiner, process, changes, seen);
}

/* The process can't be read now: the last few changes wait until it can, the rest need no cause. */
static void keep_changes(struct examiner *examiner, struct stored_process *process,
                         const struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        if ((pid_t)changes->items[i].pid != process->process.pid)
            continue;
        if (process->waiting_count == WAITING_MAX)
            emit_waiting(examiner, process, &(struct changes){0}, NULL);
        process->waiting[process->waiting_count++] = changes->items[i];
    }
}

static void remove_process(struct examiner *examiner, struct stored_process *process)
{
    emit_waiting(examiner, process, &(struct changes){0}, NULL);
    registry_release(examiner->registry, process->image);
    registry_release(examiner->registry, process->gc_image);
    if (examiner->probes)
        probes_unwatch(examiner->probes, process->process.pid);
    event_counter_forget(examiner->registry, examiner->probes, process->process.pid);
    contention_forget(examiner->contention, process->process.pid, 0);
    store_remove(examiner->store, process, clock_monotonic_ns());
}

/*
 * A leak is one only after the grace time; until then it is called verbose, and the process is
 * looked at again soon.
 */
static uint64_t apply_grace(const struct examiner *examiner, struct stored_process *process,
                            struct judgement *judgement, uint64_t now)
{
    uint64_t since = process ? process->leak_since : 0;

    if (judgement->verdict != VERDICT_LEAKED)
        return 0;
    if (!since)
        since = now;
    if (judgement->unsettled || now - since < examiner->config.grace_ms * NS_PER_MS)
        judgement->verdict = VERDICT_VERBOSE;
    return since;
}

/* Up to a quarter of the interval, so that those who were found at once are not read at once. */
static uint64_t spread_ns(const struct examiner *examiner, const struct stored_process *process)
{
    return recheck_ns(examiner) / 4 * ((uint32_t)process->process.pid % 64) / 64;
}

static void schedule(const struct examiner *examiner, struct stored_process *process, uint64_t now)
{
    bool waits = process->leak_since && process->judgement.verdict != VERDICT_LEAKED;
    uint64_t grace_end = process->leak_since + examiner->config.grace_ms * NS_PER_MS;

    process->next_look = now + recheck_ns(examiner) + spread_ns(examiner, process);
    if (process->differs_since)
        process->next_look = now + STORE_DOUBT_NS;
    if (waits && now + LOOK_AT_LEAK_NS < process->next_look)
        process->next_look = now + LOOK_AT_LEAK_NS;
    if (waits && grace_end > now && grace_end < process->next_look)
        process->next_look = grace_end;
}

static void remember_clients(struct stored_process *process, const struct observation *seen)
{
    struct clients *clients = &process->clients;

    if (!seen->clients_readable)
        return;
    clients->count =
        seen->clients.peer_count < CLIENTS_MAX ? seen->clients.peer_count : CLIENTS_MAX;
    memcpy(clients->items, seen->clients.peers, clients->count * sizeof(*clients->items));
}

static int take_observation(struct examiner *examiner, const struct target *target,
                            const struct observation *seen, struct stored_process **out)
{
    struct stored_process *process = store_find(examiner->store, target->process.pid);
    struct judgement judgement;
    uint64_t now = clock_monotonic_ns(), since;
    bool fresh;
    int r;

    if (process && !process_same(&process->process, &target->process)) {
        remove_process(examiner, process);
        process = NULL;
    }
    judge(seen, LEVEL_VERBOSE, &judgement);
    since = apply_grace(examiner, process, &judgement, now);
    r = store_observe(examiner->store, target, seen, &judgement, examiner->probes != NULL, now,
                      &process);
    if (r < 0)
        return r;
    process->leak_since = since;
    fresh = add_images(examiner, target, process);
    remember_clients(process, seen);
    schedule(examiner, process, now);
    if (fresh)
        process->next_look = now + EXAMINER_SOON_NS;
    *out = process;
    return 0;
}

/* First what the probes have told of the process becomes events, then what was read of it. */
static int observe(struct examiner *examiner, struct target *target, const struct changes *changes,
                   examiner_taker *take, void *context, struct reason *why)
{
    _free_ struct observation *seen = calloc(1, sizeof(*seen));
    struct stored_process *process;
    bool is_new;
    int r = seen ? target_observe(target, peers_of_turn(examiner), seen, why) : -ENOMEM;

    if (r < 0)
        return r;
    process = store_find(examiner->store, target->process.pid);
    is_new = !process;
    if (process && process_same(&process->process, &target->process))
        emit_waiting(examiner, process, changes, seen);
    r = take_observation(examiner, target, seen, &process);
    if (r < 0)
        return r;
    if (is_new)
        emit_start(examiner, process, seen);
    if (take)
        take(context, target, seen, process);
    return 0;
}

int examine(struct examiner *examiner, pid_t pid, const struct changes *changes,
            examiner_taker *take, void *context, struct reason *why)
{
    struct target target;
    int r = target_read(pid, &target, why);

    if (r < 0)
        return r;
    r = prepare_images(examiner, &target);
    if (r == -EINPROGRESS || r == -EAGAIN)
        reason_set(why, r, "its image is being looked into: ask again in a second");
    if (r == 0)
        r = target_locate(&target, examiner->locator, why);
    if (r == 0)
        r = observe(examiner, &target, changes, take, context, why);
    target_close(&target);
    return r;
}

void examiner_end(struct examiner *examiner, pid_t pid, const struct changes *changes)
{
    struct stored_process *process = store_find(examiner->store, pid);

    if (!process)
        return;
    keep_changes(examiner, process, changes);
    remove_process(examiner, process);
}

int examine_again(struct examiner *examiner, struct stored_process *process,
                  const struct changes *changes, examiner_taker *take, void *context,
                  struct reason *why)
{
    pid_t pid = process->process.pid;
    int r = examine(examiner, pid, changes, take, context, why);
    bool soon = r == -EINPROGRESS || r == -EAGAIN;

    process = store_find(examiner->store, pid);
    if (r == 0 || !process)
        return r;
    keep_changes(examiner, process, changes); /* and its last state */
    process->next_look = clock_monotonic_ns() + (soon ? EXAMINER_SOON_NS : recheck_ns(examiner));
    if (!process_alive(&process->process))
        remove_process(examiner, process);
    return r;
}

void examiner_end_turn(struct examiner *examiner)
{
    peers_close(&examiner->peers);
}

struct registry *examiner_registry(const struct examiner *examiner)
{
    return examiner->registry;
}

struct locator *examiner_locator(const struct examiner *examiner)
{
    return examiner->locator;
}

struct contention_reader *examiner_contention(const struct examiner *examiner)
{
    return examiner->contention;
}

static void on_scanned(void *context, int fd, const struct located *located, int result,
                       const struct reason *why)
{
    struct examiner *examiner = context;

    (void)!locator_adopt(examiner->locator, fd, located, result, why);
    examiner->listener(examiner->context);
}

int examiner_new(struct examiner **out, sd_event *loop, const struct config *config,
                 struct store *store, struct probes *probes, examiner_listener *listener,
                 void *context)
{
    struct examiner *examiner = calloc(1, sizeof(*examiner));
    struct locator_options options = {.sources = SOURCES_ALL, .images_max = IMAGES_MAX};
    int r;

    if (!examiner)
        return -ENOMEM;
    *examiner = (struct examiner){.config = *config,
                                  .store = store,
                                  .probes = probes,
                                  .listener = listener,
                                  .context = context};
    examiner->started = clock_process_start();
    options.cache = examiner->config.cache_dir;
    r = locator_new(&examiner->locator, &options);
    if (r == 0)
        r = registry_new(&examiner->registry);
    if (r == 0)
        r = contention_reader_new(&examiner->contention, loop, probes, examiner->registry);
    if (r == 0)
        r = scanner_new(&examiner->scanner, loop, &options, on_scanned, examiner);
    if (r < 0)
        examiner_free(&examiner);
    else
        *out = examiner;
    return r;
}

void examiner_free(struct examiner **examiner)
{
    if (!*examiner)
        return;
    scanner_free(&(*examiner)->scanner);
    contention_reader_free(&(*examiner)->contention);
    registry_free(&(*examiner)->registry);
    locator_free(&(*examiner)->locator);
    peers_close(&(*examiner)->peers);
    free(*examiner);
    *examiner = NULL;
}

void examiner_reload(struct examiner *examiner, const struct config *config)
{
    examiner->config.grace_ms = config->grace_ms;
    examiner->config.poll_ms = config->poll_ms;
    examiner->config.recheck_ms = config->recheck_ms;
}
