/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/dynamic.h"

#include <elf.h>
#include <string.h>

#ifndef DT_RELR
#define DT_RELRSZ 35
#define DT_RELR   36
#endif

#define RELOCATIONS_MAX (1 << 20)
#define SYMBOLS_MAX     (1 << 18)
#define TAGS_MAX        4096

struct list {
    struct relocation *items;
    size_t count, room;
};

static uint64_t tag_value(const struct image *image, int64_t tag)
{
    for (uint64_t i = 0; i < TAGS_MAX && (i + 1) * sizeof(Elf64_Dyn) <= image->dynamic_size; i++) {
        const void *bytes =
            image_at(image, image->dynamic + i * sizeof(Elf64_Dyn), sizeof(Elf64_Dyn));
        Elf64_Dyn entry;

        if (!bytes)
            return 0;
        memcpy(&entry, bytes, sizeof(entry));
        if (entry.d_tag == tag)
            return entry.d_un.d_val;
        if (entry.d_tag == DT_NULL)
            return 0;
    }
    return 0;
}

static int append(struct list *list, uint64_t slot, uint64_t target)
{
    if (list->count == RELOCATIONS_MAX)
        return -E2BIG;
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 4096;
        void *items = reallocarray(list->items, room, sizeof(*list->items));

        if (!items)
            return -ENOMEM;
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = (struct relocation){slot, target};
    return 0;
}

static bool is_relative(const struct image *image, uint64_t info)
{
    uint32_t type = ELF64_R_TYPE(info);

    return image->machine == EM_AARCH64 ? type == R_AARCH64_RELATIVE : type == R_X86_64_RELATIVE;
}

static int load_rela(const struct image *image, struct list *list)
{
    uint64_t table = tag_value(image, DT_RELA), size = tag_value(image, DT_RELASZ);
    const uint8_t *bytes = table ? image_at(image, table, size) : NULL;

    if (table && !bytes)
        return -EBADMSG;
    for (uint64_t i = 0; bytes && i < size / sizeof(Elf64_Rela); i++) {
        Elf64_Rela entry;
        int r;

        memcpy(&entry, bytes + i * sizeof(entry), sizeof(entry));
        if (!is_relative(image, entry.r_info))
            continue;
        r = append(list, entry.r_offset, (uint64_t)entry.r_addend);
        if (r < 0)
            return r;
    }
    return 0;
}

static int append_relr(const struct image *image, struct list *list, uint64_t slot)
{
    const void *bytes = image_at(image, slot, 8);
    uint64_t target;

    if (!bytes)
        return 0;
    memcpy(&target, bytes, sizeof(target));
    return append(list, slot, target);
}

/* DT_RELR: an even word is a slot; an odd one is a bitmap of the 63 slots that follow. */
static int load_relr(const struct image *image, struct list *list)
{
    uint64_t table = tag_value(image, DT_RELR), size = tag_value(image, DT_RELRSZ), next = 0;
    const uint8_t *bytes = table ? image_at(image, table, size) : NULL;

    if (table && !bytes)
        return -EBADMSG;
    for (uint64_t i = 0; bytes && i < size / 8; i++) {
        uint64_t word;
        int r = 0;

        memcpy(&word, bytes + 8 * i, sizeof(word));
        if (!(word & 1)) {
            r = append_relr(image, list, word);
            next = word + 8;
        }
        for (unsigned bit = 0; word & 1 && bit < 63 && r == 0; bit++)
            if (word >> (bit + 1) & 1)
                r = append_relr(image, list, next + 8 * bit);
        if (word & 1)
            next += 63 * 8;
        if (r < 0)
            return r;
    }
    return 0;
}

static int by_slot(const void *a, const void *b)
{
    const struct relocation *x = a, *y = b;

    return (x->slot > y->slot) - (x->slot < y->slot);
}

int dynamic_load_relocations(struct image *image, struct reason *why)
{
    struct list list = {0};
    int r = load_rela(image, &list);

    if (r == 0)
        r = load_relr(image, &list);
    if (r < 0) {
        free(list.items);
        return reason_set(why, r, "its relocations can't be read: %s", strerror(-r));
    }
    if (list.count)
        qsort(list.items, list.count, sizeof(*list.items), by_slot);
    free(image->relocations);
    image->relocations = list.items;
    image->relocation_count = list.count;
    return 0;
}

const struct relocation *dynamic_relocation(const struct image *image, uint64_t slot)
{
    struct relocation key = {.slot = slot};

    if (!image->relocation_count)
        return NULL;
    return bsearch(&key, image->relocations, image->relocation_count, sizeof(key), by_slot);
}

/* The dynamic section does not say how many symbols there are; a symbol table is followed by its
 * string table in every linker's output, and every read is checked anyway. */
static uint64_t symbol_count(uint64_t symbols, uint64_t strings)
{
    uint64_t count = strings > symbols ? (strings - symbols) / sizeof(Elf64_Sym) : 0;

    return count < SYMBOLS_MAX ? count : SYMBOLS_MAX;
}

uint64_t dynamic_exported(const struct image *image, const char *name)
{
    uint64_t symbols = tag_value(image, DT_SYMTAB), strings = tag_value(image, DT_STRTAB);
    size_t length = strlen(name) + 1;

    for (uint64_t i = 1; symbols && i < symbol_count(symbols, strings); i++) {
        const void *bytes = image_at(image, symbols + i * sizeof(Elf64_Sym), sizeof(Elf64_Sym));
        const char *text;
        Elf64_Sym symbol;

        if (!bytes)
            return 0;
        memcpy(&symbol, bytes, sizeof(symbol));
        text = symbol.st_shndx ? image_at(image, strings + symbol.st_name, length) : NULL;
        if (text && memcmp(text, name, length) == 0)
            return symbol.st_value;
    }
    return 0;
}

static bool is_pointer_to_symbol(const struct image *image, uint64_t info)
{
    uint32_t type = ELF64_R_TYPE(info);

    return image->machine == EM_AARCH64 ? type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT
                                        : type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
}

static bool symbol_is_named(const struct image *image, uint64_t index, const char *name)
{
    uint64_t symbols = tag_value(image, DT_SYMTAB), strings = tag_value(image, DT_STRTAB);
    const void *bytes = image_at(image, symbols + index * sizeof(Elf64_Sym), sizeof(Elf64_Sym));
    size_t length = strlen(name) + 1;
    const char *text;
    Elf64_Sym symbol;

    if (!bytes)
        return false;
    memcpy(&symbol, bytes, sizeof(symbol));
    text = image_at(image, strings + symbol.st_name, length);
    return text && memcmp(text, name, length) == 0;
}

/* Adds to @count of @slots what the table at @table has. */
static size_t imported_by(const struct image *image, uint64_t table, uint64_t size,
                          const char *name, uint64_t *slots, size_t count, size_t most)
{
    const uint8_t *bytes = table ? image_at(image, table, size) : NULL;

    for (uint64_t i = 0; bytes && i < size / sizeof(Elf64_Rela) && count < most; i++) {
        Elf64_Rela entry;

        memcpy(&entry, bytes + i * sizeof(entry), sizeof(entry));
        if (is_pointer_to_symbol(image, entry.r_info) &&
            symbol_is_named(image, ELF64_R_SYM(entry.r_info), name))
            slots[count++] = entry.r_offset;
    }
    return count;
}

size_t dynamic_imported(const struct image *image, const char *name, uint64_t *slots, size_t most)
{
    size_t count = imported_by(image, tag_value(image, DT_JMPREL), tag_value(image, DT_PLTRELSZ),
                               name, slots, 0, most);

    return imported_by(image, tag_value(image, DT_RELA), tag_value(image, DT_RELASZ), name, slots,
                       count, most);
}
