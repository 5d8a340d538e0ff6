/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "contract/descriptor.h"
#include "proc/memory.h"

/* A runtime's structures in the memory of its process, by the offsets that it told. */
struct view {
    struct memory *memory; /* borrowed */
    const struct descriptor *descriptor;
};

/*
 * What @field of the structure at @structure holds, as a number of @width bytes, 1 to 8. Errors as
 * memory_read() has them: so is -EINVAL what a null pointer leads to.
 */
_must_check_ int view_number(const struct view *view, uint64_t structure, enum contract_field field,
                             unsigned width, uint64_t *out);

/* The same for several pointers of one structure; it ends with the first that can't be read. */
struct view_pointer {
    enum contract_field field;
    uint64_t *out;
};

_must_check_ int view_pointers(const struct view *view, uint64_t structure,
                               const struct view_pointer *pointers, size_t count);

/* A pointer that lies at @address itself. */
_must_check_ int view_pointer_at(const struct view *view, uint64_t address, uint64_t *out);
