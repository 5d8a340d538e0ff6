/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "diagnostics/ipc.h"
#include "proc/environment.h"
#include "util/reason.h"

/*
 * The answers to the requests of ipc.h. Whoever listens at the socket has written them: each count
 * and text is checked against the bytes that are there. -EBADMSG with the reason for what makes no
 * sense, and then @out is undefined.
 */

#define IPC_MAGIC       "DOTNET_IPC_V1" /* with its NUL */
#define IPC_HEADER_SIZE 20
#define IPC_TEXT_MAX    4096
#define IPC_WORD_MAX    64

struct ipc_answer {
    bool is_error;
    size_t payload_size; /* that follows the header */
};

_must_check_ int ipc_parse_header(const uint8_t header[static IPC_HEADER_SIZE],
                                  struct ipc_answer *out, struct reason *why);

/*
 * What the runtime's error means: -EOPNOTSUPP, it does not know @command or has that switched off;
 * -EAGAIN: not yet, it is starting; -EREMOTEIO for the rest.
 */
_must_check_ int ipc_parse_error(enum ipc_command command, const uint8_t *payload, size_t size,
                                 struct reason *why);

/* To a session, and to the stop of one: its id. */
_must_check_ int ipc_parse_session(const uint8_t *payload, size_t size, uint64_t *out,
                                   struct reason *why);

/* To a command about perf maps: 0, or what ipc_parse_error() makes of a failure. */
_must_check_ int ipc_parse_result(enum ipc_command command, const uint8_t *payload, size_t size,
                                  struct reason *why);

/* Texts are printable UTF-8, cut to their room, and "" where the command does not tell. */
struct ipc_process_info {
    uint64_t pid; /* as the process sees itself */
    uint8_t cookie[16];
    char command_line[IPC_TEXT_MAX];
    char os[IPC_WORD_MAX];
    char architecture[IPC_WORD_MAX];
    char assembly[IPC_TEXT_MAX]; /* of Main(), without ".dll" */
    char version[IPC_WORD_MAX];
    char rid[IPC_WORD_MAX]; /* "linux-x64" */
};

_must_check_ int ipc_parse_process_info(enum ipc_command command, const uint8_t *payload,
                                        size_t size, struct ipc_process_info *out,
                                        struct reason *why);

/*
 * How many bytes follow the answer to IPC_ENVIRONMENT. -E2BIG: more than twice
 * ENVIRONMENT_BYTES_MAX.
 */
_must_check_ int ipc_parse_environment_size(const uint8_t *payload, size_t size, uint32_t *out,
                                            struct reason *why);

/* Those bytes; environment_close() is the caller's. */
_must_check_ int ipc_parse_environment(const uint8_t *bytes, size_t size, struct environment *out,
                                       struct reason *why);
