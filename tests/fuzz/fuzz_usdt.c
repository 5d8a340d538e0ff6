/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "elf/usdt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct usdt_notes notes;
    struct usdt_probe probe;
    struct image image;

    if (image_open(&image, data, size, NULL) == 0 && usdt_open(&image, &notes) == 0)
        while (usdt_next(&notes, &probe))
            if (probe.offset >= size || strlen(probe.provider) + strlen(probe.name) > size ||
                strlen(probe.arguments) > size)
                __builtin_trap();
    image_close(&image);
    return 0;
}
