/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>
#include <unistd.h>

#include "contract/descriptor.h"
#include "contract/view.h"

/* A runtime's structures, made by hand in the memory of the test itself, which plays the target. */

#define CRAFTED_TYPES                                                                              \
    "\"Object\":{\"m_pMethTab\":0},"                                                               \
    "\"MethodTable\":{\"!\":64,\"MTFlags\":0,\"MTFlags2\":8,\"Module\":24,"                        \
    "\"EEClassOrCanonMT\":40,\"PerInstInfo\":48},"                                                 \
    "\"EEClass\":{\"MethodTable\":16},\"ArrayClass\":{\"Rank\":[72,\"uint8\"]},"                   \
    "\"TypeDesc\":{\"TypeAndFlags\":0},\"ParamTypeDesc\":{\"TypeArg\":16},"                        \
    "\"MethodDesc\":{\"ChunkIndex\":2,\"Flags\":6,\"Flags3AndTokenRemainder\":0},"                 \
    "\"DynamicMethodDesc\":{\"MethodName\":32},"                                                   \
    "\"MethodDescChunk\":{\"!\":24,\"MethodTable\":0,\"FlagsAndTokenRange\":18},"                  \
    "\"Module\":{\"Base\":8}"

#define CRAFTED_GLOBALS                                                                            \
    "\"MethodDescTokenRemainderBitCount\":[\"0xc\",\"uint8\"],"                                    \
    "\"ObjectToMethodTableUnmask\":[\"0x7\",\"uint8\"],\"MethodDescAlignment\":[8,\"uint64\"]"

#define CRAFTED_CONTRACTS "\"Loader\":1,\"Object\":1,\"RuntimeTypeSystem\":1"

/* As 9.0 has it: nothing of code. */
#define CRAFTED_9                                                                                  \
    "{\"version\":0,\"baseline\":\"empty\",\"types\":{" CRAFTED_TYPES "},\"globals\":"             \
    "{" CRAFTED_GLOBALS "},\"contracts\":{" CRAFTED_CONTRACTS "}}"

/* As 10.0 has it. */
#define CRAFTED_10                                                                                 \
    "{\"version\":0,\"baseline\":\"empty\",\"types\":{" CRAFTED_TYPES                              \
    ",\"RangeSectionMap\":{\"TopLevelData\":0},"                                                   \
    "\"RangeSectionFragment\":{\"Next\":0,\"RangeBegin\":8,\"RangeEndOpen\":16,"                   \
    "\"RangeSection\":24},\"RangeSection\":{\"RangeBegin\":0,\"RangeEndOpen\":8,\"Flags\":16,"     \
    "\"R2RModule\":32,\"HeapList\":40,\"NextForDelete\":64},"                                      \
    "\"CodeHeapListNode\":{\"StartAddress\":16,\"EndAddress\":24,\"MapBase\":32,"                  \
    "\"HeaderMap\":40},\"RealCodeHeader\":{\"MethodDesc\":24}},\"globals\":{" CRAFTED_GLOBALS      \
    ",\"StubCodeBlockLast\":[\"0xf\",\"uint8\"],"                                                  \
    "\"ExecutionManagerCodeRangeMapAddress\":[[1],\"pointer\"]},\"contracts\":"                    \
    "{" CRAFTED_CONTRACTS ",\"ExecutionManager\":2}}"

#define CRAFTED_CODE      4096u
#define CRAFTED_BEGIN     0x120u /* of the only method, in the code */
#define CRAFTED_LEVELS    5
#define CRAFTED_DYNAMIC   7u
#define CRAFTED_TYPE_NAME "Here.Thing"

struct crafted_method {
    uint16_t token;
    uint8_t index;
    uint8_t entry;
    uint16_t slot;
    uint16_t flags;
    uint64_t data[3];
    uint64_t name;
};

struct crafted_table {
    uint32_t flags;
    uint32_t base_size;
    uint32_t flags_2;
    uint32_t counts;
    uint64_t parent;
    uint64_t module;
    uint64_t auxiliary;
    uint64_t class;
    uint64_t element;
    uint64_t rest;
};

struct crafted_class {
    uint64_t start[2];
    uint64_t method_table;
    uint64_t more[6];
    uint8_t rank;
};

struct crafted_chunk {
    uint64_t method_table;
    uint64_t next;
    uint8_t size;
    uint8_t count;
    uint16_t token;
    uint32_t padding;
    struct crafted_method methods[2];
};

struct crafted {
    _Alignas(4096) uint8_t code[CRAFTED_CODE];
    uint64_t levels[CRAFTED_LEVELS][256]; /* the highest first */
    struct {
        uint64_t next, begin, end, section;
    } fragments[2];
    struct {
        uint64_t begin, end, flags, jit, ready, heap, ranges, unwind, deleted;
    } section;
    struct {
        uint64_t next, heap, start, end, base, map;
    } heap;
    uint32_t units[CRAFTED_CODE / 256];
    struct {
        uint64_t debug, eh, gc, method, more[2];
    } header;
    struct crafted_chunk chunk;
    struct crafted_table table, other;
    struct crafted_class class, other_class;
    struct {
        uint64_t start, base;
    } module;
    struct {
        uint32_t flags;
        uint32_t padding;
        uint64_t more, argument;
    } type_desc;
    uint64_t object[3];
    char name[32];
    struct descriptor descriptor;
    struct memory memory;
    struct view view;
};

static inline uint64_t address_of(const void *thing)
{
    return (uintptr_t)thing;
}

static inline void craft_code(struct crafted *crafted)
{
    uint64_t code = address_of(crafted->code), header = address_of(&crafted->header);

    for (unsigned i = 0; i < CRAFTED_LEVELS; i++)
        crafted->levels[i][code >> (49 - 8 * i) & 255] = i + 1 < CRAFTED_LEVELS
                                                             ? address_of(crafted->levels[i + 1])
                                                             : address_of(&crafted->fragments[0]);
    crafted->fragments[0].begin = crafted->section.begin = code;
    crafted->fragments[0].end = crafted->section.end = code + CRAFTED_CODE;
    crafted->fragments[0].section = address_of(&crafted->section);
    crafted->section.flags = 2;
    crafted->section.heap = address_of(&crafted->heap);
    crafted->heap.start = crafted->heap.base = code;
    crafted->heap.end = code + CRAFTED_CODE;
    crafted->heap.map = address_of(crafted->units);
    crafted->units[CRAFTED_BEGIN / 256] = 1u << (28 - 4 * (CRAFTED_BEGIN / 32 % 8));
    memcpy(crafted->code + CRAFTED_BEGIN - 8, &header, sizeof(header));
    crafted->header.method = address_of(&crafted->chunk.methods[1]);
}

/* A method, row 0x1002, of a type, row 2. */
static inline void craft_types(struct crafted *crafted)
{
    crafted->chunk.method_table = address_of(&crafted->table);
    crafted->chunk.token = 0xc001;
    crafted->chunk.methods[1].token = 0x7002;
    crafted->chunk.methods[1].index = sizeof(struct crafted_method) / 8;
    crafted->chunk.methods[1].name = address_of(crafted->name);
    crafted->table.flags_2 = 2u << 8 | 0x21;
    crafted->table.module = address_of(&crafted->module);
    crafted->table.class = address_of(&crafted->class);
    crafted->class.method_table = address_of(&crafted->table);
    crafted->other.class = address_of(&crafted->other_class);
    crafted->other_class.method_table = address_of(&crafted->other);
    crafted->object[0] = address_of(&crafted->table) | 1;
    strcpy(crafted->name, "IL_STUB_PInvoke");
}

static inline int craft(struct crafted *crafted, const char *json)
{
    uint64_t pointers[] = {0, address_of(crafted->levels)};

    memset(crafted, 0, sizeof(*crafted));
    craft_code(crafted);
    craft_types(crafted);
    memory_open(&crafted->memory, getpid());
    crafted->view = (struct view){&crafted->memory, &crafted->descriptor};
    return descriptor_decode(json, strlen(json), pointers, 2, &crafted->descriptor, NULL);
}
