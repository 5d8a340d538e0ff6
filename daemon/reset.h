/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event.h"
#include "locate/locator.h"

/*
 * One try at having one process's runtime put back what it fires for nobody (cure/reset.h), in as
 * many words as an event has. It may take some twenty seconds where the runtime does not answer, so
 * it belongs into a child of ours.
 */

struct reset_answer {
    enum reset_outcome outcome; /* OUTCOME_MAX: nothing was left to be done */
    enum provider provider;     /* the first that was to be put back; PROVIDER_MAX: none */
    struct event_set old, new;  /* what it had, and has */
    struct reason why;          /* put back: what; else why not */
};

/* @process: as it was called leaked; another one by that number is left alone. */
void reset_try(const struct process *process, struct locator *locator, struct reset_answer *out);
