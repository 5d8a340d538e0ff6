/* SPDX-License-Identifier: Apache-2.0 */
#include "cure/reset.h"

#include <time.h>

#include "cure/cure.h"

#define LOOK_MS    100
#define SETTLE_MS  10000 /* for the rundown of a big program */
#define OUTCOME_MS 3000

static int look(struct target *target, struct survey *out, struct reason *why)
{
    struct peers *peers = NULL;
    int r = peers_open(&peers, why);

    if (r == 0)
        r = survey_take(target, peers, LEVEL_INFORMATIONAL, out, why);
    peers_close(&peers);
    return r;
}

static void wait_for_next_look(void)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};

    nanosleep(&pause, NULL);
}

static bool is_left_on(const struct survey *survey)
{
    return survey->judgement.verdict == VERDICT_LEAKED || cure_providers(&survey->account);
}

/* What is left on must stay so; a session that is ending may yet see to it. */
static int watch(struct target *target, struct survey *survey, struct reason *why)
{
    int r = look(target, survey, why);

    for (int waited = 0; r == 0 && is_left_on(survey); waited += LOOK_MS) {
        if (waited >= SETTLE_MS || (waited >= SURVEY_GRACE_MS && !survey_is_ending(survey)))
            break;
        wait_for_next_look();
        r = look(target, survey, why);
    }
    return r;
}

static enum reset_state refuse(struct reset *reset, const char *why)
{
    reason_set(&reset->why, -EBUSY, "%s", why);
    return RESET_REFUSED;
}

/* What is on and not left on is somebody's wish. */
static enum reset_state leave(struct reset *reset)
{
    const struct judgement *judgement = &reset->before.judgement;

    if (judgement->verdict == VERDICT_OFF || !judgement->reason_count)
        return RESET_NOTHING;
    reason_set(&reset->why, -EBUSY, "nothing is left on by mistake: %s", judgement->reasons[0]);
    return RESET_REFUSED;
}

static enum reset_state plan(struct target *target, bool force, struct reset *reset)
{
    const struct survey *before = &reset->before;
    const char *refusal;

    if (watch(target, &reset->before, &reset->why) < 0)
        return RESET_FAILED;
    if (!is_left_on(before) && before->seen.sessions_readable && !force)
        return leave(reset);
    refusal = cure_refusal(&before->seen);
    if (refusal)
        return refuse(reset, refusal);
    if (cure_reach(&target->process, &reset->why) < 0)
        return RESET_REFUSED;
    reset->providers = cure_providers(&before->account);
    if (!reset->providers)
        reset->providers = 1u << PROVIDER_RUNTIME;
    return RESET_PLANNED;
}

void reset_plan(struct target *target, bool force, struct reset *out)
{
    out->providers = 0;
    out->why = (struct reason){0};
    out->state = plan(target, force, out);
    out->after = out->before;
}

static enum reset_state run(struct target *target, struct reset *reset)
{
    int r = cure(&target->process, reset->providers, &reset->why);

    for (int waited = 0; r == 0 && waited < OUTCOME_MS; waited += LOOK_MS) {
        wait_for_next_look();
        r = look(target, &reset->after, &reset->why);
        if (r == 0 && !is_left_on(&reset->after))
            return RESET_PUT_BACK;
    }
    if (r == 0)
        reason_set(&reset->why, -EREMOTEIO, "the runtime has taken the session, but %s",
                   "what was left on is on still");
    return RESET_FAILED;
}

void reset_run(struct target *target, struct reset *reset)
{
    reset->state = run(target, reset);
}

const char *reset_state_name(enum reset_state state)
{
    static const char *const names[RESET_MAX] = {
        [RESET_NOTHING] = "nothing to put back",
        [RESET_REFUSED] = "refused",
        [RESET_PLANNED] = "planned",
        [RESET_PUT_BACK] = "put back",
        [RESET_FAILED] = "failed",
    };

    return names[state];
}
