/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/site.h"
#include "stack/frame.h"
#include "util/bytes.h"
#include "util/reason.h"

/*
 * Names for places in the code of one file, learnt in a confined child (util/confine.h): a native
 * image, a managed one, or a program with managed ones inside (single-file).
 */

#define NAMING_PLACES_MAX 256
#define NAMING_FILE_MAX   64
#define NAMING_NATIVE     UINT64_MAX

/* @offset of the file is mapped as code. */
struct naming_place {
    uint64_t offset;
    uint64_t image; /* a managed image begins in the page of the file that begins there, if any */
};

struct naming {
    char file[NAMING_FILE_MAX]; /* its name, for what has no better one */
    uint64_t sites[SITE_MAX];   /* where in the file the sites are that are functions; 0: unknown */
    struct naming_place places[NAMING_PLACES_MAX];
    size_t count;
};

/*
 * Fills frames[i], but for its address, for places[i]: FRAME_MODULE where the function is not
 * known, FRAME_UNKNOWN with "" where the place is in no image that we can read. Errors as
 * confine_parse() has them; @frames are undefined then.
 */
_must_check_ int naming_ask(int fd, const struct naming *question, struct frame *frames,
                            struct reason *why);

/* What the child does. Pure. */
void naming_answer(struct bytes file, const struct naming *question, struct frame *frames);
