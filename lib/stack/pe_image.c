/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/pe_image.h"

enum {
    MACHINE_X86_64 = 0x8664,
    MACHINE_AARCH64 = 0xaa64,
    MACHINE_LINUX = 0x7b79, /* IMAGE_FILE_MACHINE_NATIVE_OS_OVERRIDE, inc/pedecoder.h: xor'ed in */
    MAGIC_PE32 = 0x10b,
    MAGIC_PE32_PLUS = 0x20b,
    SECTION_SIZE = 40,
    SECTION_EXECUTABLE = 0x20000000,
    DIRECTORY_CLI = 14,
    CLI_METADATA = 8,
    CLI_NATIVE_HEADER = 64,
    CLI_SIZE = 72,
};

static enum pe_machine machine_of(uint16_t machine)
{
    switch (machine) {
    case MACHINE_X86_64:
    case MACHINE_X86_64 ^ MACHINE_LINUX:
        return PE_X86_64;
    case MACHINE_AARCH64:
    case MACHINE_AARCH64 ^ MACHINE_LINUX:
        return PE_AARCH64;
    default:
        return PE_OTHER;
    }
}

static const struct pe_section *section_of(const struct pe_image *image, uint32_t rva)
{
    for (size_t i = 0; i < image->section_count; i++) {
        const struct pe_section *section = &image->sections[i];

        if (rva >= section->rva && rva - section->rva < section->file_size)
            return section;
    }
    return NULL;
}

struct bytes pe_from(const struct pe_image *image, uint32_t rva)
{
    const struct pe_section *section = section_of(image, rva);
    uint32_t into = section ? rva - section->rva : 0;

    return section ? bytes_slice(image->file, (uint64_t)section->offset + into,
                                 section->file_size - into)
                   : (struct bytes){0};
}

struct bytes pe_at(const struct pe_image *image, uint32_t rva, uint64_t size)
{
    return bytes_slice(pe_from(image, rva), 0, size);
}

bool pe_code_rva(const struct pe_image *image, uint64_t offset, uint32_t *rva)
{
    for (size_t i = 0; i < image->section_count; i++) {
        const struct pe_section *section = &image->sections[i];

        if (!section->executable || offset < section->offset ||
            offset - section->offset >= section->file_size)
            continue;
        *rva = section->rva + (uint32_t)(offset - section->offset);
        return true;
    }
    return false;
}

static int read_sections(struct pe_image *image, uint64_t offset, unsigned count,
                         struct reason *why)
{
    if (count > PE_SECTIONS_MAX || !bytes_at(image->file, offset, (uint64_t)count * SECTION_SIZE))
        return reason_set(why, -EBADMSG, "%u sections, more than there can be", count);
    for (unsigned i = 0; i < count; i++, offset += SECTION_SIZE) {
        struct pe_section section = {
            .memory_size = bytes_u32(image->file, offset + 8),
            .rva = bytes_u32(image->file, offset + 12),
            .file_size = bytes_u32(image->file, offset + 16),
            .offset = bytes_u32(image->file, offset + 20),
            .executable = bytes_u32(image->file, offset + 36) & SECTION_EXECUTABLE,
        };

        if (!bytes_at(image->file, section.offset, section.file_size) ||
            section.rva + section.file_size < section.rva)
            return reason_set(why, -EBADMSG, "section %u ends outside the file", i);
        image->sections[image->section_count++] = section;
    }
    return 0;
}

static struct bytes directory(const struct pe_image *image, struct bytes at, uint64_t offset)
{
    return pe_at(image, bytes_u32(at, offset), bytes_u32(at, offset + 4));
}

/* No CLI header: a native library, or a composite image, whose components have the metadata. */
static void read_cli(struct pe_image *image, struct bytes optional)
{
    uint64_t directories = bytes_u16(optional, 0) == MAGIC_PE32_PLUS ? 112 : 96;
    struct bytes cli = {0}, native = {0};

    if (bytes_u32(optional, directories - 4) > DIRECTORY_CLI)
        cli = directory(image, optional, directories + DIRECTORY_CLI * 8);
    if (cli.size < CLI_SIZE)
        return;
    image->metadata = directory(image, cli, CLI_METADATA);
    native = directory(image, cli, CLI_NATIVE_HEADER);
    if (native.data)
        image->ready_to_run = pe_from(image, bytes_u32(cli, CLI_NATIVE_HEADER));
}

int pe_open(struct pe_image *out, struct bytes file, struct reason *why)
{
    uint64_t header = bytes_u32(file, 0x3c), optional_size;
    struct bytes optional;
    uint16_t magic;
    int r;

    *out = (struct pe_image){.file = file};
    if (bytes_u16(file, 0) != 0x5a4d || bytes_u32(file, header) != 0x4550)
        return reason_set(why, -ENOEXEC, "not a PE image");
    out->machine = machine_of(bytes_u16(file, header + 4));
    optional_size = bytes_u16(file, header + 20);
    optional = bytes_slice(file, header + 24, optional_size);
    magic = bytes_u16(optional, 0);
    if (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS)
        return reason_set(why, -ENOEXEC, "not a PE image");
    r = read_sections(out, header + 24 + optional_size, bytes_u16(file, header + 6), why);
    if (r == 0)
        read_cli(out, optional);
    else
        *out = (struct pe_image){0};
    return r;
}
