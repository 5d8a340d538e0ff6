/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "locate/site.h"

/*
 * What its sessions have a process write: events of the native runtime, counted in the kernel while
 * the probes of family "events" are attached. The cost is what the events are taken to cost, by
 * what was measured of one; that of the session's reader is not in it.
 */

/* Of one event as the process has it: the address of its EventPipeEvent. */
struct event_sum {
    uint64_t event;
    uint64_t written;
};

struct event_count {
    uint16_t id; /* 0: of another provider (private, rundown), or not known */
    uint64_t written;
};

#define EVENT_COUNTS_MAX (EVENTS_MAX + 1)

struct event_counts {
    struct event_count items[EVENT_COUNTS_MAX]; /* by id; all versions of an event are one */
    size_t count;
    uint64_t total;
    uint64_t sampled; /* CLOCK_MONOTONIC ns; what the rate is counted from */
    uint64_t sampled_total;
    bool rate_known;
    double per_second; /* between the last two samples, which are a second apart or more */
};

/*
 * Takes the kernel's sums of a process, all since the beginning. @events are the addresses that
 * stand in the variables of @table. Pure.
 */
void event_counts_take(struct event_counts *counts, const struct event_table *table,
                       const uint64_t *events, const struct event_sum *sums, size_t sum_count,
                       uint64_t now);

/* Nothing is counted for now: the rate is not known until there are two samples again. */
void event_counts_pause(struct event_counts *counts);

/* "GCStart"; "event 999" for one without a name; "other" for 0. Valid until the next call. */
const char *event_count_name(uint16_t id);

/* What the writing of so many events is taken to have cost the process, in ns of CPU time. */
uint64_t event_counts_cost_ns(uint64_t events);

/* {"total", "cost_seconds", "per_second", "cost_share", "events": {"ContentionStart": 12, ...}}:
 * share of one CPU. New reference; a rate that is not known is null. */
json_t *event_counts_json(const struct event_counts *counts);
