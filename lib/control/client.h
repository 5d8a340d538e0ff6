/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/protocol.h"

/*
 * The asking side. Every wait has a deadline, and every failure a reason of one line: no daemon
 * there, no rights, no answer. The daemon's own error is a failure too.
 */

#define CONTROL_FOREVER -1

struct control_client {
    int fd;
    char *buffer; /* of CONTROL_ANSWER_MAX + 1 bytes */
};

/* -ENOENT where nobody listens, -EACCES, -ETIMEDOUT, ... */
_must_check_ int control_connect(struct control_client *out, const char *path, int deadline_ms,
                                 struct reason *why);

/* One request at a time: its answer is to be read to the end. */
_must_check_ int control_ask(struct control_client *client, const struct control_request *request,
                             struct reason *why);

/*
 * The next packet of the answer, which is never CONTROL_ERROR: that becomes -EREMOTEIO with the
 * daemon's reason. -ETIMEDOUT, -ECONNRESET when it has hung up, -EBADMSG, -EINTR.
 */
_must_check_ int control_next(struct control_client *client, int deadline_ms,
                              struct control_answer *out, struct reason *why);

/* May be called again, and on {.fd = -1}. */
void control_close(struct control_client *client);
