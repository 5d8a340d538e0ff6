/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "locate/inspect.h"

/*
 * A pack is what was found in one image, to be used again on this host or another: JSON, one file
 * per build id. What it says is used only for an image with the same build id and the same
 * fingerprint. It is data from outside all the same, and read as such.
 *
 *   {"schema": "clrmon.pack/2", "build_id": "...", "machine": "x86_64", "kind": "coreclr",
 *    "version": "10.0.14",
 *    "fingerprint": [{"offset": "0x...", "bytes": "..."}],
 *    "layout": {"context_has_enabled": true, "session_start_time": 56, "has_contract": true},
 *    "sites": [{"name", "address", "offset", "source", "confidence", "evidence", "status"}],
 *    "events": {"variables": "0x...", "ids_and_versions": [[1, 0], [1, 1], [1, 2]]},
 *    "marks": {"start": 1, "stop": 0, "need_event_log": false}}     as struct contention_marks
 *
 * The site lock.contention.enter also has the "layout" of a lock, as struct lock_layout; where a
 * function is left by several ways, its exit site has all of them, the site itself the first:
 *
 *    "exits": [{"address", "offset", "kind": "returns" | "throws", "emulated": true}]
 */

#define PACK_SIZE_MAX (256 << 10)

/* The sites of @findings as JSON objects, in order; also what `clrmon symbols` shows. New
 * reference. */
json_t *pack_sites(const struct findings *findings);

/* New reference, or NULL without memory. */
json_t *pack_encode(const struct inspection *inspection);

/* -EBADMSG with the reason when it is no pack, -ESTALE when it is one of another release's schema;
 * @out is untouched then. */
_must_check_ int pack_decode(const json_t *pack, struct inspection *out, struct reason *why);

/* The same from @size bytes of text. */
_must_check_ int pack_parse(const char *text, size_t size, struct inspection *out,
                            struct reason *why);
