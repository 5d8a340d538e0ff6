/* SPDX-License-Identifier: Apache-2.0 */
#include "event_counts.h"

#include <stdio.h>

#include "runtime/event_name.h"
#include "util/clock.h"

#define SAMPLE_NS (1000 * NS_PER_MS)

/* Of one event into the buffer of one session: half of what ContentionStart and ContentionStop add
 * to a wait, 5.2 us on 10.0 in a virtual machine. One with a large payload costs more. */
#define COST_NS 2600

static uint16_t id_of(const struct event_table *table, const uint64_t *events, uint64_t event)
{
    for (size_t i = 0; i < table->count && i < EVENTS_MAX; i++)
        if (events[i] == event)
            return table->items[i].id;
    return 0;
}

/* In order of id, of which there are fewer than places. */
static void add(struct event_counts *counts, uint16_t id, uint64_t written)
{
    size_t at = 0;

    while (at < counts->count && counts->items[at].id < id)
        at++;
    if (at == counts->count || counts->items[at].id != id) {
        for (size_t i = counts->count++; i > at; i--)
            counts->items[i] = counts->items[i - 1];
        counts->items[at] = (struct event_count){.id = id};
    }
    counts->items[at].written += written;
    counts->total += written;
}

static void sample(struct event_counts *counts, uint64_t now)
{
    uint64_t passed = now - counts->sampled;

    if (counts->sampled && passed < SAMPLE_NS && counts->total >= counts->sampled_total)
        return;
    counts->rate_known = counts->sampled && counts->total >= counts->sampled_total;
    if (counts->rate_known)
        counts->per_second = (double)(counts->total - counts->sampled_total) * 1e9 / (double)passed;
    counts->sampled = now;
    counts->sampled_total = counts->total;
}

void event_counts_take(struct event_counts *counts, const struct event_table *table,
                       const uint64_t *events, const struct event_sum *sums, size_t sum_count,
                       uint64_t now)
{
    counts->count = 0;
    counts->total = 0;
    for (size_t i = 0; i < sum_count; i++)
        add(counts, id_of(table, events, sums[i].event), sums[i].written);
    sample(counts, now);
}

void event_counts_pause(struct event_counts *counts)
{
    counts->rate_known = false;
    counts->sampled = 0;
}

const char *event_count_name(uint16_t id)
{
    static char unnamed[16];
    const char *name = id ? event_name(id) : "other";

    snprintf(unnamed, sizeof(unnamed), "event %u", id);
    return name ? name : unnamed;
}

uint64_t event_counts_cost_ns(uint64_t events)
{
    return events * COST_NS;
}

json_t *event_counts_json(const struct event_counts *counts)
{
    json_t *events = json_object();

    for (size_t i = 0; i < counts->count; i++)
        json_object_set_new(events, event_count_name(counts->items[i].id),
                            json_integer((json_int_t)counts->items[i].written));
    return json_pack(
        "{s:I, s:f, s:o, s:o, s:o}", "total", (json_int_t)counts->total, "cost_seconds",
        (double)event_counts_cost_ns(counts->total) / 1e9, "per_second",
        counts->rate_known ? json_real(counts->per_second) : json_null(), "cost_share",
        counts->rate_known ? json_real(counts->per_second * COST_NS / 1e9) : json_null(), "events",
        events);
}
