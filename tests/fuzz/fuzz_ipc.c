/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "diagnostics/ipc_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void read_environment(const uint8_t *data, size_t size)
{
    struct environment environment = {0};
    struct reason why = {.text = ""};

    if (ipc_parse_environment(data, size, &environment, &why) < 0) {
        expect(why.text[0] && !environment.text);
        return;
    }
    environment_get(&environment, "PATH");
    expect(environment.length <= 3 * size / 2 && environment.text[environment.length] == 0);
    environment_close(&environment);
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, 0, size) != NULL;
}

static void read_info(const uint8_t *data, size_t size)
{
    static struct ipc_process_info info;

    for (enum ipc_command command = IPC_PROCESS_INFO; command <= IPC_PROCESS_INFO3; command++) {
        struct reason why = {.text = ""};

        if (ipc_parse_process_info(command, data, size, &info, &why) < 0)
            expect(why.text[0]);
        else
            expect(is_text(info.command_line, sizeof(info.command_line)) &&
                   is_text(info.os, sizeof(info.os)) &&
                   is_text(info.architecture, sizeof(info.architecture)) &&
                   is_text(info.assembly, sizeof(info.assembly)) &&
                   is_text(info.version, sizeof(info.version)) &&
                   is_text(info.rid, sizeof(info.rid)));
    }
}

static void read_numbers(const uint8_t *data, size_t size)
{
    struct reason why = {.text = ""};
    uint32_t environment_size;
    uint64_t session;

    if (ipc_parse_environment_size(data, size, &environment_size, &why) == 0)
        expect(environment_size <= 2 * ENVIRONMENT_BYTES_MAX);
    expect((ipc_parse_session(data, size, &session, &why) == 0) == (size >= sizeof(session)));
    if (ipc_parse_result(IPC_ENABLE_PERF_MAP, data, size, &why) < 0)
        expect(why.text[0]);
}

/* A header and its payload, or the bytes that follow one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipc_answer answer;
    struct reason why = {.text = ""};

    if (size >= IPC_HEADER_SIZE && ipc_parse_header(data, &answer, &why) == 0) {
        data += IPC_HEADER_SIZE;
        size -= IPC_HEADER_SIZE;
        size = size < answer.payload_size ? size : answer.payload_size;
        if (answer.is_error)
            expect(ipc_parse_error(IPC_STOP_TRACING, data, size, &why) < 0 && why.text[0]);
    }
    read_numbers(data, size);
    read_info(data, size);
    read_environment(data, size);
    return 0;
}
