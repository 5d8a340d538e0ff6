/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event.h"
#include "store.h"

/*
 * Why a GC's event state has changed: pure, from the probes' records and from what was seen right
 * after. What cannot be known is CAUSE_UNKNOWN.
 */

struct cause_facts {
    bool callback;   /* the provider's callback ran on the same thread just before */
    bool first;      /* the runtime had not set its state before */
    bool empty;      /* it is set to nothing */
    bool more;       /* its level is higher, or it has more keywords */
    bool had_client; /* somebody was connected to its diagnostics port before, or is now */
};

/*
 * A session that comes or goes runs the callback; a GC that asks again at a collection does not.
 * The collection may be sooner than the callback, which then changes nothing: what it turned on is
 * the wish of the session that is there. In 3.1 there is no other way.
 */
enum event_cause cause_of(const struct cause_facts *facts, const struct observation *seen);

/*
 * Which client a change is due to: the only one that has come since the process was last read, or
 * the only one that has gone, or the only one there is. NULL when that is not one.
 */
const struct peer *client_of_change(const struct clients *before, const struct diagnostics *now);
