/* SPDX-License-Identifier: Apache-2.0 */
#include "contention/contention.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const source_names[CONTENTION_SOURCE_MAX] = {
    [CONTENTION_UPROBE] = "uprobe",
    [CONTENTION_USDT] = "usdt",
    [CONTENTION_EVENTPIPE] = "eventpipe",
};

static const char *const by_names[CONTENTION_BY_MAX] = {
    [CONTENTION_BY_LOCK] = "lock",
    [CONTENTION_BY_STACK] = "stack",
    [CONTENTION_BY_OWNER] = "owner",
    [CONTENTION_BY_THREAD] = "thread",
};

const char *contention_source_name(enum contention_source source)
{
    return source < CONTENTION_SOURCE_MAX ? source_names[source] : "none";
}

const char *contention_by_name(enum contention_by by)
{
    return by < CONTENTION_BY_MAX ? by_names[by] : "none";
}

static void list_free(struct contended_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].frames);
    free(list->items);
    *list = (struct contended_list){0};
}

void contention_free(struct contention *contention)
{
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++)
        list_free(&contention->lists[by]);
}

uint64_t contention_bound_ns(size_t bucket)
{
    return bucket + 1 < CONTENTION_BUCKETS ? UINT64_C(1) << (CONTENTION_SHIFT + bucket)
                                           : UINT64_MAX;
}

static int list_append(struct contended_list *whole, struct contended_list *part)
{
    struct contended *items;

    if (!part->count)
        return 0;
    items = reallocarray(whole->items, whole->count + part->count, sizeof(*items));
    if (!items)
        return -ENOMEM;
    memcpy(items + whole->count, part->items, part->count * sizeof(*items));
    whole->items = items;
    whole->count += part->count;
    part->count = 0;
    return 0;
}

int contention_append(struct contention *whole, struct contention *part)
{
    int r = 0;

    for (enum contention_by by = 0; by < CONTENTION_BY_MAX && r == 0; by++)
        r = list_append(&whole->lists[by], &part->lists[by]);
    return r;
}

/* Intervals */

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

static struct wait_sum sum_less(struct wait_sum from, struct wait_sum what)
{
    return (struct wait_sum){less(from.waits, what.waits), less(from.wait_ns, what.wait_ns)};
}

static struct wait_sum sum_least(struct wait_sum a, struct wait_sum b)
{
    return (struct wait_sum){a.waits < b.waits ? a.waits : b.waits,
                             a.wait_ns < b.wait_ns ? a.wait_ns : b.wait_ns};
}

/* Of a lock the owner may be another one since. */
static bool is_same(enum contention_by by, const struct contended *a, const struct contended *b)
{
    return by == CONTENTION_BY_LOCK || by == CONTENTION_BY_STACK ? a->key == b->key
                                                                 : a->tid == b->tid;
}

static const struct contended *find_line(const struct contention *in, enum contention_by by,
                                         const struct contended *line)
{
    for (size_t i = 0; i < in->lists[by].count; i++)
        if (is_same(by, &in->lists[by].items[i], line))
            return &in->lists[by].items[i];
    return NULL;
}

static void line_subtract(struct contended *line, const struct contended *before,
                          struct wait_sum all)
{
    if (before) {
        line->sum = sum_less(line->sum, before->sum);
        line->longest_ns = line->longest_ns > before->longest_ns ? line->longest_ns : 0;
    }
    line->sum = sum_least(line->sum, all);
}

static struct wait_sum list_sum(const struct contended_list *list)
{
    struct wait_sum sum = list->other;

    for (size_t i = 0; i < list->count; i++) {
        sum.waits += list->items[i].sum.waits;
        sum.wait_ns += list->items[i].sum.wait_ns;
    }
    return sum;
}

static void list_subtract(struct contended_list *list, const struct contention *earlier,
                          enum contention_by by)
{
    struct wait_sum all = sum_less(list_sum(list), list_sum(&earlier->lists[by]));
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct contended *line = &list->items[i];

        line_subtract(line, find_line(earlier, by, line), all);
        if (line->sum.waits || line->sum.wait_ns || line->waiters)
            list->items[kept++] = *line;
        else
            free(line->frames);
    }
    list->count = kept;
    list->other = (struct wait_sum){0};
    list->other = sum_less(all, list_sum(list));
}

void contention_subtract(struct contention *later, const struct contention *earlier)
{
    later->since_ns = earlier->now_ns;
    later->sum = sum_less(later->sum, earlier->sum);
    later->unpaired = less(later->unpaired, earlier->unpaired);
    for (size_t i = 0; i < CONTENTION_BUCKETS; i++)
        later->histogram[i] = less(later->histogram[i], earlier->histogram[i]);
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++)
        list_subtract(&later->lists[by], earlier, by);
}

uint64_t contention_quantile(const struct contention *contention, double share)
{
    uint64_t all = 0, seen = 0;

    for (size_t i = 0; i < CONTENTION_BUCKETS; i++)
        all += contention->histogram[i];
    for (size_t i = 0; i < CONTENTION_BUCKETS && all; i++) {
        seen += contention->histogram[i];
        if (seen && (double)seen >= (double)all * share)
            return contention_bound_ns(i);
    }
    return all ? UINT64_MAX : 0;
}

static int compare(const void *left, const void *right)
{
    const struct contended *a = left, *b = right;

    if (a->sum.wait_ns != b->sum.wait_ns)
        return a->sum.wait_ns > b->sum.wait_ns ? -1 : 1;
    if (a->sum.waits != b->sum.waits)
        return a->sum.waits > b->sum.waits ? -1 : 1;
    if (a->waiters != b->waiters)
        return a->waiters > b->waiters ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->tid > b->tid) - (a->tid < b->tid);
}

void contended_list_cut(struct contended_list *list, size_t most)
{
    if (list->count)
        qsort(list->items, list->count, sizeof(*list->items), compare);
    while (list->count > most) {
        struct contended *line = &list->items[--list->count];

        list->other.waits += line->sum.waits;
        list->other.wait_ns += line->sum.wait_ns;
        free(line->frames);
    }
}
