/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/module.h"

#include <string.h>

#define HEADERS_BYTES    1024u
#define SECTIONS_MAX     96u
#define DOS_MAGIC        0x5a4du     /* "MZ" */
#define DOS_PE_OFFSET    0x3cu       /* where it says where the PE header is */
#define PE_MAGIC         0x00004550u /* "PE" */
#define PE_SECTION_COUNT 6u
#define PE_OPTIONAL_SIZE 20u
#define PE_OPTIONAL      24u
#define OPTIONAL_32_BITS 0x10bu
#define OPTIONAL_64_BITS 0x20bu
#define DIRECTORY_COR    14u
#define SECTION_BYTES    40u
#define COR_BYTES        72u
#define COR_METADATA     8u
#define METADATA_MAGIC   0x424a5342u /* "BSJB" */

struct directory {
    uint32_t rva;
    uint32_t size;
};

/* The headers of an image, and whether it lies in memory as the loader spreads it. */
struct image_headers {
    uint64_t base;
    struct bytes bytes;
    uint32_t optional;
    uint32_t sections;
    uint32_t section_count;
    bool flat;
};

static int open_headers(struct bytes bytes, uint64_t base, struct image_headers *out)
{
    uint32_t pe = bytes_u32(bytes, DOS_PE_OFFSET);

    if (bytes_u16(bytes, 0) != DOS_MAGIC || bytes_u32(bytes, pe) != PE_MAGIC)
        return -EBADMSG;
    *out = (struct image_headers){
        .base = base,
        .bytes = bytes,
        .optional = pe + PE_OPTIONAL,
        .sections = pe + PE_OPTIONAL + bytes_u16(bytes, (uint64_t)pe + PE_OPTIONAL_SIZE),
        .section_count = bytes_u16(bytes, (uint64_t)pe + PE_SECTION_COUNT),
    };
    return out->section_count <= SECTIONS_MAX ? 0 : -EBADMSG;
}

static int cor_directory(const struct image_headers *headers, struct directory *out)
{
    uint16_t magic = bytes_u16(headers->bytes, headers->optional);
    uint64_t at = headers->optional + (magic == OPTIONAL_64_BITS ? 112u : 96u) + 8 * DIRECTORY_COR;

    if (magic != OPTIONAL_32_BITS && magic != OPTIONAL_64_BITS)
        return -EBADMSG;
    out->rva = bytes_u32(headers->bytes, at);
    out->size = bytes_u32(headers->bytes, at + 4);
    return out->rva && out->size >= COR_BYTES ? 0 : -EBADMSG;
}

/* Where what has this address in the image lies in the process; 0: nowhere. */
static uint64_t address_of(const struct image_headers *headers, uint32_t rva)
{
    if (!headers->flat)
        return headers->base + rva;
    for (uint32_t i = 0; i < headers->section_count; i++) {
        uint64_t at = headers->sections + (uint64_t)SECTION_BYTES * i;
        uint32_t start = bytes_u32(headers->bytes, at + 12);
        uint32_t size = bytes_u32(headers->bytes, at + 16);

        if (rva >= start && rva - start < size)
            return headers->base + bytes_u32(headers->bytes, at + 20) + (rva - start);
    }
    return 0;
}

/* The metadata's place, if there is some in this form of the image. */
static int find_metadata(struct memory *memory, const struct image_headers *headers,
                         uint64_t *address, uint32_t *size)
{
    struct directory cor, metadata;
    uint32_t magic = 0;
    int r = cor_directory(headers, &cor);

    if (r == 0)
        r = memory_read(memory, address_of(headers, cor.rva) + COR_METADATA, &metadata,
                        sizeof(metadata));
    if (r < 0)
        return r;
    *address = address_of(headers, metadata.rva);
    *size = metadata.size;
    r = memory_read(memory, *address, &magic, sizeof(magic));
    return r == 0 && magic != METADATA_MAGIC ? -EBADMSG : r;
}

static int locate(struct memory *memory, uint64_t base, uint64_t *address, uint32_t *size)
{
    uint8_t bytes[HEADERS_BYTES];
    struct image_headers headers;
    int r = base ? memory_read(memory, base, bytes, sizeof(bytes)) : -ENOENT;

    if (r == 0)
        r = open_headers((struct bytes){bytes, sizeof(bytes)}, base, &headers);
    if (r < 0 || find_metadata(memory, &headers, address, size) == 0)
        return r;
    headers.flat = true;
    return find_metadata(memory, &headers, address, size);
}

static int copy_metadata(struct memory *memory, struct module *out, struct reason *why)
{
    uint64_t address = 0;
    uint32_t size = 0;
    int r = locate(memory, out->base, &address, &size);

    if (r == 0 && size > MODULE_METADATA_MAX)
        r = -E2BIG;
    if (r < 0)
        return reason_set(why, r, "the module has no metadata in memory: %s", strerror(-r));
    out->copy = malloc(size);
    out->size = size;
    if (!out->copy)
        return reason_set(why, -ENOMEM, "no memory for the metadata of a module");
    r = memory_read(memory, address, out->copy, size);
    if (r < 0)
        return reason_set(why, r, "the metadata of a module can't be read: %s", strerror(-r));
    return metadata_open(&out->metadata, (struct bytes){out->copy, size}, why);
}

int module_open(const struct view *view, uint64_t address, struct module *out, struct reason *why)
{
    int r;

    *out = (struct module){.address = address};
    r = view_number(view, address, MODULE_BASE, 8, &out->base);
    if (r < 0)
        return reason_set(why, r, "the module can't be read: %s", strerror(-r));
    r = copy_metadata(view->memory, out, why);
    if (r < 0)
        module_close(out);
    return r;
}

void module_close(struct module *module)
{
    free(module->copy);
    *module = (struct module){0};
}

bool module_is_current(const struct view *view, const struct module *module)
{
    uint64_t base;

    return view_number(view, module->address, MODULE_BASE, 8, &base) == 0 && base == module->base;
}
