/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/account.h"

/*
 * Putting back runtime providers that have more on than anybody alive asks for. A session that asks
 * them for nothing (keywords 0, level 0, no rundown) has the runtime take the union of what the
 * live sessions want anew (ep_enable, src/native/eventpipe/ep.c; 3.1: EventPipeConfiguration::
 * Enable), and takes nothing away from them. It does write into the process's state, through the
 * process's own door, so it is done only on somebody's order.
 *
 * Only the runtime's own providers (enum provider) can be put back: an EventSource remembers the
 * highest level that it was ever told, until the last session that asks for it has ended. The
 * sample profiler is left alone, too: its level has no effect.
 */

/* The runtime's own that are stale, as bits 1 << enum provider. 0: there is nothing to put back. */
unsigned cure_providers(const struct account *account);

/*
 * A session that stays asks the runtime for GCHeapCollect: whenever another begins, the runtime
 * collects (EtwCallbackCommon, src/coreclr/vm/eventtrace.cpp). Another provider's bit of the same
 * value is none of it.
 */
bool cure_collects(const struct observation *seen);

/*
 * Why it must not be tried, as far as @seen tells; NULL: it may. It must not make the runtime
 * collect; a session that is ending is about to have the union taken anew itself; and where all
 * slots are taken there is none for ours.
 */
const char *cure_refusal(const struct observation *seen);

/* Does it read nothing, so that a runtime with something to tell it waits? */
bool cure_is_mute(const struct session_client *client);

/* A runtime that has not answered, as @why says: adds for whom it waits, if anybody is seen. */
void cure_explain_silence(const struct observation *seen, struct reason *why);

/* Is there a door to it? 0, or the error of endpoint_open() with the reason. */
_must_check_ int cure_reach(const struct process *process, struct reason *why);

/* Does it, for @providers; whether it has helped, another look must tell. As tracing_run(). */
_must_check_ int cure(const struct process *process, unsigned providers, struct reason *why);
