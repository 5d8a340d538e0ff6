/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>

#include "locate/walk.h"

/* The input is a function, of x86-64 and then of aarch64. */

#define START 0x2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_as(uint16_t machine, const uint8_t *data, size_t size)
{
    _decoder_free_ struct decoder *decoder = NULL;
    struct image image = {.data = data, .size = size, .machine = machine, .segment_count = 1};
    struct function function = {START, START + size};
    struct code code = {.image = &image};
    struct walk walk;
    uint64_t address;

    if (decoder_new(&decoder, machine) < 0)
        __builtin_trap();
    code.decoder = decoder;
    image.segments[0] = (struct segment){START, 0, size, size, SEGMENT_EXECUTABLE};
    walk_start(&walk, &code, &function);
    while (walk_next(&walk)) {
        const struct instruction *instruction = &walk.instruction;

        if (!instruction->size || walk.next > function.end ||
            (instruction->destination >= REGISTER_COUNT &&
             instruction->destination != REGISTER_NONE) ||
            (instruction->source >= REGISTER_COUNT && instruction->source != REGISTER_NONE))
            __builtin_trap();
        walk_address(&walk, &address);
        for (unsigned n = 0; n < ARGUMENTS_MAX; n++)
            walk_argument(&walk, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > 4096)
        return -1;
    walk_as(EM_X86_64, data, size);
    walk_as(EM_AARCH64, data, size);
    return 0;
}
