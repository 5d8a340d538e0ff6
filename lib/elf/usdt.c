/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/usdt.h"

#include <string.h>

#include "elf/section.h"

#define NOTE_STAPSDT 3
#define NOTE_OWNER   "stapsdt"

struct addresses {
    uint64_t location;
    uint64_t base;
    uint64_t semaphore;
};

static size_t align_4(uint32_t size)
{
    return ((size_t)size + 3) & ~(size_t)3;
}

static bool find_section(const struct image *image, uint32_t type, const char *name,
                         Elf64_Shdr *out)
{
    for (uint32_t i = 0; section_at(image, i, out); i++)
        if (out->sh_type == type && section_is(image, out, name))
            return true;
    return false;
}

int usdt_open(const struct image *image, struct usdt_notes *out)
{
    Elf64_Shdr notes, base;

    if (!find_section(image, SHT_NOTE, ".note.stapsdt", &notes))
        return -ENODATA;
    *out = (struct usdt_notes){
        .image = image,
        .bytes = section_bytes(image, &notes),
        .size = notes.sh_size,
    };
    if (find_section(image, SHT_PROGBITS, ".stapsdt.base", &base))
        out->base = base.sh_addr;
    return out->bytes ? 0 : -EBADMSG;
}

/* The text at *@at, which must end before @end; *@at is behind it then. */
static const char *take_text(const char **at, const char *end)
{
    const char *text = *at, *nul = memchr(text, 0, (size_t)(end - text));

    if (nul)
        *at = nul + 1;
    return nul ? text : NULL;
}

/* A program that moved the image (prelink) moved the base, but does not know these notes. */
static bool parse(const struct usdt_notes *notes, const uint8_t *content, size_t size,
                  struct usdt_probe *out)
{
    const char *at = (const char *)content + sizeof(struct addresses);
    const char *end = (const char *)content + size;
    const struct segment *segment;
    struct addresses addresses;
    uint64_t moved;

    if (size < sizeof(addresses))
        return false;
    memcpy(&addresses, content, sizeof(addresses));
    moved = notes->base && addresses.base ? notes->base - addresses.base : 0;
    *out = (struct usdt_probe){
        .provider = take_text(&at, end),
        .location = addresses.location + moved,
        .semaphore = addresses.semaphore ? addresses.semaphore + moved : 0,
    };
    out->name = out->provider ? take_text(&at, end) : NULL;
    out->arguments = out->name ? take_text(&at, end) : NULL;
    segment = image_segment(notes->image, out->location);
    if (!out->arguments || !image_is_code(notes->image, out->location) ||
        !image_at(notes->image, out->location, 1))
        return false;
    out->offset = out->location - segment->va + segment->offset;
    return true;
}

static bool is_probe(const Elf64_Nhdr *note, const uint8_t *name)
{
    return note->n_type == NOTE_STAPSDT && note->n_namesz == sizeof(NOTE_OWNER) &&
           memcmp(name, NOTE_OWNER, sizeof(NOTE_OWNER)) == 0;
}

bool usdt_next(struct usdt_notes *notes, struct usdt_probe *out)
{
    Elf64_Nhdr note;

    while (notes->size >= sizeof(note)) {
        const uint8_t *name = notes->bytes + sizeof(note);
        size_t name_size, whole;

        memcpy(&note, notes->bytes, sizeof(note));
        name_size = align_4(note.n_namesz);
        whole = sizeof(note) + name_size + align_4(note.n_descsz);
        if (whole > notes->size)
            return false;
        notes->bytes += whole;
        notes->size -= whole;
        if (is_probe(&note, name) && parse(notes, name + name_size, note.n_descsz, out))
            return true;
    }
    return false;
}

bool usdt_find(const struct image *image, const char *provider, const char *name,
               struct usdt_probe *out)
{
    struct usdt_notes notes;
    struct usdt_probe probe;
    size_t found = 0;

    if (usdt_open(image, &notes) < 0)
        return false;
    while (usdt_next(&notes, &probe))
        if (strcmp(probe.provider, provider) == 0 && strcmp(probe.name, name) == 0 && !found++)
            *out = probe;
    return found == 1;
}
