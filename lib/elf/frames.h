/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/image.h"

/*
 * Where functions begin and end in a stripped image: every function that can be unwound has a frame
 * description (FDE), and .eh_frame_hdr lists them for binary search. Hand-written assembly may have
 * none. Layout: Linux Standard Base, "DWARF Extensions".
 */

/* [start, end) of the code that one frame description covers. */
struct function {
    uint64_t start;
    uint64_t end;
};

/*
 * Fills image->functions, sorted by start. -ENODATA when the image has no usable table, -EBADMSG
 * when it lies outside the file. A single description that makes no sense is left out.
 */
_must_check_ int frames_load(struct image *image, struct reason *why);

/*
 * Adds functions where code is called that no frame describes (NativeAOT's own runtime is built
 * without unwind tables). Their starts are targets of direct calls and address computations,
 * aligned as compilers align functions; each ends where the next begins. 0 or -ENOMEM.
 */
_must_check_ int frames_fill_gaps(struct image *image, struct reason *why);

/* The function that covers @va, or NULL. */
const struct function *frames_function(const struct image *image, uint64_t va);
