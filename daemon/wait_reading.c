/* SPDX-License-Identifier: Apache-2.0 */
#include "wait_reading.h"

#include <string.h>

#include "tally.h"
#include "util/clock.h"
#include "util/text.h"

#define STACK_ID_BITS 13 /* of a line's key; the rest is the caller's address */

struct reading {
    const struct wait_question *question;
    const struct waiter_process *process;
    struct contention *out;
    uint32_t pid;
    struct wait_sum managed;
    uint64_t unjudged; /* waits for handles without a stack: for locks, or not */
    struct tally tallies[CONTENTION_BY_MAX];
};

/* Stacks */

static uint64_t id_of(const struct abi_stack_key *key)
{
    uint64_t stack = key->stack == ABI_NO_STACK ? 1u << (STACK_ID_BITS - 1) : key->stack;

    return key->caller << STACK_ID_BITS | stack;
}

static struct abi_stack_key key_of_id(uint64_t id, enum abi_wait_kind kind)
{
    return (struct abi_stack_key){
        .kind = kind,
        .stack = id & ((1u << STACK_ID_BITS) - 1),
        .caller = id >> STACK_ID_BITS,
    };
}

size_t wait_stack(const struct probes *probes, const struct waiter_process *process,
                  const struct abi_stack_key *key, uint64_t out[static CONTENTION_FRAMES_MAX])
{
    uint64_t taken[ABI_STACK_DEPTH] = {0};

    if (wait_map_get(probes, WAIT_MAP_STACKS, &key->stack, taken) < 0)
        taken[0] = 0;
    return namer_stack(process->namer, key->kind, key->caller, taken, out);
}

bool wait_is_managed(const struct probes *probes, const struct waiter_process *process,
                     const struct abi_stack_key *key)
{
    uint64_t addresses[CONTENTION_FRAMES_MAX];
    size_t count;

    if (!process->namer || key->kind != ABI_WAIT_HANDLE)
        return false;
    count = wait_stack(probes, process, key, addresses);
    return namer_is_managed_lock(process->namer, id_of(key), addresses, count);
}

/* Sums */

static void add(struct wait_sum *to, uint64_t waits, uint64_t wait_ns)
{
    to->waits += waits;
    to->wait_ns += wait_ns;
}

static void add_abi(struct wait_sum *to, struct abi_wait_sum sum)
{
    add(to, sum.waits, sum.wait_ns);
}

#define ADD_HISTOGRAM(to, from)                                                                    \
    do                                                                                             \
        for (size_t bucket = 0; bucket < ABI_WAIT_BUCKETS; bucket++)                               \
            (to)[bucket] += (from)[bucket];                                                        \
    while (0)

static int add_stack(struct reading *reading, const struct abi_stack_key *key,
                     const struct abi_stack_sums *sums)
{
    struct tally_row row = {
        .key = id_of(key),
        .sum = {sums->sum.waits, sums->sum.wait_ns},
        .longest_ns = sums->longest_ns,
        .managed = wait_is_managed(reading->question->probes, reading->process, key),
    };

    if (key->kind == ABI_WAIT_HANDLE && key->stack == ABI_NO_STACK)
        reading->unjudged += sums->sum.waits;
    if (key->kind != ABI_WAIT_LOCK && !row.managed)
        return 0;
    if (row.managed) {
        add_abi(&reading->managed, sums->sum);
        ADD_HISTOGRAM(reading->out->histogram, sums->histogram);
    }
    return tally_add(&reading->tallies[CONTENTION_BY_STACK], &row);
}

static int add_stacks(struct reading *reading)
{
    const struct wait_rows *rows = reading->question->stacks;
    const struct abi_stack_key *keys = rows->keys;
    const struct abi_stack_sums *sums = rows->values;
    int r = 0;

    for (size_t i = 0; r == 0 && i < rows->count; i++)
        if (keys[i].pid == reading->pid)
            r = add_stack(reading, &keys[i], &sums[i]);
    return r;
}

static int add_locks(struct reading *reading)
{
    _wait_rows_ struct wait_rows rows = {0};
    int r = wait_rows_read(reading->question->probes, WAIT_MAP_LOCKS, &rows);

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
        namer_remember_thread(reading->process->namer, (pid_t)keys[i].tid, name);
    }
}

static int add_threads(struct reading *reading)
{
    _wait_rows_ struct wait_rows rows = {0};
    int r = wait_rows_read(reading->question->probes, WAIT_MAP_THREADS, &rows);

    if (reading->process->namer)
        remember_names(reading, &rows);
    return r < 0 ? r
                 : tally_threads(&reading->tallies[CONTENTION_BY_THREAD], reading->pid, rows.keys,
                                 rows.values, rows.count);
}

/* A thread's waits that are not in the maps yet. */
static int add_pending(struct reading *reading, uint32_t tid, const struct abi_waiting *thread)
{
    const struct abi_waiting_entry *entry = &thread->entries[0];
    const struct abi_lock_sums *sums = &thread->pending;
    const struct abi_lock_key lock = {entry->lock, reading->pid, entry->owner};
    const struct abi_stack_key stack = {reading->pid, ABI_WAIT_LOCK, entry->stack, 0,
                                        entry->caller};
    struct contended_list *lists = reading->out->lists;
    int r = add_stack(reading, &stack,
                      &(struct abi_stack_sums){.sum = sums->sum, .longest_ns = sums->longest_ns});

    if (r == 0)
        r = tally_threads(
            &reading->tallies[CONTENTION_BY_THREAD], reading->pid,
            &(struct abi_thread_key){reading->pid, tid},
            &(struct abi_thread_sums){.sum = sums->sum, .longest_ns = sums->longest_ns}, 1);
    if (!entry->lock) {
        add_abi(&lists[CONTENTION_BY_LOCK].other, sums->sum);
        add_abi(&lists[CONTENTION_BY_OWNER].other, sums->sum);
        return r;
    }
    if (r == 0)
        r = tally_locks(&reading->tallies[CONTENTION_BY_LOCK], reading->pid, &lock, sums, 1);
    if (r == 0)
        r = tally_owners(&reading->tallies[CONTENTION_BY_OWNER], reading->pid, &lock, sums, 1);
    return r;
}

static int add_all_pending(struct reading *reading, const struct wait_rows *rows)
{
    const struct abi_waiting *threads = rows->values;
    const uint32_t *tids = rows->keys;
    int r = 0;

    for (size_t i = 0; i < rows->count && r == 0; i++)
        if (threads[i].pid == reading->pid && threads[i].pending.sum.waits)
            r = add_pending(reading, tids[i], &threads[i]);
    return r;
}

/* Whose locks and threads the kernel does not keep apart. */
static int add_managed(struct reading *reading)
{
    struct contended_list *lists = reading->out->lists;
    struct wait_sum relieved = reading->process->relieved.managed;
    struct tally_row row = {.managed = true};

    add(&reading->managed, relieved.waits, relieved.wait_ns);
    add(&lists[CONTENTION_BY_STACK].other, relieved.waits, relieved.wait_ns);
    ADD_HISTOGRAM(reading->out->histogram, reading->process->relieved.histogram);
    if (!reading->managed.waits && !reading->managed.wait_ns)
        return 0;
    row.sum = reading->managed;
    add(&reading->out->sum, row.sum.waits, row.sum.wait_ns);
    add(&lists[CONTENTION_BY_OWNER].other, row.sum.waits, row.sum.wait_ns);
    add(&lists[CONTENTION_BY_THREAD].other, row.sum.waits, row.sum.wait_ns);
    return tally_add(&reading->tallies[CONTENTION_BY_LOCK], &row);
}

static void add_others(struct reading *reading, const struct abi_process_sums *sums)
{
    const struct abi_wait_sum others[CONTENTION_BY_MAX] = {
        [CONTENTION_BY_LOCK] = sums->other_locks,
        [CONTENTION_BY_STACK] = sums->other_stacks,
        [CONTENTION_BY_OWNER] = sums->other_locks,
        [CONTENTION_BY_THREAD] = sums->other_threads,
    };

    for (size_t i = 0; i < CONTENTION_BY_MAX; i++) {
        struct wait_sum relieved = reading->process->relieved.other[i];

        add_abi(&reading->out->lists[i].other, others[i]);
        add(&reading->out->lists[i].other, relieved.waits, relieved.wait_ns);
    }
}

static void add_process(struct reading *reading)
{
    struct abi_process_key key = {reading->pid, ABI_WAIT_LOCK};
    struct abi_process_sums sums;

    if (wait_map_get(reading->question->probes, WAIT_MAP_SUMS, &key, &sums) < 0)
        return;
    add_abi(&reading->out->sum, sums.sum);
    reading->out->unpaired += sums.unpaired + sums.abandoned;
    ADD_HISTOGRAM(reading->out->histogram, sums.histogram);
    add_others(reading, &sums);
}

/* Where there was no room for their stacks, managed locks are missed: that is said. */
static void say_unjudged(struct reading *reading)
{
    struct abi_process_key key = {reading->pid, ABI_WAIT_HANDLE};
    struct contention *out = reading->out;
    struct abi_process_sums sums;

    if (wait_map_get(reading->question->probes, WAIT_MAP_SUMS, &key, &sums) == 0)
        reading->unjudged += sums.other_stacks.waits;
    if (reading->unjudged && !out->why[0])
        snprintf(out->why, sizeof(out->why),
                 "no room for the stacks of %llu waits for handles: some may have been for a "
                 "System.Threading.Lock",
                 (unsigned long long)reading->unjudged);
}

/* Those who wait now */

static void count_waiter(struct contention *out, uint64_t waiting_ns)
{
    out->waiters++;
    if (waiting_ns > out->longest_wait_ns)
        out->longest_wait_ns = waiting_ns;
}

static int add_waiter(struct reading *reading, uint32_t tid, const struct abi_waiting *thread,
                      const struct abi_waiting_entry *entry)
{
    struct abi_stack_key stack = {reading->pid, entry->kind, entry->stack, 0, entry->caller};
    uint64_t now = reading->out->now_ns;
    struct tally_row row = {
        .managed = wait_is_managed(reading->question->probes, reading->process, &stack),
        .waiters = 1,
        .waiting_ns = now - entry->start,
        .last_ns = now,
        .owner = tally_waits_for_owner(thread, entry, now),
    };
    const uint64_t keys[CONTENTION_BY_MAX] = {
        [CONTENTION_BY_LOCK] = row.managed ? 0 : entry->lock,
        [CONTENTION_BY_STACK] = id_of(&stack),
        [CONTENTION_BY_OWNER] = row.owner,
        [CONTENTION_BY_THREAD] = tid,
    };
    int r = 0;

    if (entry->kind != ABI_WAIT_LOCK && !row.managed)
        return 0;
    count_waiter(reading->out, row.waiting_ns);
    for (size_t i = 0; i < CONTENTION_BY_MAX && r == 0; i++) {
        row.key = keys[i];
        r = tally_add(&reading->tallies[i], &row);
    }
    return r;
}

static int add_waiters(struct reading *reading, const struct wait_rows *rows)
{
    const struct abi_waiting *threads = rows->values;
    const uint32_t *tids = rows->keys;
    int r = 0;

    for (size_t i = 0; i < rows->count && r == 0; i++) {
        const struct abi_waiting_entry *entry =
            tally_waits_for(&threads[i], reading->pid, reading->out->now_ns);

        if (entry)
            r = add_waiter(reading, tids[i], &threads[i], entry);
    }
    return r;
}

/* Lines */

void wait_name_thread(const struct waiter_process *process, uint64_t tid, bool inner,
                      struct contended *line)
{
    line->tid = (pid_t)tid;
    if (!process->namer || !tid)
        return;
    if (inner)
        line->tid = namer_thread_seen(process->namer, line->tid);
    namer_thread_name(process->namer, line->tid, line->thread);
}

static void make_line(const struct reading *reading, enum contention_by by,
                      const struct tally_row *row, struct contended *line)
{
    const struct waiter_process *process = reading->process;

    *line = (struct contended){
        .managed = row->managed,
        .waiters = row->waiters,
        .sum = row->sum,
        .longest_ns = row->longest_ns,
    };
    if (by == CONTENTION_BY_LOCK || by == CONTENTION_BY_STACK)
        line->key = row->key;
    if (by == CONTENTION_BY_LOCK)
        wait_name_thread(process, row->owner, true, line);
    else if (by != CONTENTION_BY_STACK)
        wait_name_thread(process, row->key, by == CONTENTION_BY_OWNER, line);
    if (by == CONTENTION_BY_LOCK && reading->question->named && process->namer)
        namer_type_of_lock(process->namer, row->key, line->type);
}

static int make_list(struct reading *reading, enum contention_by by)
{
    struct contended_list *list = &reading->out->lists[by];
    struct tally *tally = &reading->tallies[by];

    tally_merge(tally);
    tally_cut(tally, reading->question->top, &list->other);
    if (!tally->count)
        return 0;
    list->items = calloc(tally->count, sizeof(*list->items));
    if (!list->items)
        return -ENOMEM;
    for (size_t i = 0; i < tally->count; i++)
        make_line(reading, by, &tally->rows[i], &list->items[i]);
    list->count = tally->count;
    return 0;
}

static int name_stack(const struct reading *reading, struct contended *line)
{
    struct abi_stack_key key =
        key_of_id(line->key, line->managed ? ABI_WAIT_HANDLE : ABI_WAIT_LOCK);
    uint64_t addresses[CONTENTION_FRAMES_MAX];
    size_t count = wait_stack(reading->question->probes, reading->process, &key, addresses);

    line->frames = calloc(count + 1, sizeof(*line->frames));
    if (!line->frames)
        return -ENOMEM;
    line->frame_count = count;
    if (reading->question->named)
        (void)namer_frames(reading->process->namer, addresses, count, line->frames);
    line->complete =
        count && count < CONTENTION_FRAMES_MAX && namer_is_outermost(&line->frames[count - 1]);
    return 0;
}

static int name_stacks(const struct reading *reading)
{
    const struct contended_list *list = &reading->out->lists[CONTENTION_BY_STACK];
    int r = 0;

    for (size_t i = 0; i < list->count && reading->process->namer && r == 0; i++)
        r = name_stack(reading, &list->items[i]);
    return r;
}

static void reading_free(struct reading *reading)
{
    for (size_t i = 0; i < CONTENTION_BY_MAX; i++)
        tally_free(&reading->tallies[i]);
}

static struct reading begin(const struct wait_question *question, struct contention *out)
{
    return (struct reading){
        .question = question,
        .process = question->process,
        .out = out,
        .pid = (uint32_t)question->process->pid,
    };
}

int wait_reading_lists(const struct wait_question *question, struct contention *out)
{
    _cleanup_(reading_free) struct reading reading = begin(question, out);
    _wait_rows_ struct wait_rows waiting = {0};
    int r = add_stacks(&reading);

    if (r == 0)
        r = add_locks(&reading);
    if (r == 0)
        r = add_threads(&reading);
    if (r == 0)
        r = wait_rows_read(question->probes, WAIT_MAP_WAITING, &waiting);
    out->now_ns = clock_monotonic_ns();
    if (r == 0)
        r = add_all_pending(&reading, &waiting);
    if (r == 0)
        r = add_managed(&reading);
    if (r == 0)
        r = add_waiters(&reading, &waiting);
    add_process(&reading);
    say_unjudged(&reading);
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX && r == 0; by++)
        r = make_list(&reading, by);
    return r == 0 ? name_stacks(&reading) : r;
}

int wait_reading_sums(const struct wait_question *question, struct contention *out)
{
    _cleanup_(reading_free) struct reading reading = begin(question, out);
    int r = add_stacks(&reading);

    if (r == 0)
        r = add_managed(&reading);
    if (r == 0)
        r = add_waiters(&reading, question->waiting);
    add_process(&reading);
    for (size_t i = 0; i < CONTENTION_BY_MAX; i++)
        out->lists[i].other = (struct wait_sum){0};
    return r;
}

/* Relieved */

static void relieve_of_stack(const struct probes *probes, struct waiter_process *process,
                             const struct abi_stack_key *key, const struct abi_stack_sums *sums)
{
    if (key->kind == ABI_WAIT_LOCK)
        add_abi(&process->relieved.other[CONTENTION_BY_STACK], sums->sum);
    if (!wait_is_managed(probes, process, key))
        return;
    add_abi(&process->relieved.managed, sums->sum);
    ADD_HISTOGRAM(process->relieved.histogram, sums->histogram);
}

void wait_reading_relieve(const struct probes *probes, struct waiter_process *process,
                          enum wait_map map, const void *key, const void *value)
{
    const struct abi_thread_sums *thread = value;
    const struct abi_lock_sums *lock = value;

    if (map == WAIT_MAP_STACK_SUMS) {
        relieve_of_stack(probes, process, key, value);
    } else if (map == WAIT_MAP_LOCKS) {
        add_abi(&process->relieved.other[CONTENTION_BY_LOCK], lock->sum);
        add_abi(&process->relieved.other[CONTENTION_BY_OWNER], lock->sum);
    } else {
        add_abi(&process->relieved.other[CONTENTION_BY_THREAD], thread->sum);
    }
}
