/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/survey.h"

/*
 * Ending a session that somebody else has begun, by StopTracing with the id read from memory.
 *
 * The runtime does that on the one thread that answers diagnostics requests: it takes the lock of
 * all of EventPipe, and waits until what the session has gathered is written to its client
 * (ep_disable, ep_session_disable: src/native/eventpipe/ep.c, ep-session.c). Where the client lives
 * but reads nothing, it waits until the client reads or goes, and meanwhile answers nobody (seen on
 * 3.1.2, 8.0.33 and 10.0.14). That is refused here. 3.1.2 once crashed at the stop of a session
 * whose client had gone; 250 more did not.
 */

enum stop_answer {
    STOP_MAY,     /* it is nobody's any more */
    STOP_CONFIRM, /* somebody may still want it: @why says who */
    STOP_NEVER,   /* it would do harm, or nothing: @why */
};

/*
 * A look at the process, or a few while a client has much to read: whoever only is busy catches up.
 * -ENODATA when its sessions can't be read, or as survey_take().
 */
_must_check_ int stop_look(struct target *target, struct survey *out, struct reason *why);

/*
 * Pure. @is_3: the runtime is 3.x, whose sessions are laid out otherwise (SESSION_START_3). @why is
 * left alone with STOP_MAY. A client that is only slow at the moment is taken for one that does not
 * read: it is better asked twice than the runtime held up.
 */
enum stop_answer stop_judge(const struct observation *seen, const struct session *session,
                            bool is_3, struct reason *why);

/*
 * Does it, if @session is still the one that is at its address, and looks until it has gone:
 * @after. -ESRCH: it had gone before; -ETIMEDOUT: it is still there; or as stop_look(),
 * endpoint_open() and client_stop().
 */
_must_check_ int stop_session(struct target *target, const struct session *session,
                              struct survey *after, struct reason *why);
