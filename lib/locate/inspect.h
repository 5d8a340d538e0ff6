/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/fingerprint.h"
#include "locate/identity.h"
#include "locate/site.h"

/*
 * What can be learnt from one file, learnt in a confined child (util/confine.h). The answers are
 * plain bytes; they are checked here before anybody sees them.
 */

struct inspection {
    struct identity identity;
    struct fingerprint fingerprint;
    struct findings findings;
};

/* A set of sources: bit 1 << SOURCE_... */
typedef unsigned source_set;
#define SOURCES_ALL (~0u)

static inline bool sources_have(source_set set, enum source source)
{
    return set >> source & 1;
}

/* Identity alone; cheap. Errors as confine_parse() and image_open() have them. */
_must_check_ int inspect_identity(int fd, struct identity *out, struct reason *why);

/*
 * Identity, fingerprint and sites of the image @fd, by those of @sources that are in the file
 * itself or in the debug file @debug_fd (-1: none), which must have the same build id or the CRC of
 * the image's debug link.
 */
_must_check_ int inspect_image(int fd, int debug_fd, source_set sources, struct inspection *out,
                               struct reason *why);
