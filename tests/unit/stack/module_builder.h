/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "util/bytes.h"

/*
 * A small managed module with code compiled ahead of time, made by hand, with everything in its
 * fixed place. Addresses in tables are file offsets plus MODULE_DELTA; code is at MODULE_CODE.
 *
 *   0x0000  headers
 *   0x0400  the CLI header, tables of ReadyToRun code
 *   0x0800  metadata
 *   0x1000  code, at address 0x11000
 */

#define MODULE_SIZE      0x2000
#define MODULE_DELTA     0x1c00
#define MODULE_PE        0x80
#define MODULE_OPTIONAL  (MODULE_PE + 24)
#define MODULE_SECTIONS  (MODULE_OPTIONAL + 0xf0)
#define MODULE_CLI       0x400
#define MODULE_READY     0x460 /* its header */
#define MODULE_FUNCTIONS 0x500
#define MODULE_METHODS   0x580
#define MODULE_INSTANCES 0x600
#define MODULE_THUNKS    0x680
#define MODULE_METADATA  0x800
#define MODULE_TABLES    (MODULE_METADATA + 0x60)
#define MODULE_ROWS      (MODULE_TABLES + 24 + 7 * 4)
#define MODULE_STRINGS   (MODULE_METADATA + 0x300)
#define MODULE_CODE      0x11000

#define MODULE_METADATA_SIZE 0x500

/* Rows of the seven tables begin there, behind MODULE_ROWS. */
enum {
    ROW_MODULE = 0,
    ROW_TYPE_REF = ROW_MODULE + 10,
    ROW_TYPE_DEF = ROW_TYPE_REF + 2 * 6,
    ROW_METHOD_DEF = ROW_TYPE_DEF + 4 * 14,
    ROW_ASSEMBLY = ROW_METHOD_DEF + 6 * 14,
    ROW_ASSEMBLY_REF = ROW_ASSEMBLY + 22,
    ROW_NESTED_CLASS = ROW_ASSEMBLY_REF + 20,
};

struct module_builder {
    uint8_t bytes[MODULE_SIZE];
    size_t strings;
};

static inline void module_put(struct module_builder *module, size_t at, uint64_t value,
                              unsigned width)
{
    memcpy(module->bytes + at, &value, width);
}

static inline void module_put_bytes(struct module_builder *module, size_t at, const void *bytes,
                                    size_t size)
{
    memcpy(module->bytes + at, bytes, size);
}

static inline uint16_t module_string(struct module_builder *module, const char *text)
{
    size_t at = module->strings;

    strcpy((char *)module->bytes + MODULE_STRINGS + at, text);
    module->strings += strlen(text) + 1;
    return (uint16_t)at;
}

static inline void module_section(struct module_builder *module, unsigned index, uint32_t rva,
                                  uint32_t offset, uint32_t size, uint32_t flags)
{
    size_t at = MODULE_SECTIONS + 40 * index;

    module_put(module, at + 8, size, 4);
    module_put(module, at + 12, rva, 4);
    module_put(module, at + 16, size, 4);
    module_put(module, at + 20, offset, 4);
    module_put(module, at + 36, flags, 4);
}

static inline void module_headers(struct module_builder *module)
{
    module_put(module, 0, 0x5a4d, 2);
    module_put(module, 0x3c, MODULE_PE, 4);
    module_put(module, MODULE_PE, 0x4550, 4);
    module_put(module, MODULE_PE + 4, 0x8664 ^ 0x7b79, 2);
    module_put(module, MODULE_PE + 6, 2, 2);
    module_put(module, MODULE_PE + 20, 0xf0, 2);
    module_put(module, MODULE_OPTIONAL, 0x20b, 2);
    module_put(module, MODULE_OPTIONAL + 108, 16, 4);
    module_put(module, MODULE_OPTIONAL + 112 + 14 * 8, MODULE_CLI + MODULE_DELTA, 4);
    module_put(module, MODULE_OPTIONAL + 112 + 14 * 8 + 4, 72, 4);
    module_section(module, 0, 0x400 + MODULE_DELTA, 0x400, 0xc00, 0x40000040);
    module_section(module, 1, MODULE_CODE, 0x1000, 0x1000, 0x60000020);
    module_put(module, MODULE_CLI, 72, 4);
    module_put(module, MODULE_CLI + 8, MODULE_METADATA + MODULE_DELTA, 4);
    module_put(module, MODULE_CLI + 12, MODULE_METADATA_SIZE, 4);
    module_put(module, MODULE_CLI + 64, MODULE_READY + MODULE_DELTA, 4);
    module_put(module, MODULE_CLI + 68, 0x4c, 4);
}

static inline void module_ready_section(struct module_builder *module, unsigned index,
                                        uint32_t type, uint32_t offset, uint32_t size)
{
    size_t at = MODULE_READY + 16 + 12 * index;

    module_put(module, at, type, 4);
    module_put(module, at + 4, offset + MODULE_DELTA, 4);
    module_put(module, at + 8, size, 4);
}

static inline void module_function(struct module_builder *module, unsigned index, uint32_t start,
                                   uint32_t end)
{
    module_put(module, MODULE_FUNCTIONS + 12 * index, start, 4);
    module_put(module, MODULE_FUNCTIONS + 12 * index + 4, end, 4);
}

/*
 * Functions: 0 of method 2, 1 its funclet, 2 of method 5, 3 of method 6 for some types, 4 of
 * method 9 of module 1. Method 5 has fixups.
 */
static inline void module_code(struct module_builder *module)
{
    static const uint8_t methods[] = {0x30, 0x01, 0x02, 0x1e, 0x08, 0x00, 0x20, 0x12};
    static const uint8_t instances[] = {
        0x00, 0x02, 0x06,                               /* one bucket */
        0x11, 0x06, 0x22, 0x1a,                         /* two entries */
        0x44, 0x15, 0x12, 0x08, 0x01, 0x3e, 0x06, 0x02, /* Type<__Canon>, method 6 */
        0x1c, 0x1d, 0x08, 0x0c,                         /* <object, int[]>, function 3 */
        0x40, 0x3f, 0x01, 0x12, 0x04, 0x09, 0x10,       /* module 1, method 9, function 4 */
    };

    module_put(module, MODULE_READY, 0x00525452, 4);
    module_put(module, MODULE_READY + 4, 9, 2);
    module_put(module, MODULE_READY + 12, 4, 4);
    module_ready_section(module, 0, 102, MODULE_FUNCTIONS, 5 * 12 + 4);
    module_ready_section(module, 1, 103, MODULE_METHODS, sizeof(methods));
    module_ready_section(module, 2, 106, MODULE_THUNKS, 8);
    module_ready_section(module, 3, 109, MODULE_INSTANCES, sizeof(instances));
    module_put_bytes(module, MODULE_METHODS, methods, sizeof(methods));
    module_put_bytes(module, MODULE_INSTANCES, instances, sizeof(instances));
    module_function(module, 0, MODULE_CODE, MODULE_CODE + 0x40);
    module_function(module, 1, MODULE_CODE + 0x40, MODULE_CODE + 0x60);
    module_function(module, 2, MODULE_CODE + 0x60, MODULE_CODE + 0xa0);
    module_function(module, 3, MODULE_CODE + 0x100, MODULE_CODE + 0x140);
    module_function(module, 4, MODULE_CODE + 0x140, MODULE_CODE + 0x180);
}

static inline void module_root(struct module_builder *module)
{
    module_put(module, MODULE_METADATA, 0x424a5342, 4);
    module_put(module, MODULE_METADATA + 12, 12, 4);
    module_put_bytes(module, MODULE_METADATA + 16, "v4.0.30319", 11);
    module_put(module, MODULE_METADATA + 30, 2, 2);
    module_put(module, MODULE_METADATA + 32, MODULE_TABLES - MODULE_METADATA, 4);
    module_put(module, MODULE_METADATA + 36, MODULE_STRINGS - MODULE_TABLES, 4);
    module_put_bytes(module, MODULE_METADATA + 40, "#~", 3);
    module_put(module, MODULE_METADATA + 44, MODULE_STRINGS - MODULE_METADATA, 4);
    module_put(module, MODULE_METADATA + 48, 0x200, 4);
    module_put_bytes(module, MODULE_METADATA + 52, "#Strings", 9);
}

static inline void module_names(struct module_builder *module)
{
    static const struct {
        const char *name_space, *name;
        uint16_t methods;
    } types[] = {{"", "<Module>", 1}, {"Space", "Outer`1", 2}, {"", "Inner", 4}, {"", "Plain", 5}};
    static const char *const methods[] = {"Global", ".ctor", "Run", "Deep", "Main", "Generic"};
    size_t rows = MODULE_ROWS;

    module->strings = 1;
    module_put(module, rows + ROW_MODULE + 2, module_string(module, "Small.dll"), 2);
    module_put(module, rows + ROW_TYPE_REF, 1 << 2 | 2, 2); /* in assembly 1 */
    module_put(module, rows + ROW_TYPE_REF + 2, module_string(module, "Object"), 2);
    module_put(module, rows + ROW_TYPE_REF + 4, module_string(module, "System"), 2);
    module_put(module, rows + ROW_TYPE_REF + 6, 1 << 2 | 3, 2); /* in the type before */
    module_put(module, rows + ROW_TYPE_REF + 8, module_string(module, "Nested"), 2);
    for (unsigned i = 0; i < 4; i++) {
        size_t row = rows + ROW_TYPE_DEF + 14 * i;

        module_put(module, row + 4, module_string(module, types[i].name), 2);
        module_put(module, row + 6, module_string(module, types[i].name_space), 2);
        module_put(module, row + 12, types[i].methods, 2);
    }
    for (unsigned i = 0; i < 6; i++)
        module_put(module, rows + ROW_METHOD_DEF + 14 * i + 8, module_string(module, methods[i]),
                   2);
    module_put(module, rows + ROW_ASSEMBLY + 18, module_string(module, "Small"), 2);
    module_put(module, rows + ROW_ASSEMBLY_REF + 14, module_string(module, "System.Runtime"), 2);
    module_put(module, rows + ROW_NESTED_CLASS, 3, 2);
    module_put(module, rows + ROW_NESTED_CLASS + 2, 2, 2);
}

static inline void module_metadata(struct module_builder *module)
{
    static const struct {
        unsigned table, rows;
    } tables[] = {{0x00, 1}, {0x01, 2}, {0x02, 4}, {0x06, 6}, {0x20, 1}, {0x23, 1}, {0x29, 1}};
    uint64_t present = 0;

    module_root(module);
    for (unsigned i = 0; i < 7; i++) {
        present |= UINT64_C(1) << tables[i].table;
        module_put(module, MODULE_TABLES + 24 + 4 * i, tables[i].rows, 4);
    }
    module_put(module, MODULE_TABLES + 8, present, 8);
    module_names(module);
}

static inline void module_build(struct module_builder *module)
{
    memset(module, 0, sizeof(*module));
    module_headers(module);
    module_code(module);
    module_metadata(module);
}

static inline struct bytes module_bytes(const struct module_builder *module)
{
    return (struct bytes){module->bytes, sizeof(module->bytes)};
}
