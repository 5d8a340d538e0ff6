/* SPDX-License-Identifier: Apache-2.0 */
#include "cure/cure.h"

#include "diagnostics/tracing.h"

#define KEYWORD_HEAP_COLLECT 0x800000u
#define DEADLINE_MS          5000

unsigned cure_providers(const struct account *account)
{
    unsigned providers = 0;

    for (size_t i = 0; i < account->count; i++) {
        enum provider provider = provider_of_name(account->items[i].name);

        if (provider < PROVIDER_MAX && account->items[i].is_stale)
            providers |= 1u << provider;
    }
    return providers;
}

bool cure_collects(const struct observation *seen)
{
    struct event_set wanted = sessions_wanted(&seen->sessions, PROVIDER_RUNTIME);

    return seen->sessions_readable && wanted.keywords & KEYWORD_HEAP_COLLECT;
}

const char *cure_refusal(const struct observation *seen)
{
    if (!seen->sessions_readable)
        return "its sessions can't be read";
    if (cure_collects(seen))
        return "a session has GCHeapCollect (0x800000): it would collect";
    if (seen->sessions.count == SESSIONS_MAX)
        return "it has as many sessions as a runtime can have, and none is left for this";
    for (size_t i = 0; i < seen->sessions.count; i++)
        if (seen->sessions.items[i].in_rundown)
            return "one of its sessions is ending";
    return NULL;
}

bool cure_is_mute(const struct session_client *client)
{
    return client->client == CLIENT_STOPPED || client->unread >= CLIENT_UNREAD_MAX;
}

void cure_explain_silence(const struct observation *seen, struct reason *why)
{
    for (size_t i = 0; i < seen->sessions.count; i++) {
        const struct session *session = &seen->sessions.items[i];
        struct session_client client = session_client_of(seen, session);
        struct reason silence = *why;
        char who[24] = "";

        if (!cure_is_mute(&client))
            continue;
        if (client.peer)
            snprintf(who, sizeof(who), " (pid %d)", (int)client.peer->pid);
        reason_set(why, 0,
                   "%.90s; it may wait for the client of session %u%s, which reads nothing: "
                   "continue or end that",
                   silence.text, session->index, who);
        return;
    }
}

static int take_nothing(void *data, const void *bytes, size_t length, struct reason *why)
{
    return 0;
}

int cure_reach(const struct process *process, struct reason *why)
{
    _endpoint_ struct endpoint endpoint = {.fd = -1};

    return endpoint_open(process, &endpoint, why);
}

int cure(const struct process *process, unsigned providers, struct reason *why)
{
    struct ipc_provider nothing[PROVIDER_MAX] = {0};
    struct ipc_session session = {.providers = nothing, .buffer_mb = 1};
    const struct tracing tracing = {
        .session = &session, .duration_ms = 1, .deadline_ms = DEADLINE_MS, .interrupt = -1};
    struct tracing_result result;
    _endpoint_ struct endpoint endpoint = {.fd = -1};
    int r = endpoint_open(process, &endpoint, why);

    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        if (providers & 1u << provider)
            nothing[session.provider_count++].name = provider_name(provider);
    return r < 0 ? r : tracing_run(&endpoint, &tracing, take_nothing, NULL, &result, why);
}
