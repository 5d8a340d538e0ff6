/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "diagnostics/endpoint.h"
#include "diagnostics/ipc.h"

/*
 * An EventPipe session from its beginning to its end. While it lasts the process builds the events
 * that it asks for. However it ends - the time is over, the caller was interrupted, the bytes make
 * no sense - the runtime is told to stop it, and what it has left to say is read until it closes
 * the stream; should it not do so in time, the connection is closed, which ends a session as well,
 * at its next event.
 *
 * 3.1 does not survive some of that: a session whose client is gone before it begins, or a stop of
 * one whose client is gone. So what might be left behind is sent only to a runtime that has just
 * answered something harmless.
 */
struct tracing {
    const struct ipc_session *session;
    uint64_t duration_ms;
    int deadline_ms; /* for the runtime to begin, and again for it to end */
    int interrupt;   /* a descriptor that becomes readable when it is to end before; -1: none */
};

struct tracing_result {
    uint64_t id;       /* what the runtime calls the session */
    uint64_t begin_ns; /* CLOCK_MONOTONIC: when it had begun, */
    uint64_t end_ns;   /* and when its end was asked for */
    bool interrupted;
    bool hung_up; /* the runtime ended it on its own: the process has ended, most often */
};

/* Takes the next bytes of the stream. A negative errno ends the session. */
typedef int tracing_taker(void *data, const void *bytes, size_t length, struct reason *why);

/* The errors of client_ask(), and of the taker; -ETIMEDOUT also when it does not end. */
_must_check_ int tracing_run(const struct endpoint *endpoint, const struct tracing *tracing,
                             tracing_taker *take, void *data, struct tracing_result *out,
                             struct reason *why);
