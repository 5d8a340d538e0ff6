/* SPDX-License-Identifier: Apache-2.0 */
#include "cure.h"

#include "diagnostics/tracing.h"

#define KEYWORD_HEAP_COLLECT 0x800000u
#define DEADLINE_MS          5000

static bool has_collect(const struct session *session)
{
    bool has = false;

    for (size_t i = 0; i < session->provider_count; i++)
        has |= (session->providers[i].set.keywords & KEYWORD_HEAP_COLLECT) != 0;
    return has && !session->in_rundown;
}

bool cure_collects(const struct observation *seen)
{
    bool collects = false;

    for (size_t i = 0; seen->sessions_readable && i < seen->sessions.count; i++)
        collects |= has_collect(&seen->sessions.items[i]);
    return collects;
}

const char *cure_refusal(const struct observation *seen)
{
    if (!seen->sessions_readable)
        return "its sessions can't be read";
    if (cure_collects(seen))
        return "a session has GCHeapCollect (0x800000): it would collect";
    for (size_t i = 0; i < seen->sessions.count; i++)
        if (seen->sessions.items[i].in_rundown)
            return "one of its sessions is ending";
    return NULL;
}

static int take_nothing(void *data, const void *bytes, size_t length, struct reason *why)
{
    return 0;
}

int cure(const struct process *process, struct reason *why)
{
    const struct ipc_provider nothing = {.name = "Microsoft-Windows-DotNETRuntime"};
    const struct ipc_session session = {.providers = &nothing, .provider_count = 1, .buffer_mb = 1};
    const struct tracing tracing = {
        .session = &session, .duration_ms = 1, .deadline_ms = DEADLINE_MS, .interrupt = -1};
    struct tracing_result result;
    _endpoint_ struct endpoint endpoint = {.fd = -1};
    int r = endpoint_open(process, &endpoint, why);

    return r < 0 ? r : tracing_run(&endpoint, &tracing, take_nothing, NULL, &result, why);
}
