/* SPDX-License-Identifier: Apache-2.0 */
#include "cure/reset.h"

#include "cure/cure.h"
#include "util/clock.h"

#define LOOK_MS    100
#define SETTLE_MS  10000 /* for the rundown of a big program */
#define OUTCOME_MS 3000

static int look(struct target *target, struct survey *out, struct reason *why)
{
    return survey_take(target, NULL, LEVEL_INFORMATIONAL, out, why);
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
        clock_pause_ms(LOOK_MS);
        r = look(target, survey, why);
    }
    return r;
}

/* What is on and not left on is somebody's wish. */
static enum reset_state leave(const struct judgement *judgement, struct reason *why)
{
    if (judgement->verdict == VERDICT_OFF || !judgement->reason_count)
        return RESET_NOTHING;
    reason_set(why, -EBUSY, "nothing is left on by mistake: %s", judgement->reasons[0]);
    return RESET_WANTED;
}

enum reset_state reset_judge(const struct survey *survey, bool force, unsigned *providers,
                             struct reason *why)
{
    const char *refusal = cure_refusal(&survey->seen);

    *providers = cure_providers(&survey->account);
    if (!is_left_on(survey) && survey->seen.sessions_readable && !force)
        return leave(&survey->judgement, why);
    if (refusal) {
        reason_set(why, -EBUSY, "%s", refusal);
        return RESET_REFUSED;
    }
    if (!*providers) /* only the GC has it: it is told with the runtime's own */
        *providers = 1u << PROVIDER_RUNTIME;
    return RESET_PLANNED;
}

static enum reset_state plan(struct target *target, bool force, struct reset *reset)
{
    enum reset_state state;

    reset->error = watch(target, &reset->before, &reset->why);
    if (reset->error < 0)
        return RESET_FAILED;
    state = reset_judge(&reset->before, force, &reset->providers, &reset->why);
    if (state == RESET_PLANNED)
        reset->error = cure_reach(&target->process, &reset->why);
    return reset->error < 0 ? RESET_REFUSED : state;
}

void reset_plan(struct target *target, bool force, struct reset *out)
{
    out->providers = 0;
    out->error = 0;
    out->why = (struct reason){0};
    out->state = plan(target, force, out);
    out->after = out->before;
}

static enum reset_state run(struct target *target, struct reset *reset)
{
    int r = cure(&target->process, reset->providers, &reset->why);

    if (r < 0 && look(target, &reset->after, NULL) < 0) /* whatever it has done until then */
        reset->after = reset->before;
    if (r == -ETIMEDOUT)
        cure_explain_silence(&reset->after.seen, &reset->why);
    for (int waited = 0; r == 0 && waited < OUTCOME_MS; waited += LOOK_MS) {
        clock_pause_ms(LOOK_MS);
        r = look(target, &reset->after, &reset->why);
        if (r == 0 && !is_left_on(&reset->after))
            return RESET_PUT_BACK;
    }
    reset->error = r < 0 ? r
                         : reason_set(&reset->why, -EREMOTEIO,
                                      "the runtime has taken the session, and has on what it had");
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
        [RESET_WANTED] = "refused",
        [RESET_REFUSED] = "refused",
        [RESET_PLANNED] = "planned",
        [RESET_PUT_BACK] = "put back",
        [RESET_FAILED] = "failed",
    };

    return names[state];
}

struct event_set reset_effective(const struct survey *survey, enum provider provider)
{
    for (size_t i = 0; i < survey->account.count; i++)
        if (provider_of_name(survey->account.items[i].name) == provider)
            return survey->account.items[i].effective;
    return (struct event_set){0};
}
