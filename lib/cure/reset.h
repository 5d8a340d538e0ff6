/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/survey.h"

/*
 * The cure from the first look to the last: is something left on, has it stayed on long enough to
 * be nobody's, may it be put back, and was it? Looks at the process all the while; it is written to
 * by cure() alone, once.
 */

enum reset_state {
    RESET_NOTHING,  /* there is nothing to put back */
    RESET_WANTED,   /* nor there, for what is on is somebody's wish: @why */
    RESET_REFUSED,  /* there may be, and it is left alone: @why */
    RESET_PLANNED,  /* @providers are to be put back */
    RESET_PUT_BACK, /* and have been, as @after shows */
    RESET_FAILED,   /* tried in vain, or nobody knows: @why */
    RESET_MAX,
};

struct reset {
    enum reset_state state;
    unsigned providers; /* bits 1 << enum provider */
    struct survey before, after;
    int error; /* a negative errno where a call failed; else 0 */
    struct reason why;
};

/*
 * Pure. What is to be done about what is seen: one of the first four; with RESET_PLANNED
 * @providers, PROVIDER_RUNTIME where only the GC has kept something.
 */
enum reset_state reset_judge(const struct survey *survey, bool force, unsigned *providers,
                             struct reason *why);

/*
 * Looks, for a second at least when something seems left on, up to ten while a session is ending.
 * Then one of the first four, or RESET_FAILED: it could not be read, and nothing was tried.
 * @force: put back even what may be somebody's wish; the live sessions keep what they ask for in
 * any case. Large, so that @out is not for the stack.
 */
void reset_plan(struct target *target, bool force, struct reset *out);

/* Of RESET_PLANNED makes RESET_PUT_BACK or RESET_FAILED. */
void reset_run(struct target *target, struct reset *reset);

const char *reset_state_name(enum reset_state state); /* "put back", "refused", ... */

/* What a survey found on of one of the runtime's own providers. */
struct event_set reset_effective(const struct survey *survey, enum provider provider);
