/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <errno.h>

#include "util/array.h"

void tally_free(struct tally *tally)
{
    free(tally->rows);
    *tally = (struct tally){0};
}

int tally_add(struct tally *tally, const struct tally_row *row)
{
    struct tally_row *rows = array_grow(tally->rows, tally->count + 1, sizeof(*rows), &tally->room);

    if (!rows)
        return -ENOMEM;
    tally->rows = rows;
    rows[tally->count++] = *row;
    return 0;
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_key(const void *left, const void *right)
{
    const struct tally_row *a = left, *b = right;

    return compare(a->key, b->key);
}

static uint64_t weight(const struct tally_row *row)
{
    return row->sum.wait_ns + row->waiting_ns;
}

static int by_weight(const void *left, const void *right)
{
    const struct tally_row *a = left, *b = right;

    return weight(a) == weight(b) ? by_key(a, b) : compare(weight(b), weight(a));
}

static void add_sum(struct wait_sum *to, struct wait_sum more)
{
    to->waits += more.waits;
    to->wait_ns += more.wait_ns;
}

static void join(struct tally_row *to, const struct tally_row *row)
{
    add_sum(&to->sum, row->sum);
    to->longest_ns = row->longest_ns > to->longest_ns ? row->longest_ns : to->longest_ns;
    to->waiters += row->waiters;
    to->waiting_ns += row->waiting_ns;
    to->managed |= row->managed;
    if (!row->owner || (to->owner && row->last_ns <= to->last_ns))
        return;
    to->owner = row->owner;
    to->last_ns = row->last_ns;
}

void tally_merge(struct tally *tally)
{
    size_t kept = 0;

    if (!tally->count)
        return;
    qsort(tally->rows, tally->count, sizeof(*tally->rows), by_key);
    for (size_t i = 1; i < tally->count; i++) {
        if (by_key(&tally->rows[kept], &tally->rows[i]) == 0)
            join(&tally->rows[kept], &tally->rows[i]);
        else
            tally->rows[++kept] = tally->rows[i];
    }
    tally->count = kept + 1;
}

void tally_cut(struct tally *tally, size_t most, struct wait_sum *other)
{
    if (tally->count)
        qsort(tally->rows, tally->count, sizeof(*tally->rows), by_weight);
    while (tally->count > most)
        add_sum(other, tally->rows[--tally->count].sum);
}

static struct wait_sum sum_of(const struct abi_wait_sum *sum)
{
    return (struct wait_sum){sum->waits, sum->wait_ns};
}

int tally_locks(struct tally *tally, uint32_t pid, const struct abi_lock_key *keys,
                const struct abi_lock_sums *sums, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        const struct tally_row row = {
            .key = keys[i].lock,
            .sum = sum_of(&sums[i].sum),
            .longest_ns = sums[i].longest_ns,
            .last_ns = sums[i].last_ns,
            .owner = keys[i].owner,
        };

        if (keys[i].pid == pid)
            r = tally_add(tally, &row);
    }
    return r;
}

int tally_owners(struct tally *tally, uint32_t pid, const struct abi_lock_key *keys,
                 const struct abi_lock_sums *sums, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        const struct tally_row row = {
            .key = keys[i].owner,
            .sum = sum_of(&sums[i].sum),
            .longest_ns = sums[i].longest_ns,
        };

        if (keys[i].pid == pid)
            r = tally_add(tally, &row);
    }
    return r;
}

int tally_threads(struct tally *tally, uint32_t pid, const struct abi_thread_key *keys,
                  const struct abi_thread_sums *sums, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        const struct tally_row row = {
            .key = keys[i].tid,
            .sum = sum_of(&sums[i].sum),
            .longest_ns = sums[i].longest_ns,
        };

        if (keys[i].pid == pid)
            r = tally_add(tally, &row);
    }
    return r;
}

const struct abi_waiting_entry *tally_waits_for(const struct abi_waiting *thread, uint32_t pid,
                                                uint64_t now)
{
    const struct abi_waiting_entry *top;

    if (thread->pid != pid || !thread->depth || thread->depth > ABI_WAIT_NESTED)
        return NULL;
    top = &thread->entries[thread->depth - 1];
    return top->start && top->start <= now && top->kind < ABI_WAIT_KIND_MAX ? top : NULL;
}

uint32_t tally_waits_for_owner(const struct abi_waiting *thread,
                               const struct abi_waiting_entry *entry, uint64_t now)
{
    bool borrowed = entry == &thread->entries[0] && thread->pending.sum.waits;

    return borrowed && now - entry->start > ABI_ALIKE_NS ? 0 : entry->owner;
}

static int by_value(const void *left, const void *right)
{
    return compare(*(const uint64_t *)left, *(const uint64_t *)right);
}

uint64_t tally_bound(uint64_t *sums_ns, size_t count, size_t keep)
{
    if (count <= keep)
        return 0;
    qsort(sums_ns, count, sizeof(*sums_ns), by_value);
    return sums_ns[count - keep - 1];
}
