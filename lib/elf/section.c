/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/section.h"

#include <string.h>

static Elf64_Ehdr file_header(const struct image *image)
{
    Elf64_Ehdr file = {0};
    const void *bytes = image_bytes(image, 0, sizeof(file));

    if (bytes)
        memcpy(&file, bytes, sizeof(file));
    return file;
}

bool section_at(const struct image *image, uint32_t index, Elf64_Shdr *out)
{
    Elf64_Ehdr file = file_header(image);
    uint64_t offset;
    const void *bytes;

    if (index >= file.e_shnum || file.e_shentsize != sizeof(*out) ||
        __builtin_add_overflow(file.e_shoff, (uint64_t)index * sizeof(*out), &offset))
        return false;
    bytes = image_bytes(image, offset, sizeof(*out));
    if (!bytes)
        return false;
    memcpy(out, bytes, sizeof(*out));
    return true;
}

const void *section_bytes(const struct image *image, const Elf64_Shdr *section)
{
    return section->sh_type == SHT_NOBITS
               ? NULL
               : image_bytes(image, section->sh_offset, section->sh_size);
}

bool section_is(const struct image *image, const Elf64_Shdr *section, const char *name)
{
    size_t length = strlen(name) + 1;
    const char *text;
    Elf64_Shdr names;
    uint64_t offset;

    if (!section_at(image, file_header(image).e_shstrndx, &names) ||
        __builtin_add_overflow(names.sh_offset, section->sh_name, &offset))
        return false;
    text = image_bytes(image, offset, length);
    return text && memcmp(text, name, length) == 0;
}

void section_load_got(struct image *image)
{
    Elf64_Shdr section;

    for (uint32_t i = 0; section_at(image, i, &section); i++)
        if (section_is(image, &section, ".got"))
            image->got = (struct segment){.va = section.sh_addr, .memory_size = section.sh_size};
}
