/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "config.h"
#include "health.h"
#include "locate/locator.h"
#include "store.h"

/*
 * Has leaks put back, where auto_reset says so (reset.h): each process at most once in
 * auto_reset_interval, the whole host at most RESETS_A_MINUTE times a minute, a few at a time, each
 * by a child of ours. What comes out becomes an event and is counted.
 */

#define RESETS_A_MINUTE 6

struct resetter;

/* A try has ended: the process is to be looked at. */
typedef void resetter_listener(void *context, struct stored_process *process);

/* @store and @locator are borrowed. */
_must_check_ int resetter_new(struct resetter **out, sd_event *loop, const struct config *config,
                              struct store *store, struct locator *locator,
                              resetter_listener *listener, void *context);
void resetter_free(struct resetter **resetter);

void resetter_reload(struct resetter *resetter, const struct config *config);

/*
 * Begins what is due, after processes were read. Returns when it wants to be called again at the
 * latest: CLOCK_MONOTONIC, ns; UINT64_MAX: at the next change.
 */
uint64_t resetter_turn(struct resetter *resetter, uint64_t now);

void resetter_health(const struct resetter *resetter, struct health *out);

/* What it goes by. */
struct resetter_facts {
    bool is_on;
    enum verdict verdict;
    bool under_way;
    uint64_t leak;  /* leak_since of the process */
    uint64_t tried; /* reset_tried, */
    uint64_t noted; /* and reset_leak of it */
    uint64_t interval_ns;
    uint64_t free_at; /* when this host may have another one */
};

enum resetter_decision {
    RESETTER_LEAVES,   /* there is nothing to be done */
    RESETTER_WAITS,    /* until then */
    RESETTER_DECLINES, /* the same, and says so: that is another leak than the one before */
    RESETTER_BEGINS,
};

/* Pure. */
enum resetter_decision resetter_decide(const struct resetter_facts *facts, uint64_t now,
                                       uint64_t *until);
