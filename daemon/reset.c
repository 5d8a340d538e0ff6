/* SPDX-License-Identifier: Apache-2.0 */
#include "reset.h"

#include <stdlib.h>

#include "cure/reset.h"

static const enum reset_outcome outcomes[RESET_MAX] = {
    [RESET_NOTHING] = OUTCOME_MAX,       [RESET_WANTED] = OUTCOME_MAX,
    [RESET_REFUSED] = OUTCOME_REFUSED,   [RESET_PLANNED] = OUTCOME_FAILED,
    [RESET_PUT_BACK] = OUTCOME_PUT_BACK, [RESET_FAILED] = OUTCOME_FAILED,
};

/* "Runtime, Rundown" */
static void say_providers(unsigned providers, struct reason *out)
{
    size_t used = 0;

    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        if (providers & 1u << provider)
            used += (size_t)snprintf(out->text + used, sizeof(out->text) - used, "%s%s",
                                     used ? ", " : "", provider_short_name(provider));
}

/* The unit as it is shipped lets nobody write to another user's socket, nor use openat2(). */
static void say_trouble(const struct reset *reset, struct reason *out)
{
    bool rights = reset->error == -EACCES || reset->error == -ENOSYS;

    reason_set(out, 0, "%.180s%s", reset->why.text,
               rights ? "; the unit needs its drop-in clrmond-auto-reset.conf" : "");
}

/* One that has ended is none of ours. That there is no way in is for somebody to see to. */
static enum reset_outcome outcome_of_error(int error)
{
    return error == -ESRCH ? OUTCOME_MAX : OUTCOME_FAILED;
}

static void tell(const struct reset *reset, struct reset_answer *out)
{
    out->outcome = reset->error < 0 ? outcome_of_error(reset->error) : outcomes[reset->state];
    if (reset->providers) {
        out->provider = (enum provider)__builtin_ctz(reset->providers);
        out->old = reset_effective(&reset->before, out->provider);
        out->new = reset_effective(&reset->after, out->provider);
    }
    if (out->outcome == OUTCOME_PUT_BACK)
        say_providers(reset->providers, &out->why);
    else
        say_trouble(reset, &out->why);
}

static void try(struct target *target, struct reset_answer *out)
{
    _free_ struct reset *reset = calloc(1, sizeof(*reset));

    if (!reset) {
        reason_set(&out->why, 0, "no memory");
        return;
    }
    reset_plan(target, false, reset);
    if (reset->state == RESET_PLANNED)
        reset_run(target, reset);
    tell(reset, out);
}

void reset_try(const struct process *process, struct locator *locator, struct reset_answer *out)
{
    struct target target;
    int r;

    *out = (struct reset_answer){.outcome = OUTCOME_FAILED, .provider = PROVIDER_MAX};
    r = target_open(process->pid, locator, &target, &out->why);
    if (r < 0) {
        out->outcome = outcome_of_error(r);
        return;
    }
    if (process_same(process, &target.process))
        try(&target, out);
    else
        out->outcome = OUTCOME_MAX;
    target_close(&target);
}
