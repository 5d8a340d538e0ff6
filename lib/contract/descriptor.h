/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/image.h"
#include "proc/memory.h"
#include "util/reason.h"

/*
 * What a runtime tells debuggers about its own structures: JSON behind the exported symbol
 * DotNetRuntimeContractDescriptor, with the offsets of fields, constants, and the addresses of
 * globals. dotnet/runtime, docs/design/datacontracts/contract-descriptor.md, data_descriptor.md.
 */

#define DESCRIPTOR_JSON_MAX     (256u << 10)
#define DESCRIPTOR_POINTERS_MAX 4096
#define DESCRIPTOR_OFFSET_MAX   (64u << 10)

struct contract_range {
    uint64_t start;
    uint64_t size;
};

/* Where a process has its runtime's descriptor, and the runtime's variables. Plain data. */
struct contract_place {
    uint64_t descriptor;
    struct contract_range writable[IMAGE_SEGMENTS_MAX];
    size_t writable_count;
};

/*
 * Out of the runtime's image (libcoreclr.so, a single-file host), loaded at @bias (what is added to
 * an address of the file). -ENOENT: it exports no descriptor, as none before 9.0 does.
 */
_must_check_ int contract_locate(const struct image *image, uint64_t bias,
                                 struct contract_place *out);

/* Fields, as TYPE_FIELD; the value is an offset in the type. */
enum contract_field {
    OBJECT_METHOD_TABLE,
    METHOD_TABLE_FLAGS,
    METHOD_TABLE_FLAGS_2,
    METHOD_TABLE_CLASS, /* EEClass, or the canonical MethodTable and 1 */
    METHOD_TABLE_MODULE,
    METHOD_TABLE_ELEMENT, /* of an array */
    CLASS_METHOD_TABLE,
    ARRAY_CLASS_RANK,
    TYPE_DESC_FLAGS,
    TYPE_DESC_ARGUMENT,
    METHOD_TOKEN_PART,
    METHOD_CHUNK_INDEX,
    METHOD_FLAGS,
    DYNAMIC_METHOD_NAME,
    CHUNK_METHOD_TABLE,
    CHUNK_TOKEN_PART,
    MODULE_BASE,
    RANGE_MAP_LEVELS,
    FRAGMENT_NEXT,
    FRAGMENT_BEGIN,
    FRAGMENT_END,
    FRAGMENT_SECTION,
    SECTION_BEGIN,
    SECTION_END,
    SECTION_FLAGS,
    SECTION_HEAP,
    SECTION_READY_MODULE,
    SECTION_DELETED,
    HEAP_START,
    HEAP_END,
    HEAP_MAP_BASE,
    HEAP_MAP,
    CODE_METHOD,
    CONTRACT_FIELD_MAX,
};

/* Sizes of types, and numbers and addresses that are global. */
enum contract_value {
    CHUNK_SIZE,
    METHOD_ALIGNMENT,
    METHOD_TOKEN_BITS,
    OBJECT_UNMASK,
    STUB_LAST,
    CODE_RANGE_MAP, /* an address; 0: not told, as by 9.0 */
    CONTRACT_VALUE_MAX,
};

struct descriptor {
    uint16_t fields[CONTRACT_FIELD_MAX];
    uint64_t values[CONTRACT_VALUE_MAX];
    uint8_t execution_manager; /* version of this contract; 0: 9.0, which has none */
};

/*
 * Decodes @length bytes of JSON; a global that is an index means @pointers[index]. -EBADMSG when it
 * is malformed or an offset is out of range, -ENOTSUP when something is missing, or of a version
 * that we do not know.
 */
_must_check_ int descriptor_decode(const char *json, size_t length, const uint64_t *pointers,
                                   size_t pointer_count, struct descriptor *out,
                                   struct reason *why);

/* Reads and decodes what lies at @address of a process. Errors also as memory_read() has them. */
_must_check_ int descriptor_read(struct memory *memory, uint64_t address, struct descriptor *out,
                                 struct reason *why);
