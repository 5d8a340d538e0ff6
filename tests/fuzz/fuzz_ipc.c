/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "diagnostics/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A header and its payload. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipc_answer answer;
    struct reason why = {.text = ""};
    uint64_t session;

    if (size >= IPC_HEADER_SIZE && ipc_parse_header(data, &answer, &why) == 0) {
        data += IPC_HEADER_SIZE;
        size -= IPC_HEADER_SIZE;
        size = size < answer.payload_size ? size : answer.payload_size;
        if (answer.is_error && (ipc_parse_error(data, size, &why) >= 0 || !why.text[0]))
            __builtin_trap();
    }
    (void)!ipc_parse_session(data, size, &session, &why);
    return 0;
}
