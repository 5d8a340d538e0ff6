/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "proc/diagnostic_ports.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diagnostic_ports ports;
    _free_ char *text = malloc(size + 1);

    if (!text)
        return -1;
    memcpy(text, data, size);
    text[size] = 0;
    diagnostic_ports_parse(text, &ports);
    for (size_t i = 0; i < ports.count; i++)
        if (!ports.entries[i].path[0] ||
            !memchr(ports.entries[i].path, 0, sizeof(ports.entries[i].path)))
            __builtin_trap();
    diagnostic_ports_find(&ports, "/tmp/port.sock");
    return 0;
}
