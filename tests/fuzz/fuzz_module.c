/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "contract/module.h"

/* The process is its own target, and what is fuzzed is the image that it has of a module. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct descriptor descriptor; /* the base comes first */
    uint8_t *image = calloc(1, size + 4096);
    const uint64_t base = (uintptr_t)image;
    struct memory memory;
    const struct view view = {&memory, &descriptor};
    struct reason why = {""};
    struct module module;
    char name[256];

    memcpy(image, data, size);
    memory_open(&memory, getpid());
    if (module_open(&view, (uintptr_t)&base, &module, &why) == 0) {
        (void)!metadata_method_name(&module.metadata, 0x06000001, name, sizeof(name));
        (void)!metadata_type_name(&module.metadata, 0x02000002, name, sizeof(name));
    } else if (!why.text[0] || module.copy) {
        __builtin_trap();
    }
    module_close(&module);
    memory_close(&memory);
    free(image);
    return 0;
}
