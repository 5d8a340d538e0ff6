/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/environment.h"
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
#define IPC_TEXT_MAX      1024
#define IPC_VERSION_MAX   64

enum ipc_command {
    IPC_STOP_TRACING,
    IPC_COLLECT_TRACING,  /* rundown at its end, always */
    IPC_COLLECT_TRACING2, /* from 3.1 on: with or without rundown */
    IPC_COLLECT_TRACING3, /* 9.0: with or without stacks */
    IPC_COLLECT_TRACING4, /* 9.0: which rundown */
    IPC_COLLECT_TRACING5, /* 10.0: which events of a provider */
    IPC_PROCESS_INFO,     /* from 5.0 on */
    IPC_PROCESS_INFO2,    /* 6.0 */
    IPC_PROCESS_INFO3,    /* 8.0 */
    IPC_GET_ENVIRONMENT,  /* from 5.0 on */
    IPC_ENABLE_PERF_MAP,  /* from 8.0 on */
    IPC_DISABLE_PERF_MAP,
    IPC_COMMAND_MAX,
};

struct ipc_provider {
    const char *name;   /* ASCII */
    const char *filter; /* ASCII; NULL: none */
    uint64_t keywords;
    uint32_t level;            /* 0 to 5 */
    const uint32_t *event_ids; /* only these; NULL: all */
    uint32_t event_id_count;
};

#define IPC_RUNDOWN_DEFAULT 0x80020139ull /* what a runtime takes that is only told "rundown" */

struct ipc_session {
    const struct ipc_provider *providers;
    uint32_t provider_count;
    uint32_t buffer_mb;        /* at most so much memory of the process; not 0 */
    uint64_t rundown_keywords; /* 0: no rundown */
    bool without_stacks;
};

enum ipc_perf_map {
    IPC_PERF_MAP_ALL = 1,
    IPC_PERF_MAP_JITDUMP = 2,
    IPC_PERF_MAP_PERFMAP = 3,
};

struct ipc_request {
    uint8_t bytes[IPC_REQUEST_MAX];
    size_t size;
};

/* "CollectTracing2" */
const char *ipc_command_name(enum ipc_command command);

/* The oldest command that can say all of @session, which is the one that most runtimes know. */
enum ipc_command ipc_collect_command(const struct ipc_session *session);

/*
 * The requests. -E2BIG: too many providers or too long texts; -EINVAL: a text that is not ASCII, a
 * level or a size that no runtime takes, or a session that @command cannot express.
 */
_must_check_ int ipc_format_collect(enum ipc_command command, const struct ipc_session *session,
                                    struct ipc_request *out);
void ipc_format_stop(uint64_t session, struct ipc_request *out);
void ipc_format_enable_perf_map(enum ipc_perf_map type, struct ipc_request *out);
/* Of a command without arguments: process info, environment, the end of the perf map. */
void ipc_format_plain(enum ipc_command command, struct ipc_request *out);

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

/* The answers' payloads. -EBADMSG with the reason; @out is undefined then. */
_must_check_ int ipc_parse_session(const uint8_t *payload, size_t size, uint64_t *out,
                                   struct reason *why);

/* Texts are printable UTF-8, cut to their room, and "" where the command does not tell. */
struct ipc_process_info {
    uint64_t pid; /* as the process sees itself */
    uint8_t cookie[16];
    char command_line[IPC_TEXT_MAX];
    char os[IPC_VERSION_MAX];
    char architecture[IPC_VERSION_MAX];
    char assembly[IPC_TEXT_MAX];
    char version[IPC_VERSION_MAX];
    char rid[IPC_VERSION_MAX]; /* "linux-x64" */
};

_must_check_ int ipc_parse_process_info(enum ipc_command command, const uint8_t *payload,
                                        size_t size, struct ipc_process_info *out,
                                        struct reason *why);

/* How many bytes follow the answer to IPC_GET_ENVIRONMENT: ENVIRONMENT_BYTES_MAX * 2 at most. */
_must_check_ int ipc_parse_environment_size(const uint8_t *payload, size_t size, uint32_t *out,
                                            struct reason *why);

/* Those bytes; environment_close() is the caller's. The texts are as the process has them. */
_must_check_ int ipc_parse_environment(const uint8_t *bytes, size_t size, struct environment *out,
                                       struct reason *why);
