/* SPDX-License-Identifier: Apache-2.0 */
#include "examiner.h"

#include <string.h>

#include "clock.h"
#include "proc/image_file.h"
#include "scanner.h"
#include "util/text.h"

#define LOOK_AT_LEAK_NS (1000 * NS_PER_MS)

struct examiner {
    struct config config;
    struct store *store;
    struct probes *probes; /* NULL: polling */
    struct registry *registry;
    struct scanner *scanner;
    struct locator *locator;
    struct peers *peers; /* of this turn; NULL: not asked for yet */
    examiner_listener *listener;
    void *context;
};

static uint64_t recheck_ns(const struct examiner *examiner)
{
    return (examiner->probes ? examiner->config.recheck_ms : examiner->config.poll_ms) * NS_PER_MS;
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
static int prepare_images(struct examiner *examiner, pid_t pid)
{
    struct process process;
    struct runtime runtime;
    int r = process_read(pid, &process, NULL), gc = 0;

    if (r == 0)
        r = runtime_read(&process, &runtime, NULL);
    if (r < 0)
        return r;
    r = start_scan(examiner, &process, &runtime.image);
    if (runtime.gc.mapping)
        gc = start_scan(examiner, &process, &runtime.gc);
    runtime_close(&runtime);
    return r < 0 ? r : gc == -EINPROGRESS ? gc : 0;
}

static uint64_t add_image(struct examiner *examiner, const struct target *target,
                          const struct runtime_image *image, const struct located *located)
{
    _close_ int fd = image_file_open(target->process.pid, image->mapping, NULL, NULL);
    struct reason why;

    return fd < 0 ? 0
                  : registry_add(examiner->registry, fd, image->mapping->path, located,
                                 examiner->probes, &why);
}

static void add_images(struct examiner *examiner, const struct target *target,
                       struct stored_process *process)
{
    if (process->image)
        return;
    process->image = add_image(examiner, target, &target->runtime.image, target->image);
    registry_hold(examiner->registry, process->image);
    if (target->gc && target->gc != target->image)
        process->gc_image = add_image(examiner, target, &target->runtime.gc, target->gc);
    registry_hold(examiner->registry, process->gc_image);
    if (examiner->probes)
        probes_watch(examiner->probes, process->process.pid);
}

void examiner_remove(struct examiner *examiner, struct stored_process *process)
{
    registry_release(examiner->registry, process->image);
    registry_release(examiner->registry, process->gc_image);
    if (examiner->probes)
        probes_unwatch(examiner->probes, process->process.pid);
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
    int r;

    judge(seen, LEVEL_VERBOSE, &judgement);
    since = apply_grace(examiner, process, &judgement, now);
    if (process && process->process.start_time != target->process.start_time)
        examiner_remove(examiner, process);
    r = store_observe(examiner->store, target, seen, &judgement, examiner->probes != NULL, now,
                      &process);
    if (r < 0)
        return r;
    process->leak_since = since;
    add_images(examiner, target, process);
    remember_clients(process, seen);
    schedule(examiner, process, now);
    *out = process;
    return 0;
}

static void emit_change(struct examiner *examiner, struct stored_process *process,
                        const struct abi_record *record, const struct observation *seen)
{
    bool private = record->provider == ABI_PROVIDER_PRIVATE;
    struct event_set set = {record->level, record->keywords};
    struct event_set current = private ? process->gc.private : process->gc.public;
    bool empty = !set.level && !set.keywords;
    struct event event = {
        .time_us = clock_realtime_us_of(record->time),
        .tid = (pid_t)record->tid,
    };
    const struct peer *client = client_of_change(&process->clients, &seen->clients);
    struct cause_facts facts = {
        .callback = record->callback,
        .first = !process->gc_known,
        .empty = empty,
        .had_client = process->clients.count || seen->clients.peer_count,
    };

    if (process->gc_known && current.level == set.level && current.keywords == set.keywords)
        return;
    event.cause = cause_of(&facts, seen);
    text_copy(event.thread, sizeof(event.thread), (const char *)record->comm);
    text_printable(event.thread);
    if (client && (event.cause == CAUSE_CLIENT || event.cause == CAUSE_RUNDOWN)) {
        event.client = client->pid;
        text_copy(event.client_name, sizeof(event.client_name), client->name);
        text_copy(event.client_command, sizeof(event.client_command), client->command);
    }
    store_gc_changed(examiner->store, process, private, set, &event, clock_monotonic_ns());
}

static void emit_changes(struct examiner *examiner, struct stored_process *process,
                         const struct changes *changes, const struct observation *seen)
{
    for (size_t i = 0; i < changes->count; i++)
        if ((pid_t)changes->items[i].pid == process->process.pid)
            emit_change(examiner, process, &changes->items[i], seen);
}

/* Reads a process: first what the probes have told of it becomes events, then what was read. */
int examine(struct examiner *examiner, pid_t pid, const struct changes *changes,
            examiner_taker *take, void *context, struct reason *why)
{
    _free_ struct observation *seen = calloc(1, sizeof(*seen));
    struct stored_process *process = NULL;
    struct target target;
    int r = seen ? prepare_images(examiner, pid) : -ENOMEM;

    if (r == 0)
        r = target_open(pid, examiner->locator, &target, why);
    if (r < 0)
        return r;
    r = target_observe(&target, peers_of_turn(examiner), seen, why);
    process = store_find(examiner->store, pid);
    if (r == 0 && process && process->process.start_time == target.process.start_time)
        emit_changes(examiner, process, changes, seen);
    if (r == 0)
        r = take_observation(examiner, &target, seen, &process);
    if (r == 0 && take)
        take(context, &target, seen, process);
    target_close(&target);
    return r;
}

int examine_again(struct examiner *examiner, struct stored_process *process,
                  const struct changes *changes, examiner_taker *take, void *context,
                  struct reason *why)
{
    int r = examine(examiner, process->process.pid, changes, take, context, why);

    if (r < 0 && !process_alive(&process->process))
        examiner_remove(examiner, process);
    else if (r < 0) /* keeps its last state */
        process->next_look = clock_monotonic_ns() + recheck_ns(examiner);
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
    struct locator_options options = {.sources = SOURCES_ALL};
    int r;

    if (!examiner)
        return -ENOMEM;
    *examiner = (struct examiner){.config = *config,
                                  .store = store,
                                  .probes = probes,
                                  .listener = listener,
                                  .context = context};
    options.cache = examiner->config.cache_dir;
    r = locator_new(&examiner->locator, &options);
    if (r == 0)
        r = registry_new(&examiner->registry);
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
