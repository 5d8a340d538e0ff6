/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/symtab.h"

#include <elf.h>
#include <string.h>

static bool read_section(const struct image *image, const Elf64_Ehdr *file, uint32_t index,
                         Elf64_Shdr *out)
{
    uint64_t offset;
    const void *bytes;

    if (index >= file->e_shnum || file->e_shentsize != sizeof(*out) ||
        __builtin_add_overflow(file->e_shoff, (uint64_t)index * sizeof(*out), &offset))
        return false;
    bytes = image_bytes(image, offset, sizeof(*out));
    if (!bytes)
        return false;
    memcpy(out, bytes, sizeof(*out));
    return true;
}

static Elf64_Ehdr file_header(const struct image *image)
{
    Elf64_Ehdr file = {0};
    const void *bytes = image_bytes(image, 0, sizeof(file));

    if (bytes)
        memcpy(&file, bytes, sizeof(file));
    return file;
}

int symtab_open(const struct image *image, struct symbols *out)
{
    Elf64_Ehdr file = file_header(image);
    Elf64_Shdr table, names;

    for (uint32_t i = 0; i < file.e_shnum; i++) {
        if (!read_section(image, &file, i, &table))
            return -EBADMSG;
        if (table.sh_type != SHT_SYMTAB)
            continue;
        if (!read_section(image, &file, table.sh_link, &names))
            return -EBADMSG;
        *out = (struct symbols){
            .table = image_bytes(image, table.sh_offset, table.sh_size),
            .count = table.sh_size / sizeof(Elf64_Sym),
            .names = image_bytes(image, names.sh_offset, names.sh_size),
            .names_size = names.sh_size,
        };
        return out->table && out->names ? 0 : -EBADMSG;
    }
    return -ENODATA;
}

bool symtab_at(const struct symbols *symbols, size_t index, struct symbol *out)
{
    Elf64_Sym symbol;
    const char *name;

    memcpy(&symbol, symbols->table + index * sizeof(symbol), sizeof(symbol));
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE || !symbol.st_name ||
        symbol.st_name >= symbols->names_size)
        return false;
    name = symbols->names + symbol.st_name;
    if (!memchr(name, 0, symbols->names_size - symbol.st_name))
        return false;
    *out = (struct symbol){name, symbol.st_value, symbol.st_size};
    return true;
}

static bool is_plain_name(const char *name, size_t most)
{
    return memchr(name, 0, most) && name[0] && name[0] != '.' && !strchr(name, '/');
}

static bool section_is(const struct image *image, const Elf64_Ehdr *file, const Elf64_Shdr *section,
                       const char *wanted)
{
    size_t length = strlen(wanted) + 1;
    const char *name;
    Elf64_Shdr names;

    if (!read_section(image, file, file->e_shstrndx, &names) || section->sh_name >= names.sh_size)
        return false;
    name = image_bytes(image, names.sh_offset + section->sh_name, length);
    return name && memcmp(name, wanted, length) == 0;
}

bool symtab_debuglink(const struct image *image, char name[static DEBUGLINK_MAX], uint32_t *crc)
{
    Elf64_Ehdr file = file_header(image);
    Elf64_Shdr section;

    for (uint32_t i = 0; i < file.e_shnum && read_section(image, &file, i, &section); i++) {
        const char *bytes;
        size_t most = section.sh_size < DEBUGLINK_MAX ? section.sh_size : DEBUGLINK_MAX;

        if (section.sh_type != SHT_PROGBITS || section.sh_size < 8 ||
            !section_is(image, &file, &section, ".gnu_debuglink"))
            continue;
        bytes = image_bytes(image, section.sh_offset, section.sh_size);
        if (!bytes || !is_plain_name(bytes, most))
            return false;
        strcpy(name, bytes);
        memcpy(crc, bytes + section.sh_size - 4, sizeof(*crc));
        return true;
    }
    return false;
}
