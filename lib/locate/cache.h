/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/inspect.h"

/*
 * The folder of packs: what this host has found, and what was imported. One file per build id,
 * "scan-VERSION/BUILD-ID.json", of this version of ours, for the next may find more, and
 * "import/BUILD-ID.json", each written whole or not at all. A pack file is read only if root or we
 * own it and nobody else may write it.
 */

enum pack_origin {
    PACK_SCANNED,
    PACK_IMPORTED,
};

/* /var/cache/clrmon for root, else $XDG_CACHE_HOME/clrmon or ~/.cache/clrmon; "" when there is
 * none. */
void cache_default_folder(char *path, size_t size);

/* -ENOENT: none. -EBADMSG, -EPERM and others with the reason. */
_must_check_ int cache_read(const char *folder, enum pack_origin origin, const struct build_id *id,
                            struct inspection *out, struct reason *why);

_must_check_ int cache_write(const char *folder, enum pack_origin origin,
                             const struct inspection *inspection, struct reason *why);
