/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/session.h"

/*
 * What EventPipe has on, provider by provider, the runtime's own and those of EventSources: the
 * list that EventPipeConfiguration keeps (src/native/eventpipe/ep-types.h, ep-config.c; 5.0 and
 * later). Read like the sessions: twice, and accepted when nothing has moved.
 */

#define PROVIDERS_MAX 64

struct provider_state {
    char name[SESSION_NAME_MAX];
    struct event_set set;
    uint64_t sessions; /* mask: bit per session that gets its events */
};

struct provider_states {
    struct provider_state items[PROVIDERS_MAX]; /* those that are on, in the runtime's order */
    size_t count;
    size_t more;  /* that are on and did not fit */
    bool strange; /* a name is not printable ASCII: seen so for longer (session.h) */
};

/* The one at @provider. -EBADMSG when it is none as we know them, or the reader's error. */
_must_check_ int provider_read(const struct reader *reader, uint64_t provider,
                               struct provider_state *out);

/*
 * The whole list, from @provider, the address of any EventPipeProvider in it, without the one that
 * every session has (see session_asks_always()). -EAGAIN when it would not hold still, -EBADMSG
 * when it is no list of providers as we know them, -E2BIG when it has thousands, or the reader's
 * error.
 */
_must_check_ int providers_read(const struct reader *reader, uint64_t provider,
                                struct provider_states *out, struct reason *why);
