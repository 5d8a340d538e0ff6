/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/image.h"

#define BUILD_ID_MAX      32
#define BUILD_ID_TEXT_MAX (2 * BUILD_ID_MAX + 1)

/* What the linker calls this build. */
struct build_id {
    uint8_t bytes[BUILD_ID_MAX];
    size_t length; /* 0: none */
};

/* NT_GNU_BUILD_ID from the note segments, in a debug file from the note sections; length 0: none.
 */
struct build_id note_build_id(const struct image *image);

/* "0123abcd..." into @text of BUILD_ID_TEXT_MAX bytes; "" for no build id. */
void build_id_format(const struct build_id *id, char *text);
