/* SPDX-License-Identifier: Apache-2.0 */
#include "state/account.h"

#include <string.h>

static struct provider_account *find_or_add(struct account *account, const char *name)
{
    for (size_t i = 0; i < account->count; i++)
        if (strcmp(account->items[i].name, name) == 0)
            return &account->items[i];
    if (account->count == ACCOUNT_MAX) {
        account->more++;
        return NULL;
    }
    strcpy(account->items[account->count].name, name);
    return &account->items[account->count++];
}

static void set_effective(struct account *out, const char *name, struct event_set set)
{
    struct provider_account *item = find_or_add(out, name);

    if (!item)
        return;
    item->is_on = true;
    item->effective = set;
}

static void add_contexts(const struct observation *seen, struct account *out)
{
    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        if (observation_is_active(seen, provider, SINK_EVENTPIPE))
            set_effective(out, provider_name(provider),
                          seen->contexts[provider][SINK_EVENTPIPE].context.set);
}

static void add_states(const struct provider_states *providers, bool native, struct account *out)
{
    for (size_t i = 0; i < providers->count; i++) {
        const struct provider_state *state = &providers->items[i];

        if ((provider_of_name(state->name) < PROVIDER_MAX) == native)
            set_effective(out, state->name, state->set);
    }
}

static void add_session(const struct session *session, struct account *out)
{
    for (size_t i = 0; i < session->provider_count; i++) {
        struct provider_account *item = find_or_add(out, session->providers[i].name);

        if (!item)
            continue;
        event_set_add(&item->wanted, session->providers[i].set);
        item->sessions |= UINT64_C(1) << session->index;
    }
}

void account_of(const struct observation *seen, const struct provider_states *providers,
                struct account *out)
{
    memset(out, 0, sizeof(*out));
    out->is_partial = !providers;
    if (providers) {
        add_states(providers, true, out);
        add_states(providers, false, out);
        out->more += providers->more;
    } else {
        add_contexts(seen, out);
    }
    for (size_t i = 0; i < seen->sessions.count; i++)
        if (!seen->sessions.items[i].in_rundown)
            add_session(&seen->sessions.items[i], out);
}

bool account_is_stale(const struct provider_account *account)
{
    return account->is_on && event_set_exceeds(account->effective, account->wanted);
}

struct event_set account_excess(const struct provider_account *account)
{
    struct event_set excess = {.keywords = account->effective.keywords & ~account->wanted.keywords};

    if (account->effective.level > account->wanted.level)
        excess.level = account->effective.level;
    return excess;
}
