/* SPDX-License-Identifier: Apache-2.0 */
#include "reset.h"

#include <stdlib.h>
#include <string.h>

#include "cure/cure.h"
#include "util/deadline.h"

#define SETTLES_MS 3000
#define PAUSE_US   50000

void reset_judge(struct reset_look *look)
{
    struct account account;

    judge(&look->seen, LEVEL_VERBOSE, &look->judgement);
    account_of(&look->seen, NULL, &account);
    look->providers = cure_providers(&account);
    memset(look->sets, 0, sizeof(look->sets));
    for (size_t i = 0; i < account.count; i++) {
        enum provider provider = provider_of_name(account.items[i].name);

        if (provider < PROVIDER_MAX)
            look->sets[provider] = account.items[i].effective;
    }
}

static enum provider first_of(unsigned providers)
{
    return providers ? (enum provider)__builtin_ctz(providers) : PROVIDER_MAX;
}

static const char *refusal_of(const struct reset_look *look)
{
    const char *refusal = cure_refusal(&look->seen);

    if (refusal || look->providers)
        return refusal;
    return "none of the runtime's providers is known to have more on than is asked for";
}

bool reset_may(const struct reset_look *look, struct reset *out)
{
    bool leaks = look->judgement.verdict == VERDICT_LEAKED && !look->judgement.unsettled;
    const char *refusal = refusal_of(look);

    *out = (struct reset){.provider = first_of(look->providers)};
    if (look->providers)
        out->old = out->new = look->sets[out->provider];
    out->outcome = leaks ? RESET_REFUSED : RESET_OUTCOME_MAX;
    reason_set(&out->why, 0, "%s", refusal ? refusal : "");
    return leaks && !refusal;
}

static int look_at(struct target *target, struct reset_look *look, struct reason *why)
{
    int r = target_observe(target, NULL, &look->seen, why);

    if (r == 0)
        reset_judge(look);
    return r;
}

static int see_effect(struct target *target, struct reset_look *look, struct reason *why)
{
    deadline_t deadline = deadline_in_ms(SETTLES_MS);
    int r;

    while ((r = look_at(target, look, why)) == 0 && look->judgement.verdict == VERDICT_LEAKED &&
           deadline_left_ms(deadline) > 0)
        usleep(PAUSE_US);
    if (r < 0 || look->judgement.verdict != VERDICT_LEAKED)
        return r;
    return reason_set(why, -EBUSY, "it stays so: %.180s", look->judgement.reasons[0]);
}

/* The unit as it is shipped lets nobody write to another user's socket, nor use openat2(). */
static int ask(const struct process *process, unsigned providers, struct reason *why)
{
    struct reason bare = {""};
    int r = cure(process, providers, &bare);

    if (r == -EACCES || r == -ENOSYS)
        return reason_set(why, r, "%.120s; the unit needs its drop-in clrmond-auto-reset.conf",
                          bare.text);
    return r < 0 ? reason_set(why, r, "%s", bare.text) : 0;
}

/* "Runtime, Rundown" */
static void say_providers(unsigned providers, struct reason *out)
{
    size_t used = 0;

    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        if (providers & 1u << provider)
            used += (size_t)snprintf(out->text + used, sizeof(out->text) - used, "%s%s",
                                     used ? ", " : "", provider_short_name(provider));
}

static int put_back(struct target *target, struct reset_look *look, struct reset *out)
{
    unsigned providers;
    int r = look_at(target, look, &out->why);

    if (r < 0 || !reset_may(look, out))
        return r;
    providers = look->providers;
    r = ask(&target->process, providers, &out->why);
    if (r == 0)
        r = see_effect(target, look, &out->why);
    if (r < 0)
        return r;
    out->outcome = RESET_PUT_BACK;
    out->new = look->sets[out->provider];
    say_providers(providers, &out->why);
    return 0;
}

void reset_try(const struct process *process, struct locator *locator, struct reset *out)
{
    _free_ struct reset_look *look = calloc(1, sizeof(*look));
    struct target target;
    int r = look ? 0 : reason_set(&out->why, -ENOMEM, "no memory");

    *out = (struct reset){RESET_OUTCOME_MAX, .provider = PROVIDER_MAX, .why = out->why};
    if (r == 0)
        r = target_open(process->pid, locator, &target, &out->why);
    if (r == 0) {
        if (process_same(process, &target.process))
            r = put_back(&target, look, out);
        target_close(&target);
    }
    if (r < 0)
        out->outcome = r == -ESRCH ? RESET_OUTCOME_MAX : RESET_FAILED;
}
