/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/symtab.h"

#include <string.h>

#include "elf/section.h"

int symtab_open(const struct image *image, struct symbols *out)
{
    Elf64_Shdr table, names;

    for (uint32_t i = 0; section_at(image, i, &table); i++) {
        if (table.sh_type != SHT_SYMTAB)
            continue;
        if (!section_at(image, table.sh_link, &names))
            return -EBADMSG;
        *out = (struct symbols){
            .table = section_bytes(image, &table),
            .count = table.sh_size / sizeof(Elf64_Sym),
            .names = section_bytes(image, &names),
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

bool symtab_debuglink(const struct image *image, char name[static DEBUGLINK_MAX], uint32_t *crc)
{
    Elf64_Shdr section;

    for (uint32_t i = 0; section_at(image, i, &section); i++) {
        size_t most = section.sh_size < DEBUGLINK_MAX ? section.sh_size : DEBUGLINK_MAX;
        const char *bytes;

        if (section.sh_type != SHT_PROGBITS || section.sh_size < 8 ||
            !section_is(image, &section, ".gnu_debuglink"))
            continue;
        bytes = section_bytes(image, &section);
        if (!bytes || !is_plain_name(bytes, most))
            return false;
        strcpy(name, bytes);
        memcpy(crc, bytes + section.sh_size - 4, sizeof(*crc));
        return true;
    }
    return false;
}
