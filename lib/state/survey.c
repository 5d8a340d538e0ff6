/* SPDX-License-Identifier: Apache-2.0 */
#include "state/survey.h"

int survey_take(struct target *target, struct peers *peers, uint32_t bar, struct survey *out,
                struct reason *why)
{
    _cleanup_(peers_close) struct peers *own = NULL;
    int r = peers ? 0 : peers_open(&own, why);

    if (r == 0)
        r = target_observe(target, peers ? peers : own, &out->seen, why);
    if (r < 0)
        return r;
    out->providers_readable =
        target_read_providers(target, &out->providers, &out->providers_why) == 0;
    account_of(&out->seen, out->providers_readable ? &out->providers : NULL, &out->account);
    judge(&out->seen, bar, &out->judgement);
    return 0;
}

bool survey_seems_left_on(const struct survey *survey)
{
    bool left_on = survey->judgement.verdict == VERDICT_LEAKED;

    for (size_t i = 0; i < survey->account.count; i++)
        left_on |= survey->account.items[i].is_stale;
    return left_on;
}

bool survey_is_ending(const struct survey *survey)
{
    return survey->judgement.unsettled || survey->account.is_ending;
}
