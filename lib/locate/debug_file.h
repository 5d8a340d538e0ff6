/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/identity.h"

/*
 * Opens the separate debug file of an image, in the places where people and tools put it:
 *
 *   DIR/.build-id/xx/yyyy.debug            /usr/lib/debug and each of @folders (gdb's layout)
 *   DIR/_.debug/elf-buildid-sym-ID/_.debug each of @folders (a symbol server's, dotnet-symbol's)
 *   LINK, NAME.dbg                         beside the image, in .debug beside it, in @folders,
 * where DIR/PATH-OF-IMAGE/LINK                 LINK is .gnu_debuglink's name; under /usr/lib/debug
 *
 * @path is the image's, or NULL. A descriptor, or -ENOENT. Whether the file really belongs to the
 * image is for its reader to check; @found tells which it is.
 */
_must_check_ int debug_file_open(const struct identity *identity, const char *path,
                                 const char *const *folders, size_t count, struct reason *found);
