/* SPDX-License-Identifier: Apache-2.0 */
#include "state/observation.h"

const char *sink_name(enum sink sink)
{
    static const char *const names[SINK_MAX] = {
        [SINK_EVENTPIPE] = "EventPipe",
        [SINK_LTTNG] = "LTTng",
        [SINK_USER_EVENTS] = "user_events",
    };

    return names[sink];
}

bool observation_is_active(const struct observation *observation, enum provider provider,
                           enum sink sink)
{
    const struct observed_context *seen = &observation->contexts[provider][sink];
    bool trusts_enabled = observation->context_has_enabled || sink != SINK_EVENTPIPE;

    if (!seen->readable || (trusts_enabled && !seen->context.enabled))
        return false;
    return seen->context.set.level > 0 && seen->context.set.keywords != 0;
}
