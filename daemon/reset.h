/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event.h"
#include "state/target.h"

/*
 * One try at having one process's runtime put back what it fires for nobody (cure/cure.h). It may
 * take ten seconds where the runtime does not answer, so it belongs into a child of ours. The
 * process is looked at once more before, as what was seen may be over, and after, as only that
 * shows whether it has helped.
 */

struct reset {
    enum reset_outcome outcome; /* RESET_OUTCOME_MAX: nothing was left to be done */
    enum provider provider;     /* the first that has more on than is asked for; PROVIDER_MAX */
    struct event_set old, new;  /* what it had, and has */
    struct reason why;          /* put back: what; else why not */
};

/* What is seen of a process; large. */
struct reset_look {
    struct observation seen;
    struct judgement judgement;
    unsigned providers; /* as cure_providers() */
    struct event_set sets[PROVIDER_MAX];
};

/* Pure. Fills the rest of @look from what is @seen in it. */
void reset_judge(struct reset_look *look);

/* Pure. Is it to be tried? If not, the outcome and why. Fills provider and old. */
bool reset_may(const struct reset_look *look, struct reset *out);

/* All of it. @process: as it was called leaked; another one by that number is left alone. */
void reset_try(const struct process *process, struct locator *locator, struct reset *out);
