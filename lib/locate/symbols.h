/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/image.h"
#include "locate/site.h"
#include "util/reason.h"

/*
 * Sites by the linker's own names, from .symtab of @from: the image itself or its separate debug
 * file. A name that stands for two addresses, or an address that is not in @image, is not taken.
 * -ENODATA when @from has no .symtab.
 */
int symbols_find(const struct image *from, const struct image *image, enum source source,
                 struct findings *findings, struct reason *why);
