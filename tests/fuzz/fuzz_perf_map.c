/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "stack/mangled.h"
#include "stack/perf_map.h"

/* Any text as a perf map, as one line of it, and as a symbol of the linker's. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void name_symbol(const uint8_t *data, size_t size)
{
    char *symbol = malloc(size + 1), name[24];

    if (!symbol)
        __builtin_trap();
    memcpy(symbol, data, size);
    symbol[size] = 0;
    mangled_name(symbol, name, sizeof(name));
    if (strnlen(name, sizeof(name)) == sizeof(name))
        __builtin_trap();
    free(symbol);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct perf_map question = {.count = 4, .addresses = {0, 0x1000, 0x7f0000001000, UINT64_MAX}};
    struct frame frames[4];
    char name[24];

    perf_map_answer((struct bytes){data, size}, &question, frames);
    for (size_t i = 0; i < question.count; i++)
        if (frame_check(&frames[i]) < 0)
            __builtin_trap();
    perf_map_name((const char *)data, size, name, sizeof(name));
    if (strnlen(name, sizeof(name)) == sizeof(name))
        __builtin_trap();
    name_symbol(data, size);
    return 0;
}
