/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <string.h>

#include "util/clock.h"
#include "util/text.h"

struct store {
    struct stored_process *processes; /* by pid */
    size_t count;
    uint64_t last_id;
    store_listener *listener;
    void *context;
};

int store_new(struct store **out, store_listener *listener, void *context)
{
    struct store *store = calloc(1, sizeof(*store));

    if (!store)
        return -ENOMEM;
    *store = (struct store){.listener = listener, .context = context};
    *out = store;
    return 0;
}

static void process_free(struct stored_process *process)
{
    free(process->events);
    free(process);
}

void store_free(struct store **store)
{
    if (!*store)
        return;
    while ((*store)->processes) {
        struct stored_process *process = (*store)->processes;

        (*store)->processes = process->next;
        process_free(process);
    }
    free(*store);
    *store = NULL;
}

void store_resume(struct store *store, uint64_t last_id)
{
    store->last_id = last_id;
}

void store_note(struct store *store, struct event *event)
{
    event->id = ++store->last_id;
    if (!event->time_us)
        event->time_us = clock_realtime_us();
    store->listener(store->context, event);
}

static void note_process(struct store *store, const struct stored_process *process,
                         enum event_kind kind)
{
    struct event event = {.kind = kind, .pid = process->process.pid};

    text_copy(event.name, sizeof(event.name), process_title(&process->process));
    snprintf(event.detail, sizeof(event.detail), "%s %s", flavour_text(process->flavour),
             process->version);
    store_note(store, &event);
}

struct stored_process *store_find(struct store *store, pid_t pid)
{
    struct stored_process *process = store->processes;

    while (process && process->process.pid < pid)
        process = process->next;
    return process && process->process.pid == pid ? process : NULL;
}

struct stored_process *store_next(const struct store *store, const struct stored_process *after)
{
    return after ? after->next : store->processes;
}

size_t store_count(const struct store *store)
{
    return store->count;
}

uint64_t stored_verbose_ns(const struct stored_process *process, uint64_t now)
{
    return process->verbose_ns + (process->verbose_since ? now - process->verbose_since : 0);
}

static struct stored_process *insert(struct store *store, const struct target *target)
{
    struct stored_process *process = calloc(1, sizeof(*process)), **at = &store->processes;

    if (!process)
        return NULL;
    process->process = target->process;
    process->flavour = target->runtime.flavour;
    process->bias = target->bias;
    process->event_log = settings_is_on(target->runtime.settings.event_log);
    process->found_us = clock_realtime_us();
    process->began_ns = clock_monotonic_ns_of_start(target->process.start_time);
    text_copy(process->version, sizeof(process->version), target_version(target));
    while (*at && (*at)->process.pid < target->process.pid)
        at = &(*at)->next;
    process->next = *at;
    *at = process;
    store->count++;
    note_process(store, process, EVENT_PROCESS_START);
    return process;
}

void store_remove(struct store *store, struct stored_process *process, uint64_t now)
{
    struct stored_process **at = &store->processes;

    while (*at && *at != process)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = process->next;
    store->count--;
    note_process(store, process, EVENT_PROCESS_EXIT);
    process_free(process);
}

static void set_verbose(struct stored_process *process, bool verbose, uint64_t now)
{
    if (verbose && !process->verbose_since) {
        process->verbose_since = now;
    } else if (!verbose && process->verbose_since) {
        process->verbose_ns += now - process->verbose_since;
        process->verbose_since = 0;
    }
}

static void set_judgement(struct store *store, struct stored_process *process,
                          const struct judgement *judgement, uint64_t now)
{
    struct event event = {
        .kind = EVENT_VERDICT,
        .pid = process->process.pid,
        .old_verdict = process->judgement.verdict,
        .new_verdict = judgement->verdict,
    };

    process->judgement = *judgement;
    set_verbose(process, judgement->verdict >= VERDICT_VERBOSE, now);
    if (event.old_verdict == event.new_verdict)
        return;
    text_copy(event.name, sizeof(event.name), process_title(&process->process));
    if (judgement->reason_count)
        snprintf(event.detail, sizeof(event.detail), "%.*s", (int)sizeof(event.detail) - 1,
                 judgement->reasons[0]);
    store_note(store, &event);
}

void store_gc_changed(struct store *store, struct stored_process *process, bool private,
                      struct event_set set, struct event *event, uint64_t now)
{
    struct event_set *current = private ? &process->gc.private : &process->gc.public;

    event->kind = EVENT_GC_EVENTS;
    event->pid = process->process.pid;
    event->private = private;
    event->old = *current;
    event->new = set;
    text_copy(event->name, sizeof(event->name), process_title(&process->process));
    *current = set;
    process->gc_known = true;
    process->gc_stale = false;
    process->state_us = clock_realtime_us();
    process->changes[event->cause]++;
    store_note(store, event);
}

static bool same_state(const struct gc_state *a, const struct gc_state *b)
{
    return event_set_equal(a->public, b->public) && event_set_equal(a->private, b->private);
}

static void repair(struct store *store, struct stored_process *process, bool private,
                   struct event_set set, uint64_t now)
{
    struct event_set current = private ? process->gc.private : process->gc.public;
    struct event event = {.cause = CAUSE_UNKNOWN};

    if (!event_set_equal(current, set))
        store_gc_changed(store, process, private, set, &event, now);
}

/* What was read may not be what was known: a change that no probe has told of, or not yet. */
static void take_gc(struct store *store, struct stored_process *process, const struct gc_state *gc,
                    bool doubts, uint64_t now)
{
    if (process->gc_known && same_state(&process->gc, gc)) {
        process->differs_since = 0;
    } else if (!process->gc_known) {
        process->gc = *gc;
        process->gc_known = true;
    } else if (doubts && !process->differs_since) {
        process->differs_since = now;
    } else if (!doubts || now - process->differs_since >= STORE_DOUBT_NS) {
        repair(store, process, false, gc->public, now);
        repair(store, process, true, gc->private, now);
        process->differs_since = 0;
    }
}

static int64_t oldest_session(const struct observation *seen)
{
    int64_t oldest = 0;

    for (size_t i = 0; i < seen->sessions.count; i++) {
        int64_t started = session_started_us(&seen->sessions.items[i]);

        oldest = !oldest || started < oldest ? started : oldest;
    }
    return oldest;
}

int store_observe(struct store *store, const struct target *target, const struct observation *seen,
                  const struct judgement *judgement, bool doubts, uint64_t now,
                  struct stored_process **out)
{
    struct stored_process *process = store_find(store, target->process.pid);

    if (process && !process_same(&process->process, &target->process)) {
        store_remove(store, process, now);
        process = NULL;
    }
    if (!process)
        process = insert(store, target);
    if (!process)
        return -ENOMEM;
    process->process = target->process; /* it may have a new name */
    process->state_us = clock_realtime_us();
    process->sessions = seen->sessions.count;
    process->oldest_session_us = oldest_session(seen);
    process->sessions_known = seen->sessions_readable;
    process->gc_stale = !seen->gc_readable;
    if (seen->gc_readable)
        take_gc(store, process, &seen->gc, doubts, now);
    set_judgement(store, process, judgement, now);
    if (out)
        *out = process;
    return 0;
}
