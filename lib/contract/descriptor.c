/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/descriptor.h"

#include <jansson.h>
#include <string.h>

#include "elf/dynamic.h"
#include "util/number.h"
#include "util/text.h"

#define SYMBOL        "DotNetRuntimeContractDescriptor"
#define MAGIC         "DNCCDAC"
#define FLAGS_MASK    3u /* bit 0: always set; bit 1: pointers of 32 bits */
#define FLAGS_64_BITS 1u
#define NOT_TOLD      UINT16_MAX
#define VALUE_MAX     (64u << 10)

/* src/coreclr/inc/contract-descriptor.h */
struct header {
    char magic[8];
    uint32_t flags;
    uint32_t json_size;
    uint64_t json;
    uint32_t pointer_count;
    uint32_t padding;
    uint64_t pointers;
};

/*
 * Where 9.0 tells nothing of code, its structures are those that 10.0 tells of: RangeSectionMap,
 * RangeSection, HeapList, RealCodeHeader of src/coreclr/vm/codeman.h. What is found by them is
 * proved by what it leads to: see code.h.
 */
static const struct {
    const char *type;
    const char *name;
    uint16_t otherwise;
} fields[CONTRACT_FIELD_MAX] = {
    [OBJECT_METHOD_TABLE] = {"Object", "m_pMethTab", NOT_TOLD},
    [METHOD_TABLE_FLAGS] = {"MethodTable", "MTFlags", NOT_TOLD},
    [METHOD_TABLE_FLAGS_2] = {"MethodTable", "MTFlags2", NOT_TOLD},
    [METHOD_TABLE_CLASS] = {"MethodTable", "EEClassOrCanonMT", NOT_TOLD},
    [METHOD_TABLE_MODULE] = {"MethodTable", "Module", NOT_TOLD},
    [METHOD_TABLE_ELEMENT] = {"MethodTable", "PerInstInfo", NOT_TOLD},
    [CLASS_METHOD_TABLE] = {"EEClass", "MethodTable", NOT_TOLD},
    [ARRAY_CLASS_RANK] = {"ArrayClass", "Rank", NOT_TOLD},
    [TYPE_DESC_FLAGS] = {"TypeDesc", "TypeAndFlags", NOT_TOLD},
    [TYPE_DESC_ARGUMENT] = {"ParamTypeDesc", "TypeArg", NOT_TOLD},
    [METHOD_TOKEN_PART] = {"MethodDesc", "Flags3AndTokenRemainder", NOT_TOLD},
    [METHOD_CHUNK_INDEX] = {"MethodDesc", "ChunkIndex", NOT_TOLD},
    [METHOD_FLAGS] = {"MethodDesc", "Flags", NOT_TOLD},
    [DYNAMIC_METHOD_NAME] = {"DynamicMethodDesc", "MethodName", NOT_TOLD},
    [CHUNK_METHOD_TABLE] = {"MethodDescChunk", "MethodTable", NOT_TOLD},
    [CHUNK_TOKEN_PART] = {"MethodDescChunk", "FlagsAndTokenRange", NOT_TOLD},
    [MODULE_BASE] = {"Module", "Base", NOT_TOLD},
    [RANGE_MAP_LEVELS] = {"RangeSectionMap", "TopLevelData", 0},
    [FRAGMENT_NEXT] = {"RangeSectionFragment", "Next", 0},
    [FRAGMENT_BEGIN] = {"RangeSectionFragment", "RangeBegin", 8},
    [FRAGMENT_END] = {"RangeSectionFragment", "RangeEndOpen", 16},
    [FRAGMENT_SECTION] = {"RangeSectionFragment", "RangeSection", 24},
    [SECTION_BEGIN] = {"RangeSection", "RangeBegin", 0},
    [SECTION_END] = {"RangeSection", "RangeEndOpen", 8},
    [SECTION_FLAGS] = {"RangeSection", "Flags", 16},
    [SECTION_READY_MODULE] = {"RangeSection", "R2RModule", 32},
    [SECTION_HEAP] = {"RangeSection", "HeapList", 40},
    [SECTION_DELETED] = {"RangeSection", "NextForDelete", 64},
    [HEAP_START] = {"CodeHeapListNode", "StartAddress", 16},
    [HEAP_END] = {"CodeHeapListNode", "EndAddress", 24},
    [HEAP_MAP_BASE] = {"CodeHeapListNode", "MapBase", 32},
    [HEAP_MAP] = {"CodeHeapListNode", "HeaderMap", 40},
    [CODE_METHOD] = {"RealCodeHeader", "MethodDesc", 24},
};

/* A size is the type's field "!". */
static const struct {
    const char *type;
    const char *global;
    bool is_address;
    int64_t otherwise; /* -1: must be told */
} values[CONTRACT_VALUE_MAX] = {
    [CHUNK_SIZE] = {.type = "MethodDescChunk", .otherwise = -1},
    [METHOD_ALIGNMENT] = {.global = "MethodDescAlignment", .otherwise = -1},
    [METHOD_TOKEN_BITS] = {.global = "MethodDescTokenRemainderBitCount", .otherwise = -1},
    [OBJECT_UNMASK] = {.global = "ObjectToMethodTableUnmask", .otherwise = -1},
    [STUB_LAST] = {.global = "StubCodeBlockLast", .otherwise = 15},
    [CODE_RANGE_MAP] = {.global = "ExecutionManagerCodeRangeMapAddress", .is_address = true},
};

/* That we were written for. */
static const struct {
    const char *name;
    uint8_t newest;
    bool required;
} contracts[] = {
    {"RuntimeTypeSystem", 1, true},
    {"Loader", 1, true},
    {"Object", 1, true},
    {"ExecutionManager", 2, false},
};

int contract_locate(const struct image *image, uint64_t bias, struct contract_place *out)
{
    uint64_t address = dynamic_exported(image, SYMBOL);

    *out = (struct contract_place){.descriptor = bias + address};
    if (!address)
        return -ENOENT;
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct segment *segment = &image->segments[i];

        if (segment->flags & SEGMENT_WRITABLE)
            out->writable[out->writable_count++] =
                (struct contract_range){bias + segment->va, segment->memory_size};
    }
    return 0;
}

static int parse_number(const char *text, uint64_t *out)
{
    return text_starts_with(text, "0x") ? number_hex(text, UINT64_MAX, out)
                                        : number_decimal(text, UINT64_MAX, out);
}

/* A number, a text with one, or an array that begins with one and goes on with its type. */
static int number_of(const json_t *value, uint64_t *out)
{
    if (json_is_array(value))
        value = json_array_get(value, 0);
    if (json_is_string(value))
        return parse_number(json_string_value(value), out);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return -EBADMSG;
    *out = (uint64_t)json_integer_value(value);
    return 0;
}

/* [[index], type], or [index] where the type goes without saying. */
static const json_t *index_of(const json_t *value)
{
    const json_t *first = json_array_get(value, 0);

    if (json_is_array(first))
        return json_array_get(first, 0);
    return json_array_size(value) == 1 ? first : NULL;
}

static int decode_fields(const json_t *types, struct descriptor *out, struct reason *why)
{
    for (size_t i = 0; i < CONTRACT_FIELD_MAX; i++) {
        const json_t *type = json_object_get(types, fields[i].type);
        const json_t *field = json_object_get(type, fields[i].name);
        uint64_t offset = fields[i].otherwise;

        if (type ? !field : fields[i].otherwise == NOT_TOLD)
            return reason_set(why, -ENOTSUP, "the runtime's contract tells nothing of %s.%s",
                              fields[i].type, fields[i].name);
        if (field && (number_of(field, &offset) < 0 || offset > DESCRIPTOR_OFFSET_MAX - 8))
            return reason_set(why, -EBADMSG, "the runtime's contract has no offset for %s.%s",
                              fields[i].type, fields[i].name);
        out->fields[i] = (uint16_t)offset;
    }
    return 0;
}

static int decode_value(const json_t *value, const uint64_t *pointers, size_t pointer_count,
                        bool is_address, uint64_t *out)
{
    const json_t *index = index_of(value);

    if (!is_address)
        return !index && number_of(value, out) == 0 && *out <= VALUE_MAX ? 0 : -EBADMSG;
    if (!json_is_integer(index) || json_integer_value(index) < 0 ||
        (uint64_t)json_integer_value(index) >= pointer_count)
        return -EBADMSG;
    *out = pointers[json_integer_value(index)];
    return 0;
}

static int decode_values(const json_t *root, const uint64_t *pointers, size_t pointer_count,
                         struct descriptor *out, struct reason *why)
{
    const json_t *types = json_object_get(root, "types");
    const json_t *globals = json_object_get(root, "globals");

    for (size_t i = 0; i < CONTRACT_VALUE_MAX; i++) {
        const char *name = values[i].global ?: values[i].type;
        const json_t *value = values[i].global ? json_object_get(globals, name)
                                               : json_object_get(json_object_get(types, name), "!");

        if (!value && values[i].otherwise < 0)
            return reason_set(why, -ENOTSUP, "the runtime's contract tells nothing of %s", name);
        out->values[i] = (uint64_t)values[i].otherwise;
        if (value &&
            decode_value(value, pointers, pointer_count, values[i].is_address, &out->values[i]) < 0)
            return reason_set(why, -EBADMSG, "the runtime's contract has no value for %s", name);
    }
    return 0;
}

/* So many bits are shifted, so much is multiplied. */
static int check_values(const struct descriptor *descriptor, struct reason *why)
{
    uint64_t alignment = descriptor->values[METHOD_ALIGNMENT];

    if (descriptor->values[METHOD_TOKEN_BITS] > 16 || alignment == 0 || alignment > 64 ||
        descriptor->values[OBJECT_UNMASK] > 0xff)
        return reason_set(why, -EBADMSG, "the runtime's contract has constants that make no sense");
    return 0;
}

static int decode_versions(const json_t *root, struct descriptor *out, struct reason *why)
{
    const json_t *known = json_object_get(root, "contracts");
    const json_t *baseline = json_object_get(root, "baseline");

    if (json_is_string(baseline) && strcmp(json_string_value(baseline), "empty") != 0)
        return reason_set(why, -ENOTSUP, "the runtime's contract needs the baseline \"%.40s\"",
                          json_string_value(baseline));
    for (size_t i = 0; i < ARRAY_SIZE(contracts); i++) {
        const json_t *version = json_object_get(known, contracts[i].name);
        json_int_t n = json_integer_value(version);

        if (!version && !contracts[i].required)
            continue;
        if (!json_is_integer(version) || n < 1 || n > contracts[i].newest)
            return reason_set(why, -ENOTSUP, "the runtime's contract %s is of no known version",
                              contracts[i].name);
        out->execution_manager = contracts[i].required ? 0 : (uint8_t)n;
    }
    return 0;
}

static void cleanup_json(json_t **json)
{
    json_decref(*json);
}

int descriptor_decode(const char *json, size_t length, const uint64_t *pointers,
                      size_t pointer_count, struct descriptor *out, struct reason *why)
{
    json_error_t error;
    int r;

    *out = (struct descriptor){0};
    while (length > 0 && json[length - 1] == 0)
        length--;

    _cleanup_(cleanup_json) json_t *root = json_loadb(json, length, 0, &error);

    if (!json_is_object(root))
        return reason_set(why, -EBADMSG, "the runtime's contract is no JSON: %.100s",
                          root ? "not an object" : error.text);
    r = decode_versions(root, out, why);
    if (r == 0)
        r = decode_fields(json_object_get(root, "types"), out, why);
    if (r == 0)
        r = decode_values(root, pointers, pointer_count, out, why);
    return r < 0 ? r : check_values(out, why);
}

static int check_header(const struct header *header, struct reason *why)
{
    if (memcmp(header->magic, MAGIC, sizeof(header->magic)) != 0)
        return reason_set(why, -EBADMSG, "no contract lies where the runtime exports one");
    if ((header->flags & FLAGS_MASK) != FLAGS_64_BITS)
        return reason_set(why, -ENOTSUP, "the runtime's contract has flags 0x%x", header->flags);
    if (header->json_size > DESCRIPTOR_JSON_MAX || header->pointer_count > DESCRIPTOR_POINTERS_MAX)
        return reason_set(why, -EBADMSG, "the runtime's contract is too large (%u bytes)",
                          header->json_size);
    return 0;
}

int descriptor_read(struct memory *memory, uint64_t address, struct descriptor *out,
                    struct reason *why)
{
    struct header header;
    int r = memory_read(memory, address, &header, sizeof(header));

    if (r < 0)
        return reason_set(why, r, "the runtime's contract can't be read: %s", strerror(-r));
    r = check_header(&header, why);
    if (r < 0)
        return r;

    _free_ char *json = malloc(header.json_size + 1);
    _free_ uint64_t *pointers = calloc(header.pointer_count + 1, sizeof(*pointers));

    if (!json || !pointers)
        return reason_set(why, -ENOMEM, "no memory for the runtime's contract");
    r = memory_read(memory, header.json, json, header.json_size);
    if (r == 0)
        r = memory_read(memory, header.pointers, pointers,
                        header.pointer_count * sizeof(*pointers));
    if (r < 0)
        return reason_set(why, r, "the runtime's contract can't be read: %s", strerror(-r));
    return descriptor_decode(json, header.json_size, pointers, header.pointer_count, out, why);
}
