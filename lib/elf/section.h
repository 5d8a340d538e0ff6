/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <elf.h>

#include "elf/image.h"

/*
 * Section headers: the linker's view, which the loader never reads and a hostile file may bend at
 * will. Read afresh at each call.
 */

/* The @index-th section header; false past the last one or when it lies outside the file. */
bool section_at(const struct image *image, uint32_t index, Elf64_Shdr *out);

/* The section's content, NULL unless all of it is in the file. */
const void *section_bytes(const struct image *image, const Elf64_Shdr *section);

bool section_is(const struct image *image, const Elf64_Shdr *section, const char *name);

/*
 * Fills image->got from the section .got, if there is one. The loader alone writes it; images from
 * before 3.0 do not have it under RELRO all the same.
 */
void section_load_got(struct image *image);
