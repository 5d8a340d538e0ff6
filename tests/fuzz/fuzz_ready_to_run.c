/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/naming.h"
#include "stack/ready_to_run.h"

/* Any bytes as a managed image, by itself and as a file in which places are to be named. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void find_methods(struct bytes file)
{
    _ready_to_run_ struct ready_to_run ready = {0};
    struct ready_method method;
    struct pe_image image;
    struct reason why;

    if (pe_open(&image, file, &why) < 0 || ready_to_run_open(&ready, &image, 6, &why) < 0)
        return;
    for (uint32_t rva = 0x11000; rva < 0x11200; rva += 0x20)
        if (ready_to_run_method(&ready, rva, &method) && !method.row)
            __builtin_trap();
}

static void name_places(struct bytes file)
{
    struct naming question = {
        .file = "file",
        .places = {{0x1000, 0}, {0x1070, 0}, {0x1100, 0}, {0x2010, 0}, {0x500, NAMING_NATIVE}},
        .count = 5,
    };
    struct frame frames[5];

    naming_answer(file, &question, frames);
    for (size_t i = 0; i < question.count; i++)
        if (frame_check(&frames[i]) < 0)
            __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    find_methods((struct bytes){data, size});
    name_places((struct bytes){data, size});
    return 0;
}
