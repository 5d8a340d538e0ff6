/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proc/process.h"

/* The texts of /proc/PID that a process writes itself or can have an influence on. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printable(const char *text, size_t room)
{
    if (!memchr(text, 0, room))
        __builtin_trap();
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct process process = {0};
    _free_ char *text = malloc(size + 1);
    pid_t group;

    if (!text)
        return -1;
    memcpy(text, data, size);
    text[size] = 0;
    (void)!process_parse_stat(text, &process);
    (void)!process_parse_status(text, &process, &group);
    process_parse_arguments(text, size, &process);
    process_parse_container(text, &process);
    process_matches(&process, "dotnet");
    check_printable(process.name, sizeof(process.name));
    check_printable(process.executable, sizeof(process.executable));
    check_printable(process.assembly, sizeof(process.assembly));
    check_printable(process.command, sizeof(process.command));
    check_printable(process.container, sizeof(process.container));
    return 0;
}
