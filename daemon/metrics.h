/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "contention/contention.h"
#include "exposition.h"
#include "health.h"
#include "store.h"

/*
 * What is known now as Prometheus reads it. Pure: every scrape is made from the store and the
 * health as they are, so the series of a process end with it.
 *
 * Labels of a process are pid, name (its comm), version (of the runtime) and container (12 hex
 * digits; "": none), in every family; a family has at most two more, whose values are few. A number
 * that is not known is absent, not zero.
 *
 * @text is NUL-terminated and the caller's to free; @size is without the NUL. -EFBIG for more than
 * EXPOSITION_SIZE_MAX, -ENOMEM; the outputs are untouched then.
 */
struct metrics_source {
    const struct store *store;
    const struct health *health;
    const struct contention *contentions; /* sums and histograms, in order of pid; those that are
                                             not on are left out */
    size_t contention_count;
    uint64_t now; /* CLOCK_MONOTONIC, ns */
};

_must_check_ int metrics_render(const struct metrics_source *source, enum exposition_format format,
                                char **text, size_t *size, struct reason *why);
