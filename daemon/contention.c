/* SPDX-License-Identifier: Apache-2.0 */
#include "contention.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "event.h"
#include "namer.h"
#include "relief.h"
#include "tally.h"
#include "util/text.h"
#include "util/timestamp.h"
#include "wait_map.h"

#define STACK_ID_BITS   13 /* of a line's key; the rest is the caller's address */
#define RELIEVE_AT      3 /* quarters of a map that are full; one that is, is emptied to the half */
#define MANAGED_RELEASE 9 /* System.Threading.Lock is there since */

/* What was taken out of the maps of one process, and is counted here from then on. */
struct relieved {
    struct wait_sum other[CONTENTION_BY_MAX];
    struct wait_sum managed;
    uint64_t histogram[ABI_WAIT_BUCKETS]; /* of managed */
};

struct known_process {
    pid_t pid;
    struct namer *namer;
    uint64_t since_ns; /* its sums; they stay when a family is switched off and on. 0: none yet */
    struct relieved relieved;
    struct known_process *next;
};

struct contention_reader {
    struct probes *probes;
    const struct registry *registry;
    struct known_process *known;
    struct wait_rows waiting;
    uint64_t waiting_at; /* CLOCK_MONOTONIC, ns */
};

int contention_reader_new(struct contention_reader **out, struct probes *probes,
                          const struct registry *registry)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    **out = (struct contention_reader){.probes = probes, .registry = registry};
    return 0;
}

static void known_free(struct known_process *known)
{
    namer_free(&known->namer);
    free(known);
}

void contention_reader_free(struct contention_reader **reader)
{
    if (!*reader)
        return;
    while ((*reader)->known) {
        struct known_process *known = (*reader)->known;

        (*reader)->known = known->next;
        known_free(known);
    }
    wait_rows_free(&(*reader)->waiting);
    free(*reader);
    *reader = NULL;
}

/* Processes */

static struct known_process *known_of(const struct contention_reader *reader, pid_t pid)
{
    struct known_process *known = reader->known;

    while (known && known->pid != pid)
        known = known->next;
    return known;
}

static struct known_process *know(struct contention_reader *reader, pid_t pid)
{
    struct known_process *known = known_of(reader, pid);

    if (known)
        return known;
    known = calloc(1, sizeof(*known));
    if (!known)
        return NULL;
    known->pid = pid;
    known->next = reader->known;
    reader->known = known;
    return known;
}

void contention_know(struct contention_reader *reader, const struct process *process,
                     const struct findings *findings, uint64_t bias)
{
    struct known_process *known = reader->probes ? know(reader, process->pid) : NULL;

    if (!known)
        return;
    namer_free(&known->namer);
    (void)!namer_new(&known->namer, process, findings, bias);
}

static void forget_known(struct contention_reader *reader, pid_t pid)
{
    struct known_process **at = &reader->known, *known;

    while (*at && (*at)->pid != pid)
        at = &(*at)->next;
    known = *at;
    if (!known)
        return;
    *at = known->next;
    known_free(known);
}

static const enum abi_wait_kind kind_of[PROBES_FAMILY_MAX] = {
    [PROBES_GC] = ABI_WAIT_KIND_MAX,
    [PROBES_CONTENTION] = ABI_WAIT_LOCK,
    [PROBES_MANAGED_LOCKS] = ABI_WAIT_HANDLE,
    [PROBES_EVENTS] = ABI_WAIT_KIND_MAX,
};

int contention_set_process(struct contention_reader *reader, pid_t pid, enum probe_family family,
                           bool on)
{
    struct abi_wait_process process = {0};
    uint32_t key = (uint32_t)pid, bit = 1u << kind_of[family];
    int r;

    if (kind_of[family] == ABI_WAIT_KIND_MAX)
        return -EINVAL;
    if (!reader->probes)
        return -ENOTSUP;
    r = wait_map_get(reader->probes, WAIT_MAP_PROCESSES, &key, &process);
    if (r < 0 && r != -ENOENT)
        return r;
    process.off = on ? process.off & ~bit : process.off | bit;
    return wait_map_set(reader->probes, WAIT_MAP_PROCESSES, &key, &process);
}

bool contention_process_is_on(const struct contention_reader *reader, pid_t pid,
                              enum probe_family family)
{
    struct abi_wait_process process = {0};
    uint32_t key = (uint32_t)pid;

    if (reader->probes && kind_of[family] != ABI_WAIT_KIND_MAX)
        (void)!wait_map_get(reader->probes, WAIT_MAP_PROCESSES, &key, &process);
    return kind_of[family] == ABI_WAIT_KIND_MAX || !(process.off & 1u << kind_of[family]);
}

static bool is_by_marks(const struct contention_reader *reader,
                        const struct stored_process *process)
{
    return registry_is_by_marks(reader->registry, process->image);
}

/* Is it probed there, and since when; else why not. */
static bool is_probed(const struct contention_reader *reader, const struct stored_process *process,
                      enum probe_family family, uint64_t *since, struct reason *why)
{
    if (!reader->probes)
        reason_set(why, 0, "the daemon has no probes");
    else if (!registry_family_is_on(reader->registry, family))
        reason_set(why, 0, "its probes are off: clrmon probes %s on", probe_family_name(family));
    else if (!contention_process_is_on(reader, process->process.pid, family))
        reason_set(why, 0, "switched off for this process");
    else if (!process->image)
        reason_set(why, 0, "its image is not known yet");
    else if (family == PROBES_CONTENTION && is_by_marks(reader, process) &&
             !registry_marks_are_passed(reader->registry, process->image, process->event_log))
        reason_set(why, 0,
                   "only marks for tracers are found in its runtime, and it passes those only when "
                   "started with COMPlus_EnableEventLog=1");
    else {
        *since = registry_probed_since(reader->registry, process->image, family, why);
        return *since != 0;
    }
    return false;
}

/* One that has begun after the probes has been counted from its beginning. */
static uint64_t counted_since(struct known_process *known, const struct stored_process *process,
                              uint64_t probed)
{
    uint64_t since = probed > process->began_ns ? probed : process->began_ns;

    if (!known || !probed)
        return known && known->since_ns ? known->since_ns : since;
    if (!known->since_ns)
        known->since_ns = since;
    return known->since_ns;
}

static void describe(const struct contention_reader *reader, const struct stored_process *process,
                     struct contention *out)
{
    uint64_t since = 0, managed_since = 0;
    struct reason why = {""}, managed_why = {""};
    bool managed;

    *out = (struct contention){
        .pid = process->process.pid,
        .source = is_by_marks(reader, process) ? CONTENTION_USDT : CONTENTION_UPROBE,
        .now_ns = clock_monotonic_ns(),
    };
    text_copy(out->name, sizeof(out->name), process_title(&process->process));
    out->is_on = is_probed(reader, process, PROBES_CONTENTION, &since, &why);
    managed = is_probed(reader, process, PROBES_MANAGED_LOCKS, &managed_since, &managed_why);
    out->since_ns =
        counted_since(known_of(reader, out->pid), process, since ? since : managed_since);
    if (!out->is_on)
        snprintf(out->why, sizeof(out->why), "%.150s", why.text);
    else if (!managed && strtoul(process->version, NULL, 10) >= MANAGED_RELEASE)
        snprintf(out->why, sizeof(out->why), "System.Threading.Lock is not seen: %.120s",
                 managed_why.text);
    text_printable(out->why);
    out->is_on |= managed;
}

/* Stacks */

static uint64_t id_of(const struct abi_stack_key *key)
{
    uint64_t stack = key->stack == ABI_NO_STACK ? 1u << (STACK_ID_BITS - 1) : key->stack;

    return key->caller << STACK_ID_BITS | stack;
}

static uint64_t caller_of_id(uint64_t id)
{
    return id >> STACK_ID_BITS;
}

static size_t addresses_of(const struct contention_reader *reader,
                           const struct known_process *known, uint64_t id, enum abi_wait_kind kind,
                           uint64_t out[static CONTENTION_FRAMES_MAX])
{
    uint64_t taken[ABI_STACK_DEPTH] = {0};
    uint32_t stack = id & ((1u << STACK_ID_BITS) - 1);

    if (wait_map_get(reader->probes, WAIT_MAP_STACKS, &stack, taken) < 0)
        taken[0] = 0;
    return namer_stack(known->namer, kind, caller_of_id(id), taken, out);
}

static bool is_managed(const struct contention_reader *reader, const struct known_process *known,
                       const struct abi_stack_key *key)
{
    uint64_t addresses[CONTENTION_FRAMES_MAX];
    size_t count;

    if (!known || !known->namer || key->kind != ABI_WAIT_HANDLE)
        return false;
    count = addresses_of(reader, known, id_of(key), key->kind, addresses);
    return namer_is_managed_lock(known->namer, id_of(key), addresses, count);
}

static struct abi_stack_key key_of_waiting(uint32_t pid, const struct abi_waiting_entry *entry)
{
    return (struct abi_stack_key){pid, entry->kind, entry->stack, 0, entry->caller};
}

/* Sums */

struct reading {
    const struct contention_reader *reader;
    struct known_process *known; /* NULL: nothing is known of it, nor can be named */
    struct contention *out;
    uint32_t pid;
    struct wait_sum managed;
    uint64_t unjudged; /* waits for handles without a stack: for locks, or not */
    struct tally tallies[CONTENTION_BY_MAX];
};

static void add(struct wait_sum *to, uint64_t waits, uint64_t wait_ns)
{
    to->waits += waits;
    to->wait_ns += wait_ns;
}

/* Those of all wait handles but the managed locks are nobody's contention. */
static int add_stack(struct reading *reading, const struct abi_stack_key *key,
                     const struct abi_stack_sums *sums)
{
    struct tally_row row = {
        .key = id_of(key),
        .sum = {sums->sum.waits, sums->sum.wait_ns},
        .longest_ns = sums->longest_ns,
        .managed = is_managed(reading->reader, reading->known, key),
    };

    if (key->kind == ABI_WAIT_HANDLE && key->stack == ABI_NO_STACK)
        reading->unjudged += sums->sum.waits;
    if (key->pid != reading->pid || (key->kind != ABI_WAIT_LOCK && !row.managed))
        return 0;
    if (row.managed) {
        add(&reading->managed, sums->sum.waits, sums->sum.wait_ns);
        for (size_t i = 0; i < ABI_WAIT_BUCKETS; i++)
            reading->out->histogram[i] += sums->histogram[i];
    }
    return tally_add(&reading->tallies[CONTENTION_BY_STACK], &row);
}

static int add_stacks(struct reading *reading)
{
    _wait_rows_ struct wait_rows rows = {0};
    int r = wait_rows_read(reading->reader->probes, WAIT_MAP_STACK_SUMS, &rows);
    const struct abi_stack_key *keys = rows.keys;
    const struct abi_stack_sums *sums = rows.values;

    for (size_t i = 0; r == 0 && i < rows.count; i++)
        if (keys[i].pid == reading->pid)
            r = add_stack(reading, &keys[i], &sums[i]);
    return r;
}

static int add_locks(struct reading *reading)
{
    _wait_rows_ struct wait_rows rows = {0};
    int r = wait_rows_read(reading->reader->probes, WAIT_MAP_LOCKS, &rows);

    if (r == 0)
        r = tally_locks(&reading->tallies[CONTENTION_BY_LOCK], reading->pid, rows.keys, rows.values,
                        rows.count);
    if (r == 0)
        r = tally_owners(&reading->tallies[CONTENTION_BY_OWNER], reading->pid, rows.keys,
                         rows.values, rows.count);
    return r;
}

static void remember_names(const struct reading *reading, const struct wait_rows *rows)
{
    const struct abi_thread_key *keys = rows->keys;
    const struct abi_thread_sums *sums = rows->values;
    char name[ABI_COMM_MAX];

    for (size_t i = 0; i < rows->count; i++) {
        if (keys[i].pid != reading->pid)
            continue;
        text_copy(name, sizeof(name), (const char *)sums[i].comm);
        namer_remember_thread(reading->known->namer, (pid_t)keys[i].tid, name);
    }
}

static int add_threads(struct reading *reading)
{
    _wait_rows_ struct wait_rows rows = {0};
    int r = wait_rows_read(reading->reader->probes, WAIT_MAP_THREADS, &rows);

    if (reading->known && reading->known->namer)
        remember_names(reading, &rows);
    return r < 0 ? r
                 : tally_threads(&reading->tallies[CONTENTION_BY_THREAD], reading->pid, rows.keys,
                                 rows.values, rows.count);
}

/* Whose locks and threads the kernel does not keep apart. */
static int add_managed(struct reading *reading)
{
    const struct relieved *relieved = reading->known ? &reading->known->relieved : NULL;
    struct tally_row row = {.managed = true};

    if (relieved) {
        add(&reading->managed, relieved->managed.waits, relieved->managed.wait_ns);
        add(&reading->out->lists[CONTENTION_BY_STACK].other, relieved->managed.waits,
            relieved->managed.wait_ns);
        for (size_t i = 0; i < ABI_WAIT_BUCKETS; i++)
            reading->out->histogram[i] += relieved->histogram[i];
    }
    if (!reading->managed.waits && !reading->managed.wait_ns)
        return 0;
    row.sum = reading->managed;
    add(&reading->out->sum, row.sum.waits, row.sum.wait_ns);
    add(&reading->out->lists[CONTENTION_BY_OWNER].other, row.sum.waits, row.sum.wait_ns);
    add(&reading->out->lists[CONTENTION_BY_THREAD].other, row.sum.waits, row.sum.wait_ns);
    return tally_add(&reading->tallies[CONTENTION_BY_LOCK], &row);
}

static void add_process(struct reading *reading)
{
    struct abi_process_key key = {reading->pid, ABI_WAIT_LOCK};
    struct contention *out = reading->out;
    struct abi_process_sums sums;

    if (wait_map_get(reading->reader->probes, WAIT_MAP_SUMS, &key, &sums) < 0)
        return;
    add(&out->sum, sums.sum.waits, sums.sum.wait_ns);
    out->unpaired += sums.unpaired + sums.abandoned;
    for (size_t i = 0; i < ABI_WAIT_BUCKETS; i++)
        out->histogram[i] += sums.histogram[i];
    add(&out->lists[CONTENTION_BY_LOCK].other, sums.other_locks.waits, sums.other_locks.wait_ns);
    add(&out->lists[CONTENTION_BY_OWNER].other, sums.other_locks.waits, sums.other_locks.wait_ns);
    add(&out->lists[CONTENTION_BY_STACK].other, sums.other_stacks.waits, sums.other_stacks.wait_ns);
    add(&out->lists[CONTENTION_BY_THREAD].other, sums.other_threads.waits,
        sums.other_threads.wait_ns);
    for (size_t i = 0; reading->known && i < CONTENTION_BY_MAX; i++)
        add(&out->lists[i].other, reading->known->relieved.other[i].waits,
            reading->known->relieved.other[i].wait_ns);
}

/* Where there was no room for their stacks, managed locks are missed: that is said. */
static void say_unjudged(struct reading *reading)
{
    struct abi_process_key key = {reading->pid, ABI_WAIT_HANDLE};
    struct contention *out = reading->out;
    struct abi_process_sums sums;

    if (wait_map_get(reading->reader->probes, WAIT_MAP_SUMS, &key, &sums) == 0)
        reading->unjudged += sums.other_stacks.waits;
    if (reading->unjudged && !out->why[0])
        snprintf(out->why, sizeof(out->why),
                 "no room for the stacks of %llu waits for handles: some may have been for a "
                 "System.Threading.Lock",
                 (unsigned long long)reading->unjudged);
}

/* Those who wait now */

static int read_waiting(struct contention_reader *reader, uint64_t stale_ns)
{
    uint64_t now = clock_monotonic_ns();
    int r;

    if (reader->waiting_at && now - reader->waiting_at < stale_ns)
        return 0;
    wait_rows_free(&reader->waiting);
    r = wait_rows_read(reader->probes, WAIT_MAP_WAITING, &reader->waiting);
    reader->waiting_at = r == 0 ? now : 0;
    return r;
}

static int add_waiter(struct reading *reading, uint32_t tid, const struct abi_waiting_entry *entry)
{
    struct abi_stack_key stack = key_of_waiting(reading->pid, entry);
    struct contention *out = reading->out;
    struct tally_row row = {
        .managed = is_managed(reading->reader, reading->known, &stack),
        .waiters = 1,
        .waiting_ns = out->now_ns - entry->start,
        .last_ns = out->now_ns,
        .owner = entry->owner,
    };
    const uint64_t keys[CONTENTION_BY_MAX] = {
        [CONTENTION_BY_LOCK] = row.managed ? 0 : entry->lock,
        [CONTENTION_BY_STACK] = id_of(&stack),
        [CONTENTION_BY_OWNER] = entry->owner,
        [CONTENTION_BY_THREAD] = tid,
    };
    int r = 0;

    if (entry->kind != ABI_WAIT_LOCK && !row.managed)
        return 0;
    out->waiters++;
    if (row.waiting_ns > out->longest_wait_ns)
        out->longest_wait_ns = row.waiting_ns;
    for (size_t i = 0; i < CONTENTION_BY_MAX && r == 0; i++) {
        row.key = keys[i];
        r = tally_add(&reading->tallies[i], &row);
    }
    return r;
}

static int add_waiters(struct reading *reading)
{
    const struct wait_rows *rows = &reading->reader->waiting;
    const struct abi_waiting *threads = rows->values;
    const uint32_t *tids = rows->keys;
    int r = 0;

    for (size_t i = 0; i < rows->count && r == 0; i++) {
        const struct abi_waiting_entry *entry =
            tally_waits_for(&threads[i], reading->pid, reading->out->now_ns);

        if (entry)
            r = add_waiter(reading, tids[i], entry);
    }
    return r;
}

/* Lines */

static void name_thread(const struct known_process *known, uint64_t tid, bool inner,
                        struct contended *line)
{
    line->tid = (pid_t)tid;
    if (!known || !known->namer || !tid)
        return;
    if (inner)
        line->tid = namer_thread_seen(known->namer, line->tid);
    namer_thread_name(known->namer, line->tid, line->thread);
}

static void make_line(const struct reading *reading, enum contention_by by,
                      const struct tally_row *row, bool named, struct contended *line)
{
    *line = (struct contended){
        .managed = row->managed,
        .waiters = row->waiters,
        .sum = row->sum,
        .longest_ns = row->longest_ns,
    };
    if (by == CONTENTION_BY_LOCK || by == CONTENTION_BY_STACK)
        line->key = row->key;
    if (by == CONTENTION_BY_LOCK)
        name_thread(reading->known, row->owner, true, line);
    else if (by != CONTENTION_BY_STACK)
        name_thread(reading->known, row->key, by == CONTENTION_BY_OWNER, line);
    if (by == CONTENTION_BY_LOCK && named && reading->known && reading->known->namer)
        namer_type_of_lock(reading->known->namer, row->key, line->type);
}

static int make_list(struct reading *reading, enum contention_by by, size_t top, bool named)
{
    struct contended_list *list = &reading->out->lists[by];
    struct tally *tally = &reading->tallies[by];

    tally_merge(tally);
    tally_cut(tally, top, &list->other);
    if (!tally->count)
        return 0;
    list->items = calloc(tally->count, sizeof(*list->items));
    if (!list->items)
        return -ENOMEM;
    for (size_t i = 0; i < tally->count; i++)
        make_line(reading, by, &tally->rows[i], named, &list->items[i]);
    list->count = tally->count;
    return 0;
}

/* Addresses of all stacks in one row, since names are found for many at once. */
static int name_stacks(struct reading *reading, bool named)
{
    struct contended_list *list = &reading->out->lists[CONTENTION_BY_STACK];
    _free_ uint64_t *addresses =
        calloc(list->count + 1, CONTENTION_FRAMES_MAX * sizeof(*addresses));
    _free_ struct frame *frames = NULL;
    size_t total = 0;

    if (!addresses)
        return -ENOMEM;
    for (size_t i = 0; i < list->count; i++) {
        struct contended *line = &list->items[i];

        line->frame_count =
            addresses_of(reading->reader, reading->known, line->key,
                         line->managed ? ABI_WAIT_HANDLE : ABI_WAIT_LOCK, addresses + total);
        total += line->frame_count;
    }
    frames = calloc(total + 1, sizeof(*frames));
    if (!frames)
        return -ENOMEM;
    if (named)
        namer_frames(reading->known->namer, addresses, total, frames);
    for (size_t i = 0, at = 0; i < list->count; at += list->items[i++].frame_count) {
        struct contended *line = &list->items[i];

        line->frames = calloc(line->frame_count + 1, sizeof(*frames));
        if (!line->frames)
            return -ENOMEM;
        memcpy(line->frames, frames + at, line->frame_count * sizeof(*frames));
        line->complete = line->frame_count && line->frame_count < CONTENTION_FRAMES_MAX &&
                         namer_is_outermost(&line->frames[line->frame_count - 1]);
    }
    return 0;
}

static void reading_free(struct reading *reading)
{
    for (size_t i = 0; i < CONTENTION_BY_MAX; i++)
        tally_free(&reading->tallies[i]);
}

static int read_lists(struct reading *reading, size_t top, bool named)
{
    int r = add_stacks(reading);

    if (r == 0)
        r = add_locks(reading);
    if (r == 0)
        r = add_threads(reading);
    if (r == 0)
        r = add_managed(reading);
    if (r == 0)
        r = add_waiters(reading);
    add_process(reading);
    say_unjudged(reading);
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX && r == 0; by++)
        r = make_list(reading, by, top, named);
    return r == 0 && reading->known && reading->known->namer ? name_stacks(reading, named) : r;
}

int contention_read(struct contention_reader *reader, const struct stored_process *process,
                    size_t top, bool named, struct contention *out, struct reason *why)
{
    _cleanup_(reading_free) struct reading reading = {
        .reader = reader,
        .known = known_of(reader, process->process.pid),
        .out = out,
        .pid = (uint32_t)process->process.pid,
    };
    int r;

    describe(reader, process, out);
    if (!reader->probes)
        return 0;
    r = read_waiting(reader, 0);
    out->now_ns = clock_monotonic_ns();
    if (r == 0)
        r = read_lists(&reading, top, named);
    if (r < 0) {
        contention_free(out);
        return reason_set(why, r, "the sums of contention can't be read: %s", strerror(-r));
    }
    return 0;
}

int contention_read_sums(struct contention_reader *reader, const struct stored_process *process,
                         struct contention *out)
{
    _cleanup_(reading_free) struct reading reading = {
        .reader = reader,
        .known = known_of(reader, process->process.pid),
        .out = out,
        .pid = (uint32_t)process->process.pid,
    };
    int r;

    describe(reader, process, out);
    if (!reader->probes)
        return 0;
    r = read_waiting(reader, CONTENTION_STALE_NS);
    if (r == 0)
        r = add_waiters(&reading);
    if (r == 0 && registry_family_is_on(reader->registry, PROBES_MANAGED_LOCKS))
        r = add_stacks(&reading);
    if (r == 0)
        r = add_managed(&reading);
    add_process(&reading);
    for (size_t i = 0; i < CONTENTION_BY_MAX; i++)
        out->lists[i].other = (struct wait_sum){0};
    return r;
}

/* Making room */

void contention_forget(struct contention_reader *reader, pid_t pid, uint64_t until)
{
    forget_known(reader, pid);
    if (reader->probes && until)
        relief_forget(reader->probes, (uint32_t)pid, until);
}

void contention_forget_waiting(struct contention_reader *reader, enum probe_family family)
{
    if (reader->probes && kind_of[family] != ABI_WAIT_KIND_MAX)
        probes_abandon(reader->probes, relief_forget_waiting(reader->probes, kind_of[family]));
    reader->waiting_at = 0;
}

static void take_stack(struct contention_reader *reader, const struct abi_stack_key *key,
                       const struct abi_stack_sums *sums)
{
    struct known_process *known = know(reader, (pid_t)key->pid);

    if (!known)
        return;
    if (key->kind == ABI_WAIT_LOCK)
        add(&known->relieved.other[CONTENTION_BY_STACK], sums->sum.waits, sums->sum.wait_ns);
    if (!is_managed(reader, known, key))
        return;
    add(&known->relieved.managed, sums->sum.waits, sums->sum.wait_ns);
    for (size_t i = 0; i < ABI_WAIT_BUCKETS; i++)
        known->relieved.histogram[i] += sums->histogram[i];
}

static void take_lock(struct contention_reader *reader, const struct abi_lock_key *key,
                      const struct abi_lock_sums *sums)
{
    struct known_process *known = know(reader, (pid_t)key->pid);

    if (!known)
        return;
    add(&known->relieved.other[CONTENTION_BY_LOCK], sums->sum.waits, sums->sum.wait_ns);
    add(&known->relieved.other[CONTENTION_BY_OWNER], sums->sum.waits, sums->sum.wait_ns);
}

static void take_thread(struct contention_reader *reader, const struct abi_thread_key *key,
                        const struct abi_thread_sums *sums)
{
    struct known_process *known = know(reader, (pid_t)key->pid);

    if (known)
        add(&known->relieved.other[CONTENTION_BY_THREAD], sums->sum.waits, sums->sum.wait_ns);
}

static void take_row(void *context, enum wait_map map, const void *key, const void *value)
{
    if (map == WAIT_MAP_STACK_SUMS)
        take_stack(context, key, value);
    else if (map == WAIT_MAP_LOCKS)
        take_lock(context, key, value);
    else
        take_thread(context, key, value);
}

void contention_sweep(struct contention_reader *reader)
{
    if (!reader->probes)
        return;
    relief_make_room(reader->probes, take_row, reader);
    relief_drop_gone(reader->probes);
    for (struct known_process *known = reader->known, *next; known; known = next) {
        next = known->next;
        if (kill(known->pid, 0) < 0 && errno == ESRCH)
            forget_known(reader, known->pid);
        else if (known->namer)
            namer_see_threads(known->namer);
    }
}

/* A single wait */

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *frames_json(struct namer *namer, const uint64_t *addresses, size_t count)
{
    struct frame frames[CONTENTION_FRAMES_MAX];
    json_t *all = json_array();

    namer_frames(namer, addresses, count, frames);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, json_string(frames[i].text));
    return all;
}

json_t *contention_wait_json(struct contention_reader *reader, const struct stored_process *process,
                             const struct abi_wait *wait)
{
    struct known_process *known = known_of(reader, process->process.pid);
    struct abi_stack_key key = {wait->pid, wait->kind, wait->stack, 0, wait->caller};
    bool managed = is_managed(reader, known, &key);
    uint64_t addresses[CONTENTION_FRAMES_MAX];
    char time[TIMESTAMP_TEXT_MAX], type[FRAME_TEXT_MAX], lock[32], thread[ABI_COMM_MAX];
    struct contended owner = {0};
    size_t count;

    if (!known || !known->namer || (wait->kind != ABI_WAIT_LOCK && !managed))
        return NULL;
    timestamp_format(clock_realtime_us_of(wait->end), time);
    snprintf(lock, sizeof(lock), "0x%llx", managed ? 0 : (unsigned long long)wait->lock);
    text_copy(thread, sizeof(thread), (const char *)wait->comm);
    text_printable(thread);
    namer_type_of_lock(known->namer, managed ? 0 : wait->lock, type);
    name_thread(known, wait->owner, true, &owner);
    count = addresses_of(reader, known, id_of(&key), wait->kind, addresses);
    return json_pack("{s:s, s:i, s:s, s:i, s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:b, s:b}", "time",
                     time, "pid", (int)wait->pid, "name", process_title(&process->process), "tid",
                     (int)wait->tid, "thread", text_or_null(thread), "wait_ns",
                     (json_int_t)wait->wait_ns, "lock", lock, "type", text_or_null(type),
                     "owner_tid", owner.tid ? json_integer(owner.tid) : json_null(), "owner_name",
                     text_or_null(owner.thread), "frames",
                     frames_json(known->namer, addresses, count), "thrown", (int)wait->thrown,
                     "managed", (int)managed);
}
