/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/image.h"

/*
 * The linker's symbol table (.symtab) and the pointer to a separate file that holds it
 * (.gnu_debuglink). Both are known only by section headers, which the loader never reads, so both
 * are read afresh and checked as everything else.
 */

#define DEBUGLINK_MAX 128

struct symbols {
    const uint8_t *table; /* Elf64_Sym, borrowed from the image */
    size_t count;
    const char *names;
    size_t names_size; /* up to the last NUL */
};

struct symbol {
    const char *name; /* NUL-terminated inside the image */
    uint64_t address;
    uint64_t size;
};

/* -ENODATA when the image has no .symtab, -EBADMSG when it lies outside the file. */
_must_check_ int symtab_open(const struct image *image, struct symbols *out);

/* The same for .dynsym, as section headers have it: what the image exports and imports. */
_must_check_ int symtab_open_exported(const struct image *image, struct symbols *out);

/* The @index-th symbol if it is defined and named; false for those that are not. */
bool symtab_at(const struct symbols *symbols, size_t index, struct symbol *out);

/*
 * The base name in .gnu_debuglink and the CRC-32 of the file it means; false when there is none or
 * the name is anything but a plain file name.
 */
bool symtab_debuglink(const struct image *image, char name[static DEBUGLINK_MAX], uint32_t *crc);
