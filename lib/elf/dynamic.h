/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/image.h"

/*
 * What the loader reads: relative relocations and exported symbols. All pointer tables of an image
 * (vtables, QCall tables, tracepoints) are relative relocations: their content is 0 in the file.
 */

/* The loader puts load base + @target at @slot. */
struct relocation {
    uint64_t slot;
    uint64_t target;
};

/*
 * Fills image->relocations, sorted by slot, from DT_RELA and DT_RELR. -EBADMSG when a table lies
 * outside the file, -E2BIG past a million entries, -ENOMEM; an image without a dynamic section has
 * none and that is no error.
 */
_must_check_ int dynamic_load_relocations(struct image *image, struct reason *why);

/* The relocation of @slot, or NULL. */
const struct relocation *dynamic_relocation(const struct image *image, uint64_t slot);

/* The address of an exported (.dynsym) symbol; 0 when there is none. Its version is ignored. */
uint64_t dynamic_exported(const struct image *image, const char *name);

/*
 * The places of the GOT that the loader fills with the address of the imported symbol @name; at
 * most @most of them. Their count.
 */
size_t dynamic_imported(const struct image *image, const char *name, uint64_t *slots, size_t most);
