/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <string.h>

/*
 * A managed image, made by hand: one section, which a loader spreads to 0x1000 and which is at
 * 0x400 of the file. Its metadata has the types <Module> and Here.Thing (row 2), and of the latter
 * the method Do (row 1).
 */

#define CRAFTED_IMAGE_SIZE  0x2000u
#define CRAFTED_SECTION_RVA 0x1000u
#define CRAFTED_SECTION     0x400u
#define CRAFTED_METADATA    0x80u /* in the section */

#define CRAFTED_STRINGS "\0<Module>\0Thing\0Here\0Do"

struct crafted_metadata {
    char magic[4];
    uint16_t major, minor;
    uint32_t reserved, version_size;
    char version[4];
    uint16_t flags, stream_count;
    uint32_t tables_offset, tables_size;
    char tables_name[4];
    uint32_t strings_offset, strings_size;
    char strings_name[12];
    struct {
        uint32_t reserved;
        uint8_t major, minor, heaps, rows;
        uint64_t valid, sorted;
        uint32_t modules, types, methods;
        uint16_t module[5];
        struct {
            uint32_t flags;
            uint16_t name, space, extends, fields, methods;
        } __attribute__((packed)) type[2];
        struct {
            uint32_t rva;
            uint16_t code, flags, name, signature, parameters;
        } __attribute__((packed)) method;
    } __attribute__((packed)) tables;
    char strings[sizeof(CRAFTED_STRINGS)];
} __attribute__((packed));

static inline struct crafted_metadata crafted_metadata(void)
{
    struct crafted_metadata metadata = {
        .magic = {'B', 'S', 'J', 'B'},
        .major = 1,
        .minor = 1,
        .version_size = 4,
        .version = "v4",
        .stream_count = 2,
        .tables_offset = offsetof(struct crafted_metadata, tables),
        .tables_size = sizeof(metadata.tables),
        .tables_name = "#~",
        .strings_offset = offsetof(struct crafted_metadata, strings),
        .strings_size = sizeof(CRAFTED_STRINGS),
        .strings_name = "#Strings",
        .tables = {.major = 2,
                   .rows = 1,
                   .valid = 1 << 0 | 1 << 2 | 1 << 6,
                   .modules = 1,
                   .types = 2,
                   .methods = 1,
                   .module = {0, 1},
                   .type = {{.name = 1, .fields = 1, .methods = 1},
                            {.name = 10, .space = 16, .fields = 1, .methods = 1}},
                   .method = {.name = 21}},
    };

    memcpy(metadata.strings, CRAFTED_STRINGS, sizeof(CRAFTED_STRINGS));
    return metadata;
}

static inline void put(uint8_t *at, uint64_t value, size_t width)
{
    memcpy(at, &value, width);
}

/* @spread: as the loader has it in memory, else as the file is. */
static inline void craft_image(uint8_t image[static CRAFTED_IMAGE_SIZE], int spread)
{
    struct crafted_metadata metadata = crafted_metadata();
    uint8_t *pe = image + 0x80, *section = image + (spread ? CRAFTED_SECTION_RVA : CRAFTED_SECTION);

    memset(image, 0, CRAFTED_IMAGE_SIZE);
    put(image, 0x5a4d, 2);
    put(image + 0x3c, 0x80, 4);
    put(pe, 0x4550, 4);
    put(pe + 4, 0x8664, 2);
    put(pe + 6, 1, 2);
    put(pe + 20, 240, 2);
    put(pe + 24, 0x20b, 2);
    put(pe + 24 + 108, 16, 4);
    put(pe + 24 + 112 + 14 * 8, CRAFTED_SECTION_RVA, 4);
    put(pe + 24 + 112 + 14 * 8 + 4, 72, 4);
    put(pe + 24 + 240 + 8, 0x400, 4);
    put(pe + 24 + 240 + 12, CRAFTED_SECTION_RVA, 4);
    put(pe + 24 + 240 + 16, 0x400, 4);
    put(pe + 24 + 240 + 20, CRAFTED_SECTION, 4);
    put(section, 72, 4);
    put(section + 8, CRAFTED_SECTION_RVA + CRAFTED_METADATA, 4);
    put(section + 12, sizeof(metadata), 4);
    memcpy(section + CRAFTED_METADATA, &metadata, sizeof(metadata));
}
