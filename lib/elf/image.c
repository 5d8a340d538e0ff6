/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/image.h"

#include <elf.h>
#include <string.h>

const void *image_bytes(const struct image *image, uint64_t offset, size_t length)
{
    if (offset > image->size || length > image->size - offset)
        return NULL;
    return image->data + offset;
}

const void *image_at(const struct image *image, uint64_t va, size_t length)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct segment *segment = &image->segments[i];
        uint64_t into = va - segment->va;

        if (va < segment->va || into >= segment->file_size)
            continue;
        if (length > segment->file_size - into)
            return NULL;
        return image_bytes(image, segment->offset + into, length);
    }
    return NULL;
}

const char *image_string(const struct image *image, uint64_t va, size_t most)
{
    const struct segment *segment = image_segment(image, va);
    const char *text;

    if (!segment || va - segment->va >= segment->file_size)
        return NULL;
    if (most > segment->file_size - (va - segment->va))
        most = segment->file_size - (va - segment->va);
    text = image_at(image, va, most);
    return text && memchr(text, 0, most) ? text : NULL;
}

const struct segment *image_segment(const struct image *image, uint64_t va)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct segment *segment = &image->segments[i];

        if (va >= segment->va && va - segment->va < segment->memory_size)
            return segment;
    }
    return NULL;
}

bool image_is_code(const struct image *image, uint64_t va)
{
    const struct segment *segment = image_segment(image, va);

    return segment && segment->flags & SEGMENT_EXECUTABLE && va - segment->va < segment->file_size;
}

static bool is_in(const struct segment *segment, uint64_t va)
{
    return va >= segment->va && va - segment->va < segment->memory_size;
}

/* Written by the loader alone. */
static bool is_loaders(const struct image *image, uint64_t va)
{
    return is_in(&image->relro, va) || is_in(&image->got, va);
}

bool image_is_writable(const struct image *image, uint64_t va)
{
    const struct segment *segment = image_segment(image, va);

    return segment && segment->flags & SEGMENT_WRITABLE && !is_loaders(image, va);
}

bool image_is_constant(const struct image *image, uint64_t va)
{
    const struct segment *segment = image_segment(image, va);

    return segment && (!(segment->flags & SEGMENT_WRITABLE) || is_loaders(image, va));
}

static int add_load(struct image *image, const Elf64_Phdr *header, struct reason *why)
{
    if (image->segment_count == IMAGE_SEGMENTS_MAX)
        return reason_set(why, -EBADMSG, "more than %d loadable segments", IMAGE_SEGMENTS_MAX);
    if (!image_bytes(image, header->p_offset, header->p_filesz))
        return reason_set(why, -EBADMSG,
                          "truncated: a segment at offset 0x%llx ends after the file",
                          (unsigned long long)header->p_offset);
    if (header->p_memsz < header->p_filesz || header->p_vaddr + header->p_memsz < header->p_vaddr)
        return reason_set(why, -EBADMSG, "a segment at 0x%llx has an impossible size",
                          (unsigned long long)header->p_vaddr);
    image->segments[image->segment_count++] = (struct segment){
        .va = header->p_vaddr,
        .offset = header->p_offset,
        .file_size = header->p_filesz,
        .memory_size = header->p_memsz,
        .flags = header->p_flags,
    };
    return 0;
}

static int add_header(struct image *image, const Elf64_Phdr *header, struct reason *why)
{
    switch (header->p_type) {
    case PT_LOAD:
        return add_load(image, header, why);
    case PT_DYNAMIC:
        image->dynamic = header->p_vaddr;
        image->dynamic_size = header->p_memsz;
        return 0;
    case PT_GNU_EH_FRAME:
        image->eh_frame_header = header->p_vaddr;
        return 0;
    case PT_GNU_RELRO:
        image->relro = (struct segment){.va = header->p_vaddr, .memory_size = header->p_memsz};
        return 0;
    default:
        return 0;
    }
}

static int check_ident(const struct image *image, Elf64_Ehdr *header, struct reason *why)
{
    const void *bytes = image_bytes(image, 0, sizeof(*header));

    if (!bytes || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return reason_set(why, -ENOEXEC, "not an ELF file");
    memcpy(header, bytes, sizeof(*header));
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
        return reason_set(why, -ENOEXEC, "not a 64-bit little-endian ELF file");
    if (header->e_machine != EM_X86_64 && header->e_machine != EM_AARCH64)
        return reason_set(why, -ENOEXEC, "ELF machine %u is neither x86-64 nor aarch64",
                          header->e_machine);
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0)
        return reason_set(why, -EBADMSG, "no program headers");
    return 0;
}

static int read_file_header(struct image *image, struct reason *why)
{
    Elf64_Ehdr header;
    int r = check_ident(image, &header, why);

    if (r < 0)
        return r;
    image->machine = header.e_machine;
    image->program_headers = header.e_phoff;
    image->program_header_count = header.e_phnum;
    return 0;
}

static int read_program_headers(struct image *image, struct reason *why)
{
    int r = 0;

    for (uint16_t i = 0; i < image->program_header_count; i++) {
        Elf64_Phdr program;
        uint64_t offset;
        const void *bytes;

        if (__builtin_add_overflow(image->program_headers, i * sizeof(program), &offset) ||
            !(bytes = image_bytes(image, offset, sizeof(program))))
            return reason_set(why, -EBADMSG, "truncated: program header %u is outside the file", i);
        memcpy(&program, bytes, sizeof(program));
        r = add_header(image, &program, why);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Linkers give each byte of a file one address. Many segments of the same bytes are a trap: each
 * search would go through all of them. */
static int check_segments(const struct image *image, struct reason *why)
{
    uint64_t left = 2 * (uint64_t)image->size;

    for (size_t i = 0; i < image->segment_count; i++) {
        if (image->segments[i].file_size > left)
            return reason_set(why, -EBADMSG, "its segments claim the same bytes again and again");
        left -= image->segments[i].file_size;
    }
    return 0;
}

int image_open(struct image *out, const void *data, size_t size, struct reason *why)
{
    struct image image = {.data = data, .size = size};
    int r = read_file_header(&image, why);

    if (r == 0)
        r = read_program_headers(&image, why);
    if (r == 0)
        r = check_segments(&image, why);
    *out = r < 0 ? (struct image){0} : image;
    return r;
}

int image_open_debug_file(struct image *out, const void *data, size_t size, struct reason *why)
{
    struct image image = {.data = data, .size = size};
    int r = read_file_header(&image, why);

    *out = r < 0 ? (struct image){0} : image;
    return r;
}

void image_close(struct image *image)
{
    free(image->relocations);
    free(image->functions);
    *image = (struct image){0};
}
