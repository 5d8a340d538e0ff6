/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/account.h"
#include "state/target.h"
#include "state/verdict.h"

/*
 * All that one wants to know of a process before its sessions or its providers are touched: what
 * `clrmon check` sees, what is on for every provider, and who accounts for it.
 */
struct survey {
    struct observation seen;
    bool providers_readable;
    struct provider_states providers;
    struct reason providers_why;
    struct account account;
    struct judgement judgement;
};

/* Judged with @bar. @peers: NULL for who is connected now. The errors are those of
 * target_observe(). */
_must_check_ int survey_take(struct target *target, struct peers *peers, uint32_t bar,
                             struct survey *out, struct reason *why);

/*
 * Is something on that nobody seems to want any more? Between the begin of a session, or its end,
 * and what follows from it pass milliseconds, and a rundown: so it is left on if it still is after
 * SURVEY_GRACE_MS, and no session is ending.
 */
#define SURVEY_GRACE_MS 1200
bool survey_seems_left_on(const struct survey *survey);
bool survey_is_ending(const struct survey *survey);
