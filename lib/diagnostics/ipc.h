/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * The requests of the diagnostics protocol "DOTNET_IPC_V1", as bytes (dotnet/diagnostics,
 * documentation/design-docs/ipc-protocol.md; dotnet/runtime, src/native/eventpipe/ds-protocol.c,
 * ds-eventpipe-protocol.c, ds-process-protocol.c). A connection carries one request and its answer
 * (ipc_answer.h). That to a session is followed by a nettrace stream until the session ends, that
 * to IPC_ENVIRONMENT by the environment.
 */

#define IPC_REQUEST_MAX   8192
#define IPC_PROVIDERS_MAX 32

enum ipc_command {
    IPC_STOP_TRACING,
    IPC_COLLECT_TRACING2, /* from 3.1 on: with or without a rundown */
    IPC_COLLECT_TRACING3, /* 9.0: with or without stacks */
    IPC_COLLECT_TRACING4, /* 9.0: which rundown */
    IPC_COLLECT_TRACING5, /* 10.0: which events of a provider. Its form for user_events isn't here
                           */
    IPC_PROCESS_INFO,     /* from 5.0 on */
    IPC_PROCESS_INFO2,    /* 6.0 */
    IPC_PROCESS_INFO3,    /* 8.0 */
    IPC_ENVIRONMENT,      /* from 5.0 on */
    IPC_ENABLE_PERF_MAP,  /* from 8.0 on */
    IPC_DISABLE_PERF_MAP,
};

enum ipc_events {
    IPC_EVENTS_ALL, /* that keywords and level ask for; of these: */
    IPC_EVENTS_ONLY,
    IPC_EVENTS_BUT,
};

struct ipc_provider {
    const char *name;      /* ASCII */
    const char *arguments; /* ASCII; NULL: none */
    uint64_t keywords;
    uint32_t level; /* 0 to 5 */
    enum ipc_events events;
    const uint32_t *event_ids;
    uint32_t event_id_count;
};

#define IPC_RUNDOWN_DEFAULT 0x80020139ull /* what a runtime takes that is only told "rundown" */

struct ipc_session {
    const struct ipc_provider *providers;
    uint32_t provider_count;
    uint32_t buffer_mb;        /* at most so much memory of the process; not 0 */
    uint64_t rundown_keywords; /* 0: no rundown at its end */
    bool without_stacks;
};

enum ipc_perf_map {
    IPC_PERF_MAP_OFF = 0,
    IPC_PERF_MAP_ALL = 1,
    IPC_PERF_MAP_JITDUMP = 2,
    IPC_PERF_MAP_PERFMAP = 3,
};

struct ipc_request {
    enum ipc_command command;
    uint8_t bytes[IPC_REQUEST_MAX];
    size_t size;
};

/* As the protocol calls it: "CollectTracing2". */
const char *ipc_command_name(enum ipc_command command);

/*
 * By the oldest command that can say all of @session, which is the one that most runtimes know.
 * -E2BIG: too many providers or too long texts; -EINVAL: a text that is not ASCII, or a level or a
 * size that no runtime takes.
 */
_must_check_ int ipc_format_collect(const struct ipc_session *session, struct ipc_request *out);
void ipc_format_stop(uint64_t session, struct ipc_request *out);
void ipc_format_perf_map(enum ipc_perf_map kind, struct ipc_request *out);
/* A command without arguments: process info, environment. */
void ipc_format_plain(enum ipc_command command, struct ipc_request *out);
