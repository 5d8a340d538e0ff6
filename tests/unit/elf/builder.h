/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <elf.h>
#include <string.h>

#include "elf/image.h"

/*
 * A small ELF image, made by hand: three segments with everything in its fixed place, so that a
 * test says only what it is about. Addresses are file offsets, but for the data.
 *
 *   0x0000  headers, note, dynamic section, symbols, relocations, frames, then free read-only room
 *   0x2000  code
 *   0x4000  data, at address 0x8000; behind the file's, 0x1000 bytes of .bss
 *   0x5000  section headers and what they mean, in no segment
 */

#define BUILD_SIZE    0x6000
#define BUILD_NOTE    0x0200
#define BUILD_DYNAMIC 0x0280
#define BUILD_SYMBOLS 0x0400
#define BUILD_STRINGS 0x0600
#define BUILD_RELA    0x0800
#define BUILD_RELR    0x0e00
#define BUILD_HEADER  0x1000 /* .eh_frame_hdr */
#define BUILD_FRAMES  0x1200
#define BUILD_RODATA  0x1800
#define BUILD_CODE    0x2000
#define BUILD_DATA    0x8000
#define BUILD_BSS     0x9000
#define BUILD_SECTION 0x5000
#define BUILD_NAMES   0x5800 /* of sections; content of sections from 0x5900 */

#define BUILD_DATA_OFFSET (BUILD_DATA - 0x4000)

enum { HEADER_TEXT, HEADER_CODE, HEADER_DATA, HEADER_DYNAMIC, HEADER_FRAMES, HEADER_NOTE, HEADERS };

struct builder {
    uint8_t bytes[BUILD_SIZE];
    size_t dynamic_count, symbol_count, string_size, rela_count, relr_size;
    size_t function_count, frame_size, section_count, name_size;
};

static inline void *builder_at(struct builder *builder, uint64_t va)
{
    return builder->bytes + (va >= BUILD_DATA ? va - BUILD_DATA_OFFSET : va);
}

static inline void builder_put(struct builder *builder, uint64_t va, const void *bytes, size_t size)
{
    memcpy(builder_at(builder, va), bytes, size);
}

static inline void builder_put_text(struct builder *builder, uint64_t va, const char *text)
{
    builder_put(builder, va, text, strlen(text) + 1);
}

static inline void builder_put_32(struct builder *builder, uint64_t va, uint64_t value)
{
    uint32_t word = (uint32_t)value;

    builder_put(builder, va, &word, sizeof(word));
}

static inline Elf64_Ehdr *builder_file(struct builder *builder)
{
    return (Elf64_Ehdr *)builder->bytes;
}

static inline Elf64_Phdr *builder_header(struct builder *builder, int index)
{
    return (Elf64_Phdr *)(builder->bytes + sizeof(Elf64_Ehdr)) + index;
}

static inline Elf64_Shdr *builder_section(struct builder *builder, size_t index)
{
    return (Elf64_Shdr *)(builder->bytes + BUILD_SECTION) + index;
}

/* Replaces the value of a tag, or adds it. */
static inline void builder_tag(struct builder *builder, int64_t tag, uint64_t value)
{
    Elf64_Dyn *dynamic = builder_at(builder, BUILD_DYNAMIC);
    size_t i = 0;

    while (i < builder->dynamic_count && dynamic[i].d_tag != tag)
        i++;
    if (i == builder->dynamic_count)
        builder->dynamic_count++;
    dynamic[i].d_tag = tag;
    dynamic[i].d_un.d_val = value;
}

static inline void builder_rela(struct builder *builder, uint32_t type, uint64_t slot,
                                uint64_t target)
{
    Elf64_Rela *rela = builder_at(builder, BUILD_RELA);

    rela[builder->rela_count++] =
        (Elf64_Rela){slot, ELF64_R_INFO(0, (uint64_t)type), (int64_t)target};
    builder_tag(builder, DT_RELA, BUILD_RELA);
    builder_tag(builder, DT_RELASZ, builder->rela_count * sizeof(*rela));
}

static inline void builder_relocate(struct builder *builder, uint64_t slot, uint64_t target)
{
    bool arm = builder_file(builder)->e_machine == EM_AARCH64;

    builder_rela(builder, arm ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE, slot, target);
}

static inline void builder_relr(struct builder *builder, uint64_t word)
{
    builder_put(builder, BUILD_RELR + builder->relr_size, &word, sizeof(word));
    builder->relr_size += sizeof(word);
    builder_tag(builder, 36 /* DT_RELR */, BUILD_RELR);
    builder_tag(builder, 35 /* DT_RELRSZ */, builder->relr_size);
}

static inline uint32_t builder_string(struct builder *builder, const char *text)
{
    uint32_t at = (uint32_t)builder->string_size;

    builder_put_text(builder, BUILD_STRINGS + at, text);
    builder->string_size += strlen(text) + 1;
    return at;
}

static inline void builder_export(struct builder *builder, const char *name, uint64_t address)
{
    Elf64_Sym *symbols = builder_at(builder, BUILD_SYMBOLS);

    symbols[++builder->symbol_count] = (Elf64_Sym){
        .st_name = builder_string(builder, name),
        .st_shndx = 1,
        .st_value = address,
    };
    builder_tag(builder, DT_SYMTAB, BUILD_SYMBOLS);
    builder_tag(builder, DT_STRTAB, BUILD_STRINGS);
}

/* The loader puts the address of @name, which another image has, at @slot. */
static inline void builder_import(struct builder *builder, const char *name, uint64_t slot)
{
    bool arm = builder_file(builder)->e_machine == EM_AARCH64;
    Elf64_Rela *rela = builder_at(builder, BUILD_RELA);

    builder_export(builder, name, 0);
    ((Elf64_Sym *)builder_at(builder, BUILD_SYMBOLS))[builder->symbol_count].st_shndx = SHN_UNDEF;
    builder_rela(builder, arm ? R_AARCH64_GLOB_DAT : R_X86_64_GLOB_DAT, slot, 0);
    rela[builder->rela_count - 1].r_info |= (uint64_t)builder->symbol_count << 32;
}

/* A common information entry; frames that follow refer to it. */
static inline uint64_t builder_common(struct builder *builder, const void *augmentation,
                                      size_t size)
{
    uint64_t va = BUILD_FRAMES + builder->frame_size;

    builder_put_32(builder, va, 60);
    builder_put_32(builder, va + 4, 0);
    memset(builder_at(builder, va + 8), 0, 56);
    builder_put(builder, va + 8, "\1", 1);
    builder_put(builder, va + 9, augmentation, size);
    builder->frame_size += 64;
    return va;
}

/* "zR", code alignment 1, data alignment -8, return register 16, one byte: pcrel sdata4. */
#define COMMON_ZR "zR\0\x01\x78\x10\x01\x1b"

static inline uint64_t builder_common_usual(struct builder *builder)
{
    return builder_common(builder, COMMON_ZR, sizeof(COMMON_ZR));
}

static inline void builder_frame(struct builder *builder, uint64_t common, uint64_t start,
                                 uint64_t size)
{
    uint64_t va = BUILD_FRAMES + builder->frame_size;
    uint64_t entry = BUILD_HEADER + 12 + 8 * builder->function_count++;

    builder_put_32(builder, va, 20);
    builder_put_32(builder, va + 4, va + 4 - common);
    builder_put_32(builder, va + 8, start - (va + 8));
    builder_put_32(builder, va + 12, size);
    builder->frame_size += 24;
    builder_put_32(builder, entry, start - BUILD_HEADER);
    builder_put_32(builder, entry + 4, va - BUILD_HEADER);
    builder_put_32(builder, BUILD_HEADER + 8, builder->function_count);
}

/* @code at @va as a function with a frame. */
static inline void builder_function(struct builder *builder, uint64_t va, const void *code,
                                    size_t size)
{
    builder_put(builder, va, code, size);
    builder_frame(builder, BUILD_FRAMES, va, size);
}

static inline size_t builder_add_section(struct builder *builder, uint32_t type, const char *name,
                                         uint64_t offset, uint64_t size)
{
    Elf64_Ehdr *file = builder_file(builder);
    size_t index = builder->section_count++;

    *builder_section(builder, index) = (Elf64_Shdr){
        .sh_name = (uint32_t)builder->name_size,
        .sh_type = type,
        .sh_offset = offset,
        .sh_size = size,
    };
    strcpy((char *)builder->bytes + BUILD_NAMES + builder->name_size, name);
    builder->name_size += strlen(name) + 1;
    file->e_shoff = BUILD_SECTION;
    file->e_shentsize = sizeof(Elf64_Shdr);
    file->e_shnum = (uint16_t)builder->section_count;
    return index;
}

static inline void builder_build_id(struct builder *builder, const void *id, uint32_t size)
{
    Elf64_Nhdr note = {4, size, NT_GNU_BUILD_ID};

    builder_put(builder, BUILD_NOTE, &note, sizeof(note));
    builder_put(builder, BUILD_NOTE + sizeof(note), "GNU", 4);
    builder_put(builder, BUILD_NOTE + sizeof(note) + 4, id, size);
    builder_header(builder, HEADER_NOTE)->p_filesz = sizeof(note) + 4 + size;
}

static inline void builder_segment(struct builder *builder, int index, uint32_t type,
                                   uint32_t flags, uint64_t va, uint64_t size)
{
    *builder_header(builder, index) = (Elf64_Phdr){
        .p_type = type,
        .p_flags = flags,
        .p_vaddr = va,
        .p_offset = va >= BUILD_DATA ? va - BUILD_DATA_OFFSET : va,
        .p_filesz = size,
        .p_memsz = size,
    };
}

/* An image with an empty dynamic section, a usual CIE, no build id, and one section, the names'. */
static inline void builder_init(struct builder *builder, uint16_t machine)
{
    static const uint8_t header[] = {1, 0x1b, 0x03, 0x3b};

    memset(builder, 0, sizeof(*builder));
    *builder_file(builder) = (Elf64_Ehdr){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = machine,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = HEADERS,
    };
    builder_segment(builder, HEADER_TEXT, PT_LOAD, PF_R, 0, 0x2000);
    builder_segment(builder, HEADER_CODE, PT_LOAD, PF_R | PF_X, BUILD_CODE, 0x2000);
    builder_segment(builder, HEADER_DATA, PT_LOAD, PF_R | PF_W, BUILD_DATA, 0x1000);
    builder_header(builder, HEADER_DATA)->p_memsz = 0x2000;
    builder_segment(builder, HEADER_DYNAMIC, PT_DYNAMIC, PF_R, BUILD_DYNAMIC, 0x180);
    builder_segment(builder, HEADER_FRAMES, PT_GNU_EH_FRAME, PF_R, BUILD_HEADER, 0x200);
    builder_segment(builder, HEADER_NOTE, PT_NOTE, PF_R, BUILD_NOTE, 0);
    builder_put(builder, BUILD_HEADER, header, sizeof(header));
    builder_put_32(builder, BUILD_HEADER + 4, BUILD_FRAMES - BUILD_HEADER - 4);
    builder_common_usual(builder);
    builder->string_size = builder->name_size = 1;
    builder_add_section(builder, SHT_STRTAB, ".shstrtab", BUILD_NAMES, 0x100);
}
