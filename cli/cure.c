/* SPDX-License-Identifier: Apache-2.0 */
#include "cure.h"

#include "diagnostics/tracing.h"

#define KEYWORD_HEAP_COLLECT 0x800000u
#define DEADLINE_MS          5000

const char *cure_refusal(const struct observation *seen)
{
    if (!seen->sessions_readable)
        return "its sessions can't be read";
    for (size_t i = 0; i < seen->sessions.count; i++) {
        const struct session *session = &seen->sessions.items[i];

        if (session->in_rundown)
            return "one of its sessions is ending";
        for (size_t n = 0; n < session->provider_count; n++)
            if (session->providers[n].set.keywords & KEYWORD_HEAP_COLLECT)
                return "a session has GCHeapCollect (0x800000): it would collect";
    }
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
