/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/reason.h"

/*
 * The messages of the diagnostics protocol "DOTNET_IPC_V1", as bytes (dotnet/diagnostics,
 * documentation/design-docs/ipc-protocol.md; dotnet/runtime, src/native/eventpipe/ds-protocol.c,
 * ds-eventpipe-protocol.c, ds-process-protocol.c). A connection carries one request and its answer;
 * that to a session is followed by a nettrace stream until the session ends.
 */

#define IPC_HEADER_SIZE   20
#define IPC_REQUEST_MAX   8192
#define IPC_PROVIDERS_MAX 32

struct ipc_provider {
    const char *name; /* ASCII */
    uint64_t keywords;
    uint32_t level; /* 0 to 5 */
};

struct ipc_session {
    const struct ipc_provider *providers;
    uint32_t provider_count;
    uint32_t buffer_mb; /* at most so much memory of the process; not 0 */
};

struct ipc_request {
    uint8_t bytes[IPC_REQUEST_MAX];
    size_t size;
};

/*
 * CollectTracing2 (3.1 and later): a session with stacks and without a rundown at its end. -E2BIG:
 * too many providers or too long names; -EINVAL: a name that is not ASCII, or a level or a size
 * that no runtime takes.
 */
_must_check_ int ipc_format_collect(const struct ipc_session *session, struct ipc_request *out);
void ipc_format_stop(uint64_t session, struct ipc_request *out);
/* ProcessInfo, from 5.0 on. */
void ipc_format_info(struct ipc_request *out);

struct ipc_answer {
    bool is_error;
    size_t payload_size; /* that follows the header */
};

/* -EBADMSG: not an answer in that protocol. */
_must_check_ int ipc_parse_header(const uint8_t header[static IPC_HEADER_SIZE],
                                  struct ipc_answer *out, struct reason *why);

/*
 * What the runtime's error means: -EOPNOTSUPP, it does not know the command or has that switched
 * off; -EAGAIN: not yet, it is starting; -EREMOTEIO for the rest; -EBADMSG for no error at all.
 */
_must_check_ int ipc_parse_error(const uint8_t *payload, size_t size, struct reason *why);

/* The payload of the answer to a session's request: its id. -EBADMSG with the reason. */
_must_check_ int ipc_parse_session(const uint8_t *payload, size_t size, uint64_t *out,
                                   struct reason *why);
