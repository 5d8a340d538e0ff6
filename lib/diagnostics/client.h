/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "diagnostics/endpoint.h"
#include "diagnostics/ipc.h"
#include "util/deadline.h"

/*
 * Asks a runtime: a connection for each request. Nothing lasts longer than its deadline, whatever
 * listens there. Errors: those of endpoint_connect(); -ETIMEDOUT; -ECONNRESET when it hangs up in
 * the middle; -EBADMSG for what is no answer; those of ipc_parse_error() for a refusal.
 */
struct client_answer {
    int fd; /* the connection, for what follows the answer */
    uint8_t *payload;
    size_t size;
};

_must_check_ int client_ask(const struct endpoint *endpoint, const struct ipc_request *request,
                            deadline_t deadline, struct client_answer *out, struct reason *why);
void client_answer_close(struct client_answer *answer);
#define _client_answer_ _cleanup_(client_answer_close)

/* The two halves of client_ask(): a connection that waits for its answer, and the answer. */
_must_check_ int client_send(const struct endpoint *endpoint, const struct ipc_request *request,
                             deadline_t deadline, struct reason *why);
_must_check_ int client_receive(int fd, deadline_t deadline, struct client_answer *out,
                                struct reason *why);

/* Does it answer at all? 0, whatever it says. */
_must_check_ int client_ping(const struct endpoint *endpoint, deadline_t deadline,
                             struct reason *why);
