/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event.h"

/*
 * Why a GC's event state has changed: pure, from the probes' records and from what was seen right
 * after. What cannot be known is CAUSE_UNKNOWN.
 */

/* The runtime provider's callback, if it ran on the same thread just before: a session came or
 * went. */
struct callback_seen {
    bool seen;
    bool enabled; /* the provider has sessions left */
};

/*
 * @first: the runtime had not set its state before. @empty: it is set to nothing. A GC that asks
 * again at a collection does so without a callback.
 */
enum event_cause cause_of(const struct callback_seen *callback, bool first, bool empty,
                          const struct observation *seen);
