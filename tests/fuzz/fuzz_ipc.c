/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "diagnostics/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_environment(const uint8_t *data, size_t size)
{
    struct environment environment;

    if (ipc_parse_environment(data, size, &environment, NULL) < 0)
        return;
    environment_get(&environment, "PATH");
    if (environment.text[environment.length] != 0)
        __builtin_trap();
    environment_close(&environment);
}

static void read_info(const uint8_t *data, size_t size)
{
    struct ipc_process_info info;

    for (enum ipc_command command = IPC_PROCESS_INFO; command <= IPC_PROCESS_INFO3; command++) {
        if (ipc_parse_process_info(command, data, size, &info, NULL) == 0 &&
            (!memchr(info.command_line, 0, sizeof(info.command_line)) ||
             !memchr(info.rid, 0, sizeof(info.rid))))
            __builtin_trap();
    }
}

/* A header and its payload, or the bytes that follow one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipc_answer answer;
    struct reason why = {.text = ""};
    uint32_t environment_size;
    uint64_t session;

    if (size >= IPC_HEADER_SIZE && ipc_parse_header(data, &answer, &why) == 0) {
        data += IPC_HEADER_SIZE;
        size -= IPC_HEADER_SIZE;
        size = size < answer.payload_size ? size : answer.payload_size;
        if (answer.is_error && (ipc_parse_error(data, size, &why) >= 0 || !why.text[0]))
            __builtin_trap();
    }
    (void)!ipc_parse_session(data, size, &session, &why);
    (void)!ipc_parse_environment_size(data, size, &environment_size, &why);
    read_info(data, size);
    read_environment(data, size);
    return 0;
}
