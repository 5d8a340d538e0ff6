/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/symtab.h"

#include <string.h>

#include "elf/section.h"

/* Up to the last name that ends: then every name that begins there ends there too. */
static size_t ended_size(const char *names, size_t size)
{
    const char *last = names && size ? memrchr(names, 0, size) : NULL;

    return last ? (size_t)(last - names) + 1 : 0;
}

static int open_table(const struct image *image, uint32_t type, struct symbols *out)
{
    Elf64_Shdr table, names;

    for (uint32_t i = 0; section_at(image, i, &table); i++) {
        if (table.sh_type != type)
            continue;
        if (!section_at(image, table.sh_link, &names))
            return -EBADMSG;
        *out = (struct symbols){
            .table = section_bytes(image, &table),
            .count = table.sh_size / sizeof(Elf64_Sym),
            .names = section_bytes(image, &names),
        };
        out->names_size = ended_size(out->names, names.sh_size);
        return out->table && out->names ? 0 : -EBADMSG;
    }
    return -ENODATA;
}

int symtab_open(const struct image *image, struct symbols *out)
{
    return open_table(image, SHT_SYMTAB, out);
}

int symtab_open_exported(const struct image *image, struct symbols *out)
{
    return open_table(image, SHT_DYNSYM, out);
}

bool symtab_at(const struct symbols *symbols, size_t index, struct symbol *out)
{
    Elf64_Sym symbol;

    memcpy(&symbol, symbols->table + index * sizeof(symbol), sizeof(symbol));
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE || !symbol.st_name ||
        symbol.st_name >= symbols->names_size)
        return false;
    *out = (struct symbol){symbols->names + symbol.st_name, symbol.st_value, symbol.st_size};
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
