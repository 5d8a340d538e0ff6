/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/observation.h"

/*
 * Putting back a runtime provider that asks for more than anybody alive does. A session that asks
 * it for nothing (keywords 0, level 0, no rundown) has the runtime take the union of what the live
 * sessions want anew (ep_enable, src/native/eventpipe/ep.c), and takes nothing away from them.
 */

/* A session that stays has GCHeapCollect: whenever another begins, the runtime collects. */
bool cure_collects(const struct observation *seen);

/*
 * Why it must not be tried, as far as @seen tells; NULL: it may. It must not make the runtime
 * collect; and a session that is ending is about to have the union taken anew itself.
 */
const char *cure_refusal(const struct observation *seen);

/* Does it; whether it has helped, another look must tell. As tracing_run(). */
_must_check_ int cure(const struct process *process, struct reason *why);
