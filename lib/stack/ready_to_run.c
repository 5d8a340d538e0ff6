/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/ready_to_run.h"

/* inc/readytorun.h */
enum {
    SIGNATURE = 0x00525452, /* "RTR" */
    FLAG_COMPONENT = 0x20,
    HEADER_SIZE = 16,
    SECTION_SIZE = 12,
    SECTIONS_MAX = 64,
    RUNTIME_FUNCTIONS = 102,
    METHOD_ENTRY_POINTS = 103,
    METHOD_CALL_THUNKS = 106,
    INSTANCE_ENTRY_POINTS = 109,
    COMPONENT_ASSEMBLIES = 115,
};

/* ReadyToRunMethodSigFlags */
enum {
    METHOD_UNBOXING_STUB = 0x01,
    METHOD_INSTANTIATING_STUB = 0x02,
    METHOD_INSTANTIATION = 0x04,
    METHOD_SLOT = 0x08,
    METHOD_MEMBER_REF = 0x10,
    METHOD_CONSTRAINED = 0x20,
    METHOD_OWNER_TYPE = 0x40,
    METHOD_CONTEXT = 0x80,
    METHOD_KNOWN = METHOD_UNBOXING_STUB | METHOD_INSTANTIATING_STUB | METHOD_INSTANTIATION |
                   METHOD_CONSTRAINED | METHOD_OWNER_TYPE | METHOD_CONTEXT,
};

#define TYPE_DEPTH_MAX 32
#define TYPES_MAX      256 /* in one method's signature */

/* Reads on, and has no more to read once something was wrong. */
struct reader {
    struct bytes bytes;
    uint64_t at;
    unsigned types;
    bool bad;
};

static uint64_t read_number(struct reader *cursor, unsigned width)
{
    uint64_t value = bytes_number(cursor->bytes, cursor->at, width);

    cursor->bad |= !bytes_at(cursor->bytes, cursor->at, width);
    cursor->at += width;
    return cursor->bad ? 0 : value;
}

/*
 * vm/nativeformatreader.h: as many low bits are set as bytes follow, up to four; a fifth means that
 * all 32 bits follow. @bits is how many of the value were told.
 */
static uint32_t read_native(struct reader *cursor, unsigned *bits)
{
    uint8_t first = (uint8_t)bytes_number(cursor->bytes, cursor->at, 1);
    unsigned more = first == 0xff ? 8 : (unsigned)__builtin_ctz(~(unsigned)first);

    cursor->bad |= more > 4;
    if (cursor->bad)
        return 0;
    *bits = 7 * (more + 1);
    if (more < 4)
        return (uint32_t)(read_number(cursor, more + 1) >> (more + 1));
    cursor->at++;
    *bits = 32;
    return (uint32_t)read_number(cursor, 4);
}

static uint32_t read_unsigned(struct reader *cursor)
{
    unsigned bits;

    return read_native(cursor, &bits);
}

static int32_t read_signed(struct reader *cursor)
{
    unsigned bits = 32;
    uint32_t value = read_native(cursor, &bits);

    return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

/* ECMA-335, II.23.2: big-endian in one, two or four bytes. */
static uint32_t read_compressed(struct reader *cursor)
{
    uint32_t value = (uint32_t)read_number(cursor, 1);
    unsigned more = value < 0x80 ? 0 : value < 0xc0 ? 1 : 3;

    cursor->bad |= value >= 0xe0;
    value &= more == 0 ? 0x7f : more == 1 ? 0x3f : 0x1f;
    while (more--)
        value = value << 8 | (uint32_t)read_number(cursor, 1);
    return value;
}

/* What follows an element of a type's signature, in inc/corhdr.h's CorElementType. */
enum shape {
    SHAPE_NONE, /* no element that we know */
    SHAPE_PLAIN,
    SHAPE_NUMBER,
    SHAPE_TYPE,
    SHAPE_NUMBER_AND_TYPE,
    SHAPE_ARRAY,
    SHAPE_INSTANCE,
    SHAPE_FUNCTION,
};

#define ELEMENT_MODULE 0x3f /* ELEMENT_TYPE_MODULE_ZAPSIG: what follows is of another module */

static const uint8_t shapes[] = {
    [0x01] = SHAPE_PLAIN,
    [0x02] = SHAPE_PLAIN,
    [0x03] = SHAPE_PLAIN,
    [0x04] = SHAPE_PLAIN,
    [0x05] = SHAPE_PLAIN,
    [0x06] = SHAPE_PLAIN,
    [0x07] = SHAPE_PLAIN,
    [0x08] = SHAPE_PLAIN,
    [0x09] = SHAPE_PLAIN,
    [0x0a] = SHAPE_PLAIN,
    [0x0b] = SHAPE_PLAIN,
    [0x0c] = SHAPE_PLAIN,
    [0x0d] = SHAPE_PLAIN,
    [0x0e] = SHAPE_PLAIN,  /* VOID to STRING */
    [0x0f] = SHAPE_TYPE,   /* PTR */
    [0x10] = SHAPE_TYPE,   /* BYREF */
    [0x11] = SHAPE_NUMBER, /* VALUETYPE */
    [0x12] = SHAPE_NUMBER, /* CLASS */
    [0x13] = SHAPE_NUMBER, /* VAR */
    [0x14] = SHAPE_ARRAY,
    [0x15] = SHAPE_INSTANCE, /* GENERICINST */
    [0x16] = SHAPE_PLAIN,    /* TYPEDBYREF */
    [0x18] = SHAPE_PLAIN,
    [0x19] = SHAPE_PLAIN,           /* I, U */
    [0x1b] = SHAPE_FUNCTION,        /* FNPTR */
    [0x1c] = SHAPE_PLAIN,           /* OBJECT */
    [0x1d] = SHAPE_TYPE,            /* SZARRAY */
    [0x1e] = SHAPE_NUMBER,          /* MVAR */
    [0x1f] = SHAPE_NUMBER_AND_TYPE, /* CMOD_REQD */
    [0x20] = SHAPE_NUMBER_AND_TYPE, /* CMOD_OPT */
    [0x3b] = SHAPE_NUMBER,          /* VAR_ZAPSIG */
    [0x3d] = SHAPE_TYPE,            /* NATIVE_VALUETYPE_ZAPSIG */
    [0x3e] = SHAPE_PLAIN,           /* CANON_ZAPSIG */
    [ELEMENT_MODULE] = SHAPE_NUMBER_AND_TYPE,
    [0x45] = SHAPE_TYPE, /* PINNED */
};

static void skip_type(struct reader *cursor, unsigned depth);

static void skip_types(struct reader *cursor, uint32_t count, unsigned depth)
{
    while (count-- && !cursor->bad)
        skip_type(cursor, depth);
}

static void skip_numbers(struct reader *cursor, uint32_t count)
{
    while (count-- && !cursor->bad)
        read_compressed(cursor);
}

static void skip_array(struct reader *cursor, unsigned depth)
{
    skip_type(cursor, depth);
    if (read_compressed(cursor) == 0) /* rank */
        return;
    skip_numbers(cursor, read_compressed(cursor)); /* sizes */
    skip_numbers(cursor, read_compressed(cursor)); /* lower bounds */
}

static void skip_function(struct reader *cursor, unsigned depth)
{
    bool generic = read_number(cursor, 1) & 0x10;

    if (generic)
        read_compressed(cursor);
    skip_types(cursor, read_compressed(cursor) + 1, depth); /* what it returns, its parameters */
}

static void skip_type(struct reader *cursor, unsigned depth)
{
    uint64_t element = read_number(cursor, 1);
    enum shape shape = element < ARRAY_SIZE(shapes) ? shapes[element] : SHAPE_NONE;

    cursor->bad |= shape == SHAPE_NONE || depth == TYPE_DEPTH_MAX || cursor->types++ == TYPES_MAX;
    if (cursor->bad)
        return;
    depth++;
    switch (shape) {
    case SHAPE_NUMBER_AND_TYPE:
        read_compressed(cursor);
        /* fall through */
    case SHAPE_TYPE:
        skip_type(cursor, depth);
        break;
    case SHAPE_NUMBER:
        read_compressed(cursor);
        break;
    case SHAPE_ARRAY:
        skip_array(cursor, depth);
        break;
    case SHAPE_INSTANCE:
        skip_type(cursor, depth);
        skip_types(cursor, read_compressed(cursor), depth);
        break;
    case SHAPE_FUNCTION:
        skip_function(cursor, depth);
        break;
    default:
        break;
    }
}

/* The owner's type may be of another module, and so then is the method. */
static uint32_t skip_owner(struct reader *cursor, uint32_t module, bool has_context)
{
    struct reader owner = *cursor;

    skip_type(cursor, 0);
    return !has_context && read_number(&owner, 1) == ELEMENT_MODULE ? read_compressed(&owner)
                                                                    : module;
}

/* ReadyToRunStandaloneMethodMetadata's signature: whose code it is, and then where. */
static struct ready_method read_instance(struct reader *cursor)
{
    uint32_t flags = read_compressed(cursor);
    struct ready_method method = {0};

    cursor->bad |= (flags & ~(uint32_t)METHOD_KNOWN) != 0;
    if (flags & METHOD_CONTEXT)
        method.module = read_compressed(cursor);
    if (flags & METHOD_OWNER_TYPE)
        method.module = skip_owner(cursor, method.module, flags & METHOD_CONTEXT);
    method.row = read_compressed(cursor);
    if (flags & METHOD_INSTANTIATION)
        skip_types(cursor, read_compressed(cursor), 0);
    if (flags & METHOD_CONSTRAINED)
        skip_type(cursor, 0);
    return method;
}

/* The index of the first function; what is to be fixed up before the method runs follows it. */
static uint32_t read_entry_point(struct reader *cursor)
{
    uint32_t value = read_unsigned(cursor);

    return value & 1 ? value >> 2 : value >> 1;
}

static void own(struct ready_to_run *ready, struct reader *cursor, struct ready_method method)
{
    uint32_t function = read_entry_point(cursor);

    if (cursor->bad || function >= ready->function_count || !method.row)
        ready->complete = false;
    else if (!ready->owners[function].row)
        ready->owners[function] = method;
}

/*
 * NativeFormat::NativeArray: an index of blocks of 16 elements, each a binary tree whose nodes tell
 * which halves there are; a node without any is the only element of its block.
 */
struct array {
    struct bytes section;
    uint64_t base;
    uint32_t count;
    unsigned index_width;
};

#define BLOCK 16

static bool descend(struct reader *cursor, uint32_t index)
{
    for (uint32_t bit = BLOCK >> 1; bit; bit >>= 1) {
        uint64_t node = cursor->at;
        uint32_t value = read_unsigned(cursor);

        if (cursor->bad)
            return false;
        if (index & bit && value & 2)
            cursor->at = node + (value >> 2);
        else if (index & bit || !(value & 1))
            return (value & 3) == 0 && value >> 2 == (index & (BLOCK - 1));
    }
    return true;
}

static bool array_find(const struct array *array, uint32_t index, struct reader *out)
{
    uint64_t at = array->base + (uint64_t)array->index_width * (index / BLOCK);

    *out = (struct reader){
        .bytes = array->section,
        .at = array->base + bytes_number(array->section, at, array->index_width),
    };
    return descend(out, index);
}

static void read_methods(struct ready_to_run *ready, struct bytes section, uint32_t method_count)
{
    struct reader header = {.bytes = section};
    uint32_t value = read_unsigned(&header);
    struct array array = {section, header.at, value >> 2, 1u << (value & 3)};

    if (array.index_width == 8)
        array.index_width = 4;
    ready->complete &= !header.bad && array.count <= method_count;
    for (uint32_t i = 0; i < array.count && i < method_count; i++) {
        struct reader cursor;

        if (array_find(&array, i, &cursor))
            own(ready, &cursor, (struct ready_method){.row = i + 1});
        else
            ready->complete &= !cursor.bad;
    }
}

/* Of a bucket: a byte of the hash and the distance to the entry, again and again. */
static bool read_bucket(struct ready_to_run *ready, struct reader *cursor, uint64_t end,
                        size_t *entries_left)
{
    while (cursor->at < end && !cursor->bad) {
        uint64_t from = ++cursor->at;
        struct reader entry = {
            .bytes = cursor->bytes,
            .at = from + (uint64_t)(int64_t)read_signed(cursor),
        };
        struct ready_method method = read_instance(&entry);

        if ((*entries_left)-- == 0)
            return false;
        own(ready, &entry, method);
    }
    return !cursor->bad;
}

/* NativeFormat::NativeHashtable: one byte, where each bucket begins and the last one ends. */
static void read_instances(struct ready_to_run *ready, struct bytes section)
{
    uint8_t header = (uint8_t)bytes_number(section, 0, 1);
    unsigned width = 1u << (header & 3);
    uint64_t buckets = UINT64_C(1) << (header >> 2);
    size_t entries_left = section.size / 2; /* no entry is shorter */
    bool whole = width <= 4 && buckets < section.size;

    for (uint64_t i = 0; i < buckets && whole; i++) {
        struct reader cursor = {
            .bytes = section,
            .at = 1 + bytes_number(section, 1 + i * width, width),
        };
        uint64_t end = 1 + bytes_number(section, 1 + (i + 1) * width, width);

        whole = end <= section.size && read_bucket(ready, &cursor, end, &entries_left);
    }
    ready->complete &= whole;
}

static struct bytes find_section(const struct pe_image *image, uint32_t type, uint32_t *rva)
{
    struct bytes header = image->ready_to_run;
    uint32_t count = bytes_u32(header, 12);

    for (uint32_t i = 0; i < count && i < SECTIONS_MAX; i++) {
        uint64_t entry = HEADER_SIZE + (uint64_t)i * SECTION_SIZE;

        if (bytes_u32(header, entry) != type)
            continue;
        *rva = bytes_u32(header, entry + 4);
        return pe_at(image, *rva, bytes_u32(header, entry + 8));
    }
    return (struct bytes){0};
}

static int read_header(struct ready_to_run *ready, const struct pe_image *image, struct reason *why)
{
    struct bytes header = image->ready_to_run;
    uint32_t rva;

    if (!header.data || bytes_u32(header, 0) != SIGNATURE)
        return reason_set(why, -ENODATA, "no code compiled ahead of time");
    if (bytes_u32(header, 8) & FLAG_COMPONENT ||
        find_section(image, COMPONENT_ASSEMBLIES, &rva).data)
        return reason_set(why, -ENOTSUP, "part of a composite image");
    ready->functions = find_section(image, RUNTIME_FUNCTIONS, &rva);
    if (!ready->functions.data || image->machine == PE_OTHER)
        return reason_set(why, -ENODATA, "no table of functions that we can read");
    ready->function_size = image->machine == PE_X86_64 ? 12 : 8;
    ready->function_count = (uint32_t)(ready->functions.size / ready->function_size);
    ready->thunks_size = (uint32_t)find_section(image, METHOD_CALL_THUNKS, &ready->thunks_rva).size;
    return 0;
}

int ready_to_run_open(struct ready_to_run *out, const struct pe_image *image, uint32_t method_count,
                      struct reason *why)
{
    struct bytes instances;
    uint32_t rva;
    int r;

    *out = (struct ready_to_run){.complete = true};
    r = read_header(out, image, why);
    if (r == 0) {
        out->owners = calloc(out->function_count + 1, sizeof(*out->owners));
        r = out->owners ? 0 : reason_set(why, -ENOMEM, "no memory");
    }
    if (r < 0) {
        *out = (struct ready_to_run){0};
        return r;
    }
    read_methods(out, find_section(image, METHOD_ENTRY_POINTS, &rva), method_count);
    instances = find_section(image, INSTANCE_ENTRY_POINTS, &rva);
    if (instances.data)
        read_instances(out, instances);
    return 0;
}

void ready_to_run_close(struct ready_to_run *ready)
{
    free(ready->owners);
    *ready = (struct ready_to_run){0};
}

static uint32_t function_begin(const struct ready_to_run *ready, uint32_t index)
{
    return bytes_u32(ready->functions, (uint64_t)index * ready->function_size);
}

/* The last function that begins at @rva or before; function_count: none. */
static uint32_t function_at(const struct ready_to_run *ready, uint32_t rva)
{
    uint32_t low = 0, high = ready->function_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (function_begin(ready, middle) <= rva)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : ready->function_count;
}

/* The address behind the last call of a method that never returns is its end. */
static bool function_holds(const struct ready_to_run *ready, uint32_t index, uint32_t rva)
{
    uint64_t offset = (uint64_t)index * ready->function_size;

    return ready->function_size == 8 || rva <= bytes_u32(ready->functions, offset + 4);
}

bool ready_to_run_method(const struct ready_to_run *ready, uint32_t rva, struct ready_method *out)
{
    uint32_t function = function_at(ready, rva);

    if (function == ready->function_count || !function_holds(ready, function, rva) ||
        rva - ready->thunks_rva < ready->thunks_size)
        return false;
    while (function && ready->complete && !ready->owners[function].row)
        function--;
    *out = ready->owners[function];
    return out->row != 0;
}
