/* SPDX-License-Identifier: Apache-2.0 */
#include "state/account.h"

#include <string.h>

static const struct event_set everything = {LEVEL_VERBOSE, UINT64_MAX};

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

    if (item)
        event_set_add(&item->effective, set);
}

static bool is_native(const char *name)
{
    return provider_of_name(name) < PROVIDER_MAX;
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

        if (is_native(state->name) == native)
            set_effective(out, state->name, state->set);
    }
}

static void add_session(const struct session *session, bool native, struct account *out)
{
    for (size_t i = 0; i < session->provider_count; i++) {
        const struct session_provider *asked = &session->providers[i];
        struct provider_account *item =
            is_native(asked->name) == native ? find_or_add(out, asked->name) : NULL;

        if (!item)
            continue;
        event_set_add(&item->wanted, asked->set);
        item->sessions |= UINT64_C(1) << session->index;
    }
}

static void add_sessions(const struct sessions *sessions, bool native, struct account *out)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (!sessions->items[i].in_rundown)
            add_session(&sessions->items[i], native, out);
}

/* A session that asks for everything, or for more than was kept: of that it is known that it is
 * none of the runtime's own (session.h). */
static void add_unlisted(const struct session *session, struct account *out)
{
    for (size_t i = 0; i < out->count; i++) {
        struct provider_account *item = &out->items[i];

        if (session->everything) {
            event_set_add(&item->wanted, everything);
            item->sessions |= UINT64_C(1) << session->index;
        }
        item->is_unsure |= session->more_providers && !is_native(item->name);
    }
}

static bool is_on(const struct provider_account *account)
{
    return account->effective.level || account->effective.keywords;
}

/* What is in no list is off, if that is the whole list. */
static bool is_known(const struct observation *seen, const struct provider_states *providers,
                     const struct provider_account *account)
{
    enum provider provider = provider_of_name(account->name);

    if (providers)
        return is_on(account) || !providers->more;
    return provider < PROVIDER_MAX && seen->contexts[provider][SINK_EVENTPIPE].readable;
}

static bool is_stale(const struct observation *seen, const struct provider_account *account)
{
    return seen->sessions_readable && is_on(account) && !account->is_unsure &&
           event_set_exceeds(account->effective, account->wanted);
}

/* Several providers may have one name: the runtime's own is there once more as an EventSource. */
void account_of(const struct observation *seen, const struct provider_states *providers,
                struct account *out)
{
    memset(out, 0, sizeof(*out));
    if (!providers)
        add_contexts(seen, out);
    for (int native = 1; native >= 0; native--) {
        if (providers)
            add_states(providers, native, out);
        add_sessions(&seen->sessions, native, out);
    }
    out->more += providers ? providers->more : 0;
    for (size_t i = 0; i < seen->sessions.count; i++) {
        const struct session *session = &seen->sessions.items[i];

        out->is_ending |= session_is_ending(session);
        if (!session->in_rundown)
            add_unlisted(session, out);
    }
    for (size_t i = 0; i < out->count; i++) {
        out->items[i].is_known = is_known(seen, providers, &out->items[i]);
        out->items[i].is_stale = is_stale(seen, &out->items[i]);
    }
}

struct event_set account_excess(const struct provider_account *account)
{
    struct event_set excess = {.keywords = account->effective.keywords & ~account->wanted.keywords};

    if (account->effective.level > account->wanted.level)
        excess.level = account->effective.level;
    return excess;
}

struct event_set account_part(const struct provider_account *account, const struct session *session)
{
    struct event_set part = {0};

    if (session->everything)
        return everything;
    for (size_t i = 0; i < session->provider_count; i++)
        if (strcmp(session->providers[i].name, account->name) == 0)
            event_set_add(&part, session->providers[i].set);
    return part;
}
