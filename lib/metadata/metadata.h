/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/reason.h"

/*
 * Names out of the metadata of a managed module: ECMA-335, partition II, chapters 22 (tables) and
 * 24 (their layout). The bytes may be of a file or of a process's memory; nothing in them is
 * believed, every access is range-checked, and no name costs more than a walk of bounded length.
 *
 * Names are as reflection has them: "Namespace.Outer+Inner`1", printable, cut to the room.
 */

enum metadata_table {
    METADATA_MODULE = 0x00,
    METADATA_TYPE_REF = 0x01,
    METADATA_TYPE_DEF = 0x02,
    METADATA_METHOD_DEF = 0x06,
    METADATA_NESTED_CLASS = 0x29,
    METADATA_TABLES = 0x2d,
};

/* A token is the number of its table and of its row, which counts from 1. */
#define METADATA_TOKEN(table, row) ((uint32_t)(table) << 24 | (row))

struct metadata {
    struct bytes strings;
    uint8_t string_width, guid_width, blob_width; /* of an index into the heaps: 2 or 4 */
    uint32_t rows[METADATA_TABLES];
    uint16_t row_size[METADATA_TABLES];
    struct bytes tables[METADATA_TABLES];
};

/*
 * @bytes begin with the metadata's root ("BSJB") and must outlive @out, which needs no closing.
 * -EBADMSG: no metadata, or tables that don't fit in; -ENOTSUP: the uncompressed form ("#-"), which
 * only edited modules have.
 */
_must_check_ int metadata_open(struct metadata *out, struct bytes bytes, struct reason *why);

/*
 * "Namespace.Type.Method" of a MethodDef's token, "Namespace.Type" of a TypeDef's or a TypeRef's.
 * -ENOENT: there is no such row, or its name lies outside; @out is "" then.
 */
_must_check_ int metadata_method_name(const struct metadata *metadata, uint32_t token, char *out,
                                      size_t size);
_must_check_ int metadata_type_name(const struct metadata *metadata, uint32_t token, char *out,
                                    size_t size);

/* "System.Private.CoreLib.dll", as the module calls itself. Errors as above. */
_must_check_ int metadata_module_name(const struct metadata *metadata, char *out, size_t size);
