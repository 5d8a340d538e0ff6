/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/note.h"

#include <string.h>

#include "elf/section.h"

#define NOTES_MAX 64

static size_t align_4(uint32_t size)
{
    return ((size_t)size + 3) & ~(size_t)3;
}

static bool is_build_id(const Elf64_Nhdr *note, const uint8_t *name)
{
    return note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(name, "GNU", 4) == 0 &&
           note->n_descsz > 0 && note->n_descsz <= BUILD_ID_MAX;
}

static bool find_in(const uint8_t *bytes, size_t size, struct build_id *out)
{
    for (int i = 0; i < NOTES_MAX && size >= sizeof(Elf64_Nhdr); i++) {
        Elf64_Nhdr note;
        size_t whole;

        memcpy(&note, bytes, sizeof(note));
        whole = sizeof(note) + align_4(note.n_namesz) + align_4(note.n_descsz);
        if (whole > size)
            return false;
        if (is_build_id(&note, bytes + sizeof(note))) {
            memcpy(out->bytes, bytes + sizeof(note) + 4, note.n_descsz);
            out->length = note.n_descsz;
            return true;
        }
        bytes += whole;
        size -= whole;
    }
    return false;
}

static bool find_in_segments(const struct image *image, struct build_id *out)
{
    for (uint16_t i = 0; i < image->program_header_count; i++) {
        Elf64_Phdr header;
        const void *bytes =
            image_bytes(image, image->program_headers + i * sizeof(header), sizeof(header));

        if (!bytes)
            return false;
        memcpy(&header, bytes, sizeof(header));
        bytes =
            header.p_type == PT_NOTE ? image_bytes(image, header.p_offset, header.p_filesz) : NULL;
        if (bytes && find_in(bytes, header.p_filesz, out))
            return true;
    }
    return false;
}

static bool find_in_sections(const struct image *image, struct build_id *out)
{
    Elf64_Shdr section;

    for (uint32_t i = 0; section_at(image, i, &section); i++) {
        const void *bytes = section.sh_type == SHT_NOTE ? section_bytes(image, &section) : NULL;

        if (bytes && find_in(bytes, section.sh_size, out))
            return true;
    }
    return false;
}

struct build_id note_build_id(const struct image *image)
{
    struct build_id id = {0};

    if (!find_in_segments(image, &id))
        find_in_sections(image, &id);
    return id;
}

void build_id_format(const struct build_id *id, char *text)
{
    for (size_t i = 0; i < id->length; i++)
        sprintf(text + 2 * i, "%02x", id->bytes[i]);
    text[2 * id->length] = 0;
}
