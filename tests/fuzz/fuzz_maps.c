/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proc/maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct reason why;
    struct maps maps;
    uint64_t base;

    if (!text)
        return -1;
    memcpy(text, data, size);
    text[size] = 0;
    if (maps_parse(text, size, &maps, &why) < 0)
        return 0;
    maps_find(&maps, "libcoreclr.so");
    for (size_t i = 0; i < maps.count && i < 64; i++) {
        if (!memchr(maps.entries[i].path, 0, size + 1))
            __builtin_trap();
        (void)!maps_base(&maps, &maps.entries[i], &base);
    }
    maps_close(&maps);
    return 0;
}
