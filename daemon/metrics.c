/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <string.h>

#include "util/text.h"

#define CONTAINER_DIGITS 12
#define RUNTIMES_MAX     32
#define NS_PER_US        1000ULL

struct metric;

struct scrape {
    const struct metrics_source *from;
    const struct store *store;
    const struct health *health;
    uint64_t now;
    const struct metric *metric;
    struct exposition text;
};

struct metric {
    struct family family;
    void (*of_process)(struct scrape *scrape, const struct stored_process *process); /* or */
    void (*of_daemon)(struct scrape *scrape);
    size_t field; /* of struct health, for print_number() and print_seconds() */
};

static void label_process(struct scrape *scrape, const struct stored_process *stored)
{
    char pid[16], container[CONTAINER_DIGITS + 1];

    snprintf(pid, sizeof(pid), "%d", (int)stored->process.pid);
    text_copy(container, sizeof(container), stored->process.container);
    exposition_label(&scrape->text, "pid", pid);
    exposition_label(&scrape->text, "name", process_title(&stored->process));
    exposition_label(&scrape->text, "version", stored->version);
    exposition_label(&scrape->text, "container", container);
}

static void sample_of(struct scrape *scrape, const struct stored_process *stored)
{
    exposition_sample(&scrape->text);
    label_process(scrape, stored);
}

static void sample_part_of(struct scrape *scrape, const struct stored_process *stored,
                           const char *part)
{
    exposition_sample_of(&scrape->text, part);
    label_process(scrape, stored);
}

static const char *const providers[] = {"public", "private"};

static const struct event_set *set_of(const struct stored_process *process, size_t provider)
{
    return provider == 0 ? &process->gc.public : &process->gc.private;
}

static bool knows_gc(const struct stored_process *process)
{
    return process->gc_known && !process->gc_stale;
}

static void print_level(struct scrape *scrape, const struct stored_process *process)
{
    for (size_t i = 0; knows_gc(process) && i < ARRAY_SIZE(providers); i++) {
        sample_of(scrape, process);
        exposition_label(&scrape->text, "provider", providers[i]);
        exposition_number(&scrape->text, set_of(process, i)->level);
    }
}

static void print_keywords(struct scrape *scrape, const struct stored_process *process)
{
    char keywords[24];

    for (size_t i = 0; knows_gc(process) && i < ARRAY_SIZE(providers); i++) {
        snprintf(keywords, sizeof(keywords), "0x%llx",
                 (unsigned long long)set_of(process, i)->keywords);
        sample_of(scrape, process);
        exposition_label(&scrape->text, "provider", providers[i]);
        exposition_label(&scrape->text, "keywords", keywords);
        exposition_number(&scrape->text, 1);
    }
}

static void print_one(struct scrape *scrape, const struct stored_process *process, uint64_t value)
{
    sample_of(scrape, process);
    exposition_number(&scrape->text, value);
}

static void print_verbose(struct scrape *scrape, const struct stored_process *process)
{
    if (process->judgement.verdict != VERDICT_UNKNOWN)
        print_one(scrape, process, process->judgement.verdict >= VERDICT_VERBOSE);
}

static void print_leaked(struct scrape *scrape, const struct stored_process *process)
{
    if (process->judgement.verdict != VERDICT_UNKNOWN)
        print_one(scrape, process, process->judgement.verdict == VERDICT_LEAKED);
}

static void print_failed(struct scrape *scrape, const struct stored_process *process)
{
    print_one(scrape, process, process->judgement.verdict == VERDICT_UNKNOWN);
}

static void print_changes(struct scrape *scrape, const struct stored_process *process)
{
    for (enum event_cause cause = 0; cause < CAUSE_MAX; cause++) {
        sample_of(scrape, process);
        exposition_label(&scrape->text, "cause", event_cause_name(cause));
        exposition_number(&scrape->text, process->changes[cause]);
    }
}

static void print_verbose_time(struct scrape *scrape, const struct stored_process *process)
{
    sample_of(scrape, process);
    exposition_seconds(&scrape->text, stored_verbose_ns(process, scrape->now));
}

static void print_sessions(struct scrape *scrape, const struct stored_process *process)
{
    if (process->sessions_known)
        print_one(scrape, process, process->sessions);
}

static void print_oldest_session(struct scrape *scrape, const struct stored_process *process)
{
    if (process->oldest_session_us <= 0)
        return;
    sample_of(scrape, process);
    exposition_seconds(&scrape->text, (uint64_t)process->oldest_session_us * NS_PER_US);
}

/* Contention */

/* Each fourfold of the one before: 16 us to 17 s. */
static const size_t buckets[] = {4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, CONTENTION_BUCKETS - 1};

static int compare_pid(const void *pid, const void *contention)
{
    pid_t other = ((const struct contention *)contention)->pid;

    return (*(const pid_t *)pid > other) - (*(const pid_t *)pid < other);
}

/* NULL: it can't be seen. */
static const struct contention *contention_of(const struct scrape *scrape,
                                              const struct stored_process *process)
{
    const struct metrics_source *from = scrape->from;
    const struct contention *found =
        from->contention_count ? bsearch(&process->process.pid, from->contentions,
                                         from->contention_count, sizeof(*found), compare_pid)
                               : NULL;

    return found && found->is_on ? found : NULL;
}

static void print_contentions(struct scrape *scrape, const struct stored_process *process)
{
    const struct contention *contention = contention_of(scrape, process);

    if (contention)
        print_one(scrape, process, contention->sum.waits);
}

static void print_waiters(struct scrape *scrape, const struct stored_process *process)
{
    const struct contention *contention = contention_of(scrape, process);

    if (contention)
        print_one(scrape, process, contention->waiters);
}

static uint64_t waits_up_to(const struct contention *contention, size_t bucket)
{
    uint64_t waits = 0;

    for (size_t i = 0; i <= bucket; i++)
        waits += contention->histogram[i];
    return waits;
}

/* The count is the last bucket's, whatever has come between two readings. */
static void print_wait_time(struct scrape *scrape, const struct stored_process *process)
{
    const struct contention *contention = contention_of(scrape, process);

    if (!contention)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(buckets); i++) {
        sample_part_of(scrape, process, "_bucket");
        exposition_bound(&scrape->text, contention_bound_ns(buckets[i]));
        exposition_number(&scrape->text, waits_up_to(contention, buckets[i]));
    }
    sample_part_of(scrape, process, "_sum");
    exposition_seconds(&scrape->text, contention->sum.wait_ns);
    sample_part_of(scrape, process, "_count");
    exposition_number(&scrape->text, waits_up_to(contention, CONTENTION_BUCKETS - 1));
}

/* Events */

static void print_events_written(struct scrape *scrape, const struct stored_process *process)
{
    for (size_t i = 0; process->events && i < process->events->count; i++) {
        sample_of(scrape, process);
        exposition_label(&scrape->text, "event", event_count_name(process->events->items[i].id));
        exposition_number(&scrape->text, process->events->items[i].written);
    }
}

static void print_events_cost(struct scrape *scrape, const struct stored_process *process)
{
    if (!process->events)
        return;
    sample_of(scrape, process);
    exposition_seconds(&scrape->text, event_counts_cost_ns(process->events->total));
}

/* The daemon */

struct runtimes {
    char names[RUNTIMES_MAX][RUNTIME_VERSION_MAX];
    uint64_t counts[RUNTIMES_MAX];
    size_t count;
};

/* "8.0" of "8.0.11"; "unknown" for what is no version. */
static void runtime_name(const char *version, char name[static RUNTIME_VERSION_MAX])
{
    size_t major = strspn(version, "0123456789");
    size_t minor = version[major] == '.' ? strspn(version + major + 1, "0123456789") : 0;

    text_copy(name, RUNTIME_VERSION_MAX, major && minor ? version : "unknown");
    if (major && minor)
        name[major + 1 + minor] = '\0';
}

/* The last place is for all that come when the others are taken. */
static void runtimes_add(struct runtimes *runtimes, const char *version)
{
    char name[RUNTIME_VERSION_MAX];
    size_t i = 0;

    runtime_name(version, name);
    if (runtimes->count == RUNTIMES_MAX - 1)
        text_copy(runtimes->names[runtimes->count], sizeof(runtimes->names[0]), "other");
    while (i < runtimes->count && strcmp(runtimes->names[i], name) != 0)
        i++;
    if (i == runtimes->count && i < RUNTIMES_MAX - 1)
        text_copy(runtimes->names[runtimes->count++], sizeof(name), name);
    runtimes->counts[i]++;
}

static void print_processes(struct scrape *scrape)
{
    struct runtimes runtimes = {0};

    for (const struct stored_process *process = store_next(scrape->store, NULL); process;
         process = store_next(scrape->store, process))
        runtimes_add(&runtimes, process->version);
    for (size_t i = 0; i < RUNTIMES_MAX; i++) {
        if (runtimes.counts[i] == 0)
            continue;
        exposition_sample(&scrape->text);
        exposition_label(&scrape->text, "runtime", runtimes.names[i]);
        exposition_number(&scrape->text, runtimes.counts[i]);
    }
}

static void print_array(struct scrape *scrape, const char *label, const char *const *names,
                        const abi_u64 *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        exposition_sample(&scrape->text);
        exposition_label(&scrape->text, label, names[i]);
        exposition_number(&scrape->text, values[i]);
    }
}

static void print_hits(struct scrape *scrape)
{
    print_array(scrape, "program", health_hit_names, scrape->health->counters.hits, ABI_HIT_MAX);
}

static void print_losses(struct scrape *scrape)
{
    print_array(scrape, "cause", health_loss_names, scrape->health->counters.losses, ABI_LOSS_MAX);
}

static void print_probe_cpu(struct scrape *scrape)
{
    uint64_t hits = 0;

    for (size_t i = 0; i < ABI_HIT_MAX; i++)
        hits += scrape->health->counters.hits[i];
    exposition_sample(&scrape->text);
    exposition_seconds(&scrape->text, hits * scrape->health->cost_ns_per_hit);
}

static void print_attached(struct scrape *scrape)
{
    uint64_t probes = 0;

    for (size_t i = 0; i < scrape->health->image_count; i++)
        probes += scrape->health->images[i].probes;
    exposition_sample(&scrape->text);
    exposition_number(&scrape->text, probes);
}

static void print_images(struct scrape *scrape)
{
    static const char *const states[] = {"ok", "trouble", "unlisted"};
    abi_u64 counts[ARRAY_SIZE(states)] = {[2] = scrape->health->more_images};

    for (size_t i = 0; i < scrape->health->image_count; i++)
        counts[scrape->health->images[i].trouble.text[0] != '\0']++;
    print_array(scrape, "state", states, counts, ARRAY_SIZE(states));
}

static void print_watching(struct scrape *scrape)
{
    static const char *const modes[] = {"probes", "polling"};
    abi_u64 is_on[ARRAY_SIZE(modes)] = {
        scrape->health->watching == WATCHING_PROBES,
        scrape->health->watching == WATCHING_POLLING,
    };

    print_array(scrape, "mode", modes, is_on, ARRAY_SIZE(modes));
}

static void print_families(struct scrape *scrape)
{
    for (enum probe_family family = 0; family < PROBES_FAMILY_MAX; family++) {
        exposition_sample(&scrape->text);
        exposition_label(&scrape->text, "family", probe_family_name(family));
        exposition_number(&scrape->text, scrape->health->family_is_on[family]);
    }
}

static void print_resets(struct scrape *scrape)
{
    for (enum reset_outcome outcome = 0; outcome < OUTCOME_MAX; outcome++) {
        exposition_sample(&scrape->text);
        exposition_label(&scrape->text, "outcome", reset_outcome_name(outcome));
        exposition_number(&scrape->text, scrape->health->resets[outcome]);
    }
}

static void print_start(struct scrape *scrape)
{
    exposition_sample(&scrape->text);
    exposition_seconds(&scrape->text, (uint64_t)scrape->health->started_us * NS_PER_US);
}

static void print_build(struct scrape *scrape)
{
    exposition_sample(&scrape->text);
    exposition_label(&scrape->text, "version", CLRMON_VERSION);
    exposition_number(&scrape->text, 1);
}

static uint64_t field(const struct scrape *scrape)
{
    uint64_t value;

    memcpy(&value, (const char *)scrape->health + scrape->metric->field, sizeof(value));
    return value;
}

static void print_number(struct scrape *scrape)
{
    exposition_sample(&scrape->text);
    exposition_number(&scrape->text, field(scrape));
}

static void print_seconds(struct scrape *scrape)
{
    exposition_sample(&scrape->text);
    exposition_seconds(&scrape->text, field(scrape));
}

#define FIELD(member) .field = offsetof(struct health, member)

static const struct metric metrics[] = {
    {{"clrmon_gc_event_level", FAMILY_GAUGE, NULL, "Level at which the GC fires events."},
     .of_process = print_level},
    {{"clrmon_gc_event_keywords", FAMILY_INFO, NULL, "Keywords for which the GC fires events."},
     .of_process = print_keywords},
    {{"clrmon_gc_verbose", FAMILY_GAUGE, NULL,
      "Whether GC or runtime events are on at the verbose level."},
     .of_process = print_verbose},
    {{"clrmon_gc_verbosity_leaked", FAMILY_GAUGE, NULL,
      "Whether they are on though nobody alive asks for them."},
     .of_process = print_leaked},
    {{"clrmon_gc_check_failed", FAMILY_GAUGE, NULL,
      "Whether the state of the process could not be told."},
     .of_process = print_failed},
    {{"clrmon_gc_event_changes", FAMILY_COUNTER, NULL,
      "Changes of the GC's level or keywords that were seen."},
     .of_process = print_changes},
    {{"clrmon_gc_verbose_seconds", FAMILY_COUNTER, "seconds",
      "Time for which events were verbose."},
     .of_process = print_verbose_time},
    {{"clrmon_eventpipe_sessions", FAMILY_GAUGE, NULL, "EventPipe sessions that are open."},
     .of_process = print_sessions},
    {{"clrmon_eventpipe_oldest_session_start_time_seconds", FAMILY_GAUGE, "seconds",
      "When the oldest open session was opened, since 1970."},
     .of_process = print_oldest_session},
    {{"clrmon_monitor_lock_contentions", FAMILY_COUNTER, NULL,
      "Waits for a lock that another thread held, which are over."},
     .of_process = print_contentions},
    {{"clrmon_monitor_lock_wait_seconds", FAMILY_HISTOGRAM, "seconds", "How long they took."},
     .of_process = print_wait_time},
    {{"clrmon_monitor_lock_waiters", FAMILY_GAUGE, NULL,
      "Threads that wait for a lock which another thread holds."},
     .of_process = print_waiters},
    {{"clrmon_runtime_events_written", FAMILY_COUNTER, NULL,
      "Events of the runtime that sessions had the process write."},
     .of_process = print_events_written},
    {{"clrmon_runtime_events_cpu_seconds", FAMILY_COUNTER, "seconds",
      "Estimated CPU time of writing them: events by the cost of one."},
     .of_process = print_events_cost},
    {{"clrmon_processes", FAMILY_GAUGE, NULL, ".NET processes that are watched."},
     .of_daemon = print_processes},
    {{"clrmon_watching", FAMILY_GAUGE, NULL,
      "Whether changes are seen by probes as they happen, or by reading at an interval."},
     .of_daemon = print_watching},
    {{"clrmon_runtime_images", FAMILY_GAUGE, NULL, "Files of runtimes that are watched."},
     .of_daemon = print_images},
    {{"clrmon_probes_attached", FAMILY_GAUGE, NULL, "Probes that are attached."},
     .of_daemon = print_attached},
    {{"clrmon_probe_family_enabled", FAMILY_GAUGE, NULL,
      "Whether the probes of that family are switched on."},
     .of_daemon = print_families},
    {{"clrmon_probe_hits", FAMILY_COUNTER, NULL, "Runs of the BPF programs."},
     .of_daemon = print_hits},
    {{"clrmon_probe_losses", FAMILY_COUNTER, NULL, "Records that were lost."},
     .of_daemon = print_losses},
    {{"clrmon_probe_records", FAMILY_COUNTER, NULL, "Records that were received."},
     .of_daemon = print_number,
     FIELD(records)},
    {{"clrmon_probe_cpu_seconds", FAMILY_COUNTER, "seconds",
      "Estimated CPU time of the BPF programs in all processes: hits by the cost of one."},
     .of_daemon = print_probe_cpu},
    {{"clrmon_events", FAMILY_COUNTER, NULL, "Events that were noted."},
     .of_daemon = print_number,
     FIELD(events)},
    {{"clrmon_resets", FAMILY_COUNTER, NULL, "Leaks that auto_reset was to put back."},
     .of_daemon = print_resets},
    {{"clrmon_history_dropped", FAMILY_COUNTER, NULL, "Events that could not be stored."},
     .of_daemon = print_number,
     FIELD(history_dropped)},
    {{"clrmon_history_bytes", FAMILY_GAUGE, "bytes", "Size of the history."},
     .of_daemon = print_number,
     FIELD(history_bytes)},
    {{"clrmon_control_clients", FAMILY_GAUGE, NULL, "Clients on the control socket."},
     .of_daemon = print_number,
     FIELD(clients)},
    {{"clrmon_control_dropped_events", FAMILY_COUNTER, NULL,
      "Events that clients on the control socket were too slow for."},
     .of_daemon = print_number,
     FIELD(client_drops)},
    {{"clrmon_daemon_loop_longest_seconds", FAMILY_GAUGE, "seconds",
      "The longest turn of the daemon's loop."},
     .of_daemon = print_seconds,
     FIELD(loop_longest_ns)},
    {{"clrmon_daemon_resident_bytes", FAMILY_GAUGE, "bytes", "Resident memory of the daemon."},
     .of_daemon = print_number,
     FIELD(resident_bytes)},
    {{"clrmon_daemon_cpu_seconds", FAMILY_COUNTER, "seconds", "CPU time of the daemon."},
     .of_daemon = print_seconds,
     FIELD(cpu_ns)},
    {{"clrmon_daemon_start_time_seconds", FAMILY_GAUGE, "seconds",
      "When the daemon was started, since 1970."},
     .of_daemon = print_start},
    {{"clrmon_build", FAMILY_INFO, NULL, "Version of the daemon."}, .of_daemon = print_build},
};

static void print_metric(struct scrape *scrape, const struct metric *metric)
{
    scrape->metric = metric;
    exposition_family(&scrape->text, &metric->family);
    if (metric->of_daemon) {
        metric->of_daemon(scrape);
        return;
    }
    for (const struct stored_process *process = store_next(scrape->store, NULL);
         process && !scrape->text.error; process = store_next(scrape->store, process))
        metric->of_process(scrape, process);
}

int metrics_render(const struct metrics_source *source, enum exposition_format format, char **text,
                   size_t *size, struct reason *why)
{
    struct scrape scrape = {.from = source,
                            .store = source->store,
                            .health = source->health,
                            .now = source->now,
                            .text.format = format};
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
        print_metric(&scrape, &metrics[i]);
    r = exposition_end(&scrape.text, text, size);
    if (r == -EFBIG)
        return reason_set(why, r, "the metrics of %zu processes take more than %d MiB",
                          store_count(source->store), EXPOSITION_SIZE_MAX >> 20);
    return r < 0 ? reason_set(why, r, "no memory for the metrics") : 0;
}
