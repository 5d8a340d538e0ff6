/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "diagnostics/endpoint.h"
#include "diagnostics/ipc.h"
#include "diagnostics/ipc_answer.h"
#include "util/deadline.h"

/*
 * Asks a runtime: a connection for each request. Nothing lasts longer than its deadline, whatever
 * listens there. Errors: those of endpoint_connect(); -ETIMEDOUT; -ECONNRESET when it hangs up in
 * the middle; -EBADMSG for what is no answer; those of ipc_parse_error() for a refusal, above all
 * -EOPNOTSUPP from a runtime that is older than the command.
 */

/* By the newest of the three commands that the runtime knows; before 5.0 it knows none. */
_must_check_ int client_info(const struct endpoint *endpoint, deadline_t deadline,
                             struct ipc_process_info *out, struct reason *why);

/* As the process has it now; from 5.0 on. environment_close() is the caller's. */
_must_check_ int client_environment(const struct endpoint *endpoint, deadline_t deadline,
                                    struct environment *out, struct reason *why);

/*
 * Begins a session: a connection with the stream of its events, and its @id. What @session asks for
 * decides which runtimes know it: 3.1 and later each session without or with the usual rundown and
 * with stacks; 8.0 one without stacks; 9.0 another rundown; 10.0 a choice of events.
 * Also -EINVAL, -E2BIG: ipc_format_collect() refuses it; -EAGAIN: the runtime is only starting.
 */
_must_check_ int client_collect(const struct endpoint *endpoint, const struct ipc_session *session,
                                deadline_t deadline, uint64_t *id, struct reason *why);

/*
 * Ends a session, whoever has begun it: by its id, which is the address of the runtime's object.
 * A later session may have that again: @look, if any, is the last look whether it is still the one
 * that is meant, when the runtime has answered and just before it is told; a negative errno of it
 * is the end of it. An
 * id that is no session's is answered as if it were: look afterwards whether it has gone.
 *
 * Whoever has begun it sees a whole stream. One that has stopped reading it is a trap: the runtime
 * waits until that reads on or leaves, -ETIMEDOUT, and answers nobody meanwhile. 3.1 has crashed
 * at the stop of a session whose client had gone: there only for one whose client lives.
 */
typedef int client_last_look(void *data, struct reason *why);

_must_check_ int client_stop(const struct endpoint *endpoint, uint64_t id, client_last_look *look,
                             void *data, deadline_t deadline, struct reason *why);

/*
 * Has the runtime write what it compiles to perf-PID.map or jit-PID.dump in /tmp, both by its own
 * number as it sees them: what it has compiled already as well, which may take a while.
 * IPC_PERF_MAP_OFF ends that, and leaves the files. From 8.0 on. -EAGAIN: it is only starting.
 */
_must_check_ int client_perf_map(const struct endpoint *endpoint, enum ipc_perf_map kind,
                                 deadline_t deadline, struct reason *why);

struct client_answer {
    int fd; /* the connection, for what follows the answer */
    uint8_t *payload;
    size_t size;
};

void client_answer_close(struct client_answer *answer);
#define _client_answer_ _cleanup_(client_answer_close)

/* A request by halves: a connection that waits for its answer, and the answer. */
_must_check_ int client_send(const struct endpoint *endpoint, const struct ipc_request *request,
                             deadline_t deadline, struct reason *why);
_must_check_ int client_receive(int fd, enum ipc_command command, deadline_t deadline,
                                struct client_answer *out, struct reason *why);
