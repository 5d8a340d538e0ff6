/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/metadata.h"

#include <stdbool.h>

#include "util/text.h"

/*
 * Where a row of a table is depends on the widths of all columns of all tables before it: an index
 * is two bytes wide if it can be, and how far it must reach depends on how many rows there are. So
 * the whole schema (II.22) has to be told, though we read five tables of it. A column is a byte:
 * its width, a heap, a table (0x40 and its number), or a coded index (0x80 and its number,
 * II.24.2.6).
 */

#define COLUMNS_MAX 9
#define NESTING_MAX 16

enum { STRING = 1, GUID = 3, BLOB = 5, TABLE = 0x40, CODED = 0x80 };

enum coded {
    TYPE_DEF_OR_REF,
    HAS_CONSTANT,
    HAS_ATTRIBUTE,
    HAS_MARSHAL,
    HAS_SECURITY,
    MEMBER_PARENT,
    HAS_SEMANTICS,
    METHOD_DEF_OR_REF,
    FORWARDED,
    IMPLEMENTATION,
    ATTRIBUTE_TYPE,
    RESOLUTION_SCOPE,
    TYPE_OR_METHOD,
    CODED_MAX,
};

/* Bits of the tag, and the tables that it tells apart. */
static const struct {
    uint8_t bits, count;
    uint8_t tables[22];
} codings[CODED_MAX] = {
    [TYPE_DEF_OR_REF] = {2, 3, {0x02, 0x01, 0x1b}},
    [HAS_CONSTANT] = {2, 3, {0x04, 0x08, 0x17}},
    [HAS_ATTRIBUTE] = {5, 22, {0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x0e, 0x17, 0x14,
                               0x11, 0x1a, 0x1b, 0x20, 0x23, 0x26, 0x27, 0x28, 0x2a, 0x2c, 0x2b}},
    [HAS_MARSHAL] = {1, 2, {0x04, 0x08}},
    [HAS_SECURITY] = {2, 3, {0x02, 0x06, 0x20}},
    [MEMBER_PARENT] = {3, 5, {0x02, 0x01, 0x1a, 0x06, 0x1b}},
    [HAS_SEMANTICS] = {1, 2, {0x14, 0x17}},
    [METHOD_DEF_OR_REF] = {1, 2, {0x06, 0x0a}},
    [FORWARDED] = {1, 2, {0x04, 0x06}},
    [IMPLEMENTATION] = {2, 3, {0x26, 0x23, 0x27}},
    [ATTRIBUTE_TYPE] = {3, 2, {0x06, 0x0a}},
    [RESOLUTION_SCOPE] = {2, 4, {0x00, 0x1a, 0x23, 0x01}},
    [TYPE_OR_METHOD] = {1, 2, {0x02, 0x06}},
};

#define T(table) (TABLE | (table))
#define C(coded) (CODED | (coded))

static const uint8_t schema[METADATA_TABLES][COLUMNS_MAX] = {
    [0x00] = {2, STRING, GUID, GUID, GUID},
    [0x01] = {C(RESOLUTION_SCOPE), STRING, STRING},
    [0x02] = {4, STRING, STRING, C(TYPE_DEF_OR_REF), T(0x04), T(0x06)},
    [0x03] = {T(0x04)},
    [0x04] = {2, STRING, BLOB},
    [0x05] = {T(0x06)},
    [0x06] = {4, 2, 2, STRING, BLOB, T(0x08)},
    [0x07] = {T(0x08)},
    [0x08] = {2, 2, STRING},
    [0x09] = {T(0x02), C(TYPE_DEF_OR_REF)},
    [0x0a] = {C(MEMBER_PARENT), STRING, BLOB},
    [0x0b] = {2, C(HAS_CONSTANT), BLOB},
    [0x0c] = {C(HAS_ATTRIBUTE), C(ATTRIBUTE_TYPE), BLOB},
    [0x0d] = {C(HAS_MARSHAL), BLOB},
    [0x0e] = {2, C(HAS_SECURITY), BLOB},
    [0x0f] = {2, 4, T(0x02)},
    [0x10] = {4, T(0x04)},
    [0x11] = {BLOB},
    [0x12] = {T(0x02), T(0x14)},
    [0x13] = {T(0x14)},
    [0x14] = {2, STRING, C(TYPE_DEF_OR_REF)},
    [0x15] = {T(0x02), T(0x17)},
    [0x16] = {T(0x17)},
    [0x17] = {2, STRING, BLOB},
    [0x18] = {2, T(0x06), C(HAS_SEMANTICS)},
    [0x19] = {T(0x02), C(METHOD_DEF_OR_REF), C(METHOD_DEF_OR_REF)},
    [0x1a] = {STRING},
    [0x1b] = {BLOB},
    [0x1c] = {2, C(FORWARDED), STRING, T(0x1a)},
    [0x1d] = {4, T(0x04)},
    [0x1e] = {4, 4},
    [0x1f] = {4},
    [0x20] = {4, 4, 4, 4, BLOB, STRING, STRING}, /* four versions of 2 as two of 4 */
    [0x21] = {4},
    [0x22] = {4, 4, 4},
    [0x23] = {4, 4, 4, BLOB, STRING, STRING, BLOB},
    [0x24] = {4, T(0x23)},
    [0x25] = {4, 4, 4, T(0x23)},
    [0x26] = {4, STRING, BLOB},
    [0x27] = {4, 4, STRING, STRING, C(IMPLEMENTATION)},
    [0x28] = {4, 4, STRING, C(IMPLEMENTATION)},
    [0x29] = {T(0x02), T(0x02)},
    [0x2a] = {2, 2, C(TYPE_OR_METHOD), STRING},
    [0x2b] = {C(METHOD_DEF_OR_REF), BLOB},
    [0x2c] = {T(0x2a), C(TYPE_DEF_OR_REF)},
};

/* Columns that we read. */
enum {
    MODULE_NAME = 1,
    TYPE_REF_SCOPE = 0,
    TYPE_REF_NAME = 1,
    TYPE_REF_NAMESPACE = 2,
    TYPE_DEF_NAME = 1,
    TYPE_DEF_NAMESPACE = 2,
    TYPE_DEF_METHODS = 5,
    METHOD_DEF_NAME = 3,
    NESTED_INNER = 0,
    NESTED_OUTER = 1,
};

static uint8_t coded_width(const struct metadata *metadata, enum coded coded)
{
    uint32_t most = 0;

    for (unsigned i = 0; i < codings[coded].count; i++)
        if (metadata->rows[codings[coded].tables[i]] > most)
            most = metadata->rows[codings[coded].tables[i]];
    return most < 1u << (16 - codings[coded].bits) ? 2 : 4;
}

static uint8_t column_width(const struct metadata *metadata, uint8_t column)
{
    if (column & CODED)
        return coded_width(metadata, column & 0x3f);
    if (column & TABLE)
        return metadata->rows[column & 0x3f] < 1u << 16 ? 2 : 4;
    switch (column) {
    case STRING:
        return metadata->string_width;
    case GUID:
        return metadata->guid_width;
    case BLOB:
        return metadata->blob_width;
    default:
        return column;
    }
}

/* The content of a column; 0 where there is no such row, which as an index means none. */
static uint32_t cell(const struct metadata *metadata, uint8_t table, uint32_t row, unsigned column)
{
    uint64_t offset = (uint64_t)(row - 1) * metadata->row_size[table];

    if (row == 0 || row > metadata->rows[table])
        return 0;
    for (unsigned i = 0; i < column; i++)
        offset += column_width(metadata, schema[table][i]);
    return (uint32_t)bytes_number(metadata->tables[table], offset,
                                  column_width(metadata, schema[table][column]));
}

static const char *text_cell(const struct metadata *metadata, uint8_t table, uint32_t row,
                             unsigned column)
{
    const char *text = bytes_string(metadata->strings, cell(metadata, table, row, column));

    return text ? text : "";
}

static int lay_out(struct metadata *metadata, struct bytes stream, uint64_t offset,
                   struct reason *why)
{
    for (unsigned table = 0; table < METADATA_TABLES; table++) {
        uint64_t size;

        for (unsigned i = 0; i < COLUMNS_MAX && schema[table][i]; i++)
            metadata->row_size[table] += column_width(metadata, schema[table][i]);
        size = (uint64_t)metadata->rows[table] * metadata->row_size[table];
        metadata->tables[table] = bytes_slice(stream, offset, size);
        if (!metadata->tables[table].data)
            return reason_set(why, -EBADMSG, "metadata: table 0x%02x ends outside", table);
        offset += size;
    }
    return 0;
}

/* "#~": 8 bytes, which tables there are (a bit each), which are sorted, rows of each, the rows. */
static int read_tables(struct metadata *metadata, struct bytes stream, struct reason *why)
{
    uint8_t heaps = (uint8_t)bytes_number(stream, 6, 1);
    uint64_t present = bytes_number(stream, 8, 8), offset = 24;

    if (present >> METADATA_TABLES)
        return reason_set(why, -EBADMSG, "metadata: tables that are in no edition of ECMA-335");
    metadata->string_width = heaps & 1 ? 4 : 2;
    metadata->guid_width = heaps & 2 ? 4 : 2;
    metadata->blob_width = heaps & 4 ? 4 : 2;
    for (unsigned table = 0; table < METADATA_TABLES; table++) {
        if (!(present >> table & 1))
            continue;
        metadata->rows[table] = bytes_u32(stream, offset);
        offset += 4;
    }
    return lay_out(metadata, stream, offset + (heaps & 0x40 ? 4 : 0), why);
}

/* A header of a stream: offset, size, and a name whose room is a multiple of 4. */
static int read_streams(struct bytes bytes, uint64_t offset, struct bytes *tables,
                        struct bytes *strings, struct reason *why)
{
    unsigned count = bytes_u16(bytes, offset + 2);

    offset += 4;
    for (unsigned i = 0; i < count && i < 16; i++) {
        struct bytes stream =
            bytes_slice(bytes, bytes_u32(bytes, offset), bytes_u32(bytes, offset + 4));
        const char *name = bytes_string(bytes, offset + 8);

        if (!name)
            return reason_set(why, -EBADMSG, "metadata: its streams' names have no end");
        if (strcmp(name, "#-") == 0)
            return reason_set(why, -ENOTSUP, "metadata: uncompressed, of an edited module");
        if (strcmp(name, "#~") == 0)
            *tables = stream;
        if (strcmp(name, "#Strings") == 0)
            *strings = stream;
        offset += 8 + ((strlen(name) + 4) & ~(size_t)3);
    }
    return 0;
}

int metadata_open(struct metadata *out, struct bytes bytes, struct reason *why)
{
    struct bytes tables = {0};
    int r;

    *out = (struct metadata){0};
    if (bytes_u32(bytes, 0) != 0x424a5342)
        return reason_set(why, -EBADMSG, "metadata: no root");
    r = read_streams(bytes, 16 + (uint64_t)bytes_u32(bytes, 12), &tables, &out->strings, why);
    if (r < 0)
        return r;
    if (!tables.data)
        return reason_set(why, -EBADMSG, "metadata: no tables");
    return read_tables(out, tables, why);
}

static int finish(char *out, bool known)
{
    if (known)
        text_printable(out);
    else
        out[0] = 0;
    return known ? 0 : -ENOENT;
}

static void append(char *out, size_t size, const char *text)
{
    size_t length = strlen(out);

    if (length < size - 1)
        text_copy(out + length, size - length, text);
}

/* The type that @row is nested in, or 0. NestedClass is sorted by the inner one. */
static uint32_t enclosing_type(const struct metadata *metadata, uint32_t row)
{
    uint32_t low = 1, high = metadata->rows[METADATA_NESTED_CLASS];

    while (low <= high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t inner = cell(metadata, METADATA_NESTED_CLASS, middle, NESTED_INNER);

        if (inner == row)
            return cell(metadata, METADATA_NESTED_CLASS, middle, NESTED_OUTER);
        if (inner < row)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return 0;
}

static uint32_t enclosing_reference(const struct metadata *metadata, uint32_t row)
{
    uint32_t scope = cell(metadata, METADATA_TYPE_REF, row, TYPE_REF_SCOPE);

    return (scope & 3) == 3 ? scope >> 2 : 0; /* the fourth of RESOLUTION_SCOPE */
}

static const struct type_table {
    uint8_t table, name, name_space;
    uint32_t (*enclosing)(const struct metadata *metadata, uint32_t row);
} type_tables[] = {
    {METADATA_TYPE_DEF, TYPE_DEF_NAME, TYPE_DEF_NAMESPACE, enclosing_type},
    {METADATA_TYPE_REF, TYPE_REF_NAME, TYPE_REF_NAMESPACE, enclosing_reference},
};

static bool write_type(const struct metadata *metadata, const struct type_table *of, uint32_t row,
                       char *out, size_t size)
{
    uint32_t chain[NESTING_MAX];
    unsigned depth = 0;
    const char *name_space;

    while (row && depth < NESTING_MAX) {
        chain[depth++] = row;
        row = of->enclosing(metadata, row);
    }
    if (!depth || row || !text_cell(metadata, of->table, chain[0], of->name)[0])
        return false;
    name_space = text_cell(metadata, of->table, chain[depth - 1], of->name_space);
    text_copy(out, size, name_space);
    if (name_space[0])
        append(out, size, ".");
    while (depth--) {
        append(out, size, text_cell(metadata, of->table, chain[depth], of->name));
        if (depth)
            append(out, size, "+");
    }
    return true;
}

int metadata_type_name(const struct metadata *metadata, uint32_t token, char *out, size_t size)
{
    bool known = false;

    for (size_t i = 0; i < ARRAY_SIZE(type_tables); i++)
        if (type_tables[i].table == token >> 24)
            known = write_type(metadata, &type_tables[i], token & 0xffffff, out, size);
    return finish(out, known);
}

/* The last type whose methods begin at @method or before: the lists follow each other. */
static uint32_t type_of_method(const struct metadata *metadata, uint32_t method)
{
    uint32_t low = 1, high = metadata->rows[METADATA_TYPE_DEF], found = 0;

    while (low <= high) {
        uint32_t middle = low + (high - low) / 2;

        if (cell(metadata, METADATA_TYPE_DEF, middle, TYPE_DEF_METHODS) <= method) {
            found = middle;
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    return found;
}

int metadata_method_name(const struct metadata *metadata, uint32_t token, char *out, size_t size)
{
    uint32_t row = token & 0xffffff, type = type_of_method(metadata, row);
    const char *name = text_cell(metadata, METADATA_METHOD_DEF, row, METHOD_DEF_NAME);

    if (token >> 24 != METADATA_METHOD_DEF || !name[0] ||
        !write_type(metadata, &type_tables[0], type, out, size))
        return finish(out, false);
    if (type > 1) /* the first holds what belongs to no type: "<Module>" */
        append(out, size, ".");
    else
        out[0] = 0;
    append(out, size, name);
    return finish(out, true);
}

int metadata_module_name(const struct metadata *metadata, char *out, size_t size)
{
    const char *name = text_cell(metadata, METADATA_MODULE, 1, MODULE_NAME);

    text_copy(out, size, name);
    return finish(out, name[0]);
}
