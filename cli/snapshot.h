/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "contention/contention.h"
#include "control/protocol.h"

/* The contention of processes up to one moment, as clrmond tells it. */

struct snapshot {
    struct contention *items; /* in order of pid */
    size_t count;
    json_t *parts; /* as they came */
};

/*
 * Asks clrmond, which has @deadline_ms for each step. -EMSGSIZE where something is missing in the
 * answer, -EBADMSG for one that makes no sense, and as ask_daemon(); with the reason. @out is empty
 * then.
 */
_must_check_ int snapshot_take(struct snapshot *out, const struct control_request *request,
                               int deadline_ms, struct reason *why);

/* The same once more, for one that was changed. As snapshot_take(). */
_must_check_ int snapshot_again(const struct snapshot *from, struct snapshot *out,
                                struct reason *why);

void snapshot_free(struct snapshot *snapshot);
#define _snapshot_ _cleanup_(snapshot_free)

/* What happened since @earlier. A process that was not there then, or is counted anew, is left as
 * it is: all of it happened since. */
void snapshot_subtract(struct snapshot *later, const struct snapshot *earlier);
