/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/site.h"
#include "stack/frame.h"

#include "elf/image.h"

/*
 * Functions of a native image by the symbols that it has, exported or not. A symbol counts as far
 * as it says it goes; in a stripped image most code is under none, and the nearest one would be
 * wrong more often than right.
 */

/* A place in the code of an image: the question, and its answer. */
struct native_place {
    uint64_t va;
    struct frame *frame; /* filled where a function is known */
};

/*
 * Names @places: FRAME_SYMBOL, or FRAME_SITE in a function that begins at a site of @sites (file
 * offsets; 0: none; may be NULL). Sorts @places. Loads the image's functions if they are needed.
 */
void native_names(struct image *image, const uint64_t *sites, struct native_place *places,
                  size_t count);
