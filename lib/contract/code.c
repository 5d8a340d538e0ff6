/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/code.h"

#include <stdbool.h>
#include <string.h>

#include "contract/nibble_map.h"

#define LEVELS           5u
#define LEVEL_BITS       8u
#define ENTRIES          256u /* of a level */
#define CHUNK_BITS       17u  /* of an address, that the levels leave */
#define COLLECTIBLE      1u   /* in a pointer to a level or a fragment */
#define FRAGMENTS_MAX    256u /* in one chunk */
#define FLAGS_CODE       2u   /* RangeSectionFlags: RANGE_SECTION_CODEHEAP */
#define FLAGS_MOST       15u
#define CANDIDATES_MAX   4096u
#define SEARCH_BYTES_MAX MEMORY_READ_MAX /* a runtime has less than one of variables */

struct section {
    uint64_t address;
    uint64_t begin;
    uint64_t end;
};

static unsigned level_index(uint64_t address, unsigned level)
{
    return address >> (CHUNK_BITS + (level - 1) * LEVEL_BITS) & (ENTRIES - 1);
}

/* The first fragment of the chunk that @address is in; 0: none. */
static int find_chunk(const struct view *view, uint64_t range_map, uint64_t address, uint64_t *out)
{
    uint64_t at = range_map + view->descriptor->fields[RANGE_MAP_LEVELS];

    for (unsigned level = LEVELS; level > 0; level--) {
        int r = view_pointer_at(view, at + 8 * (uint64_t)level_index(address, level), &at);

        at &= ~(uint64_t)COLLECTIBLE;
        if (r < 0 || !at)
            return r < 0 ? r : -ENOENT;
    }
    *out = at;
    return 0;
}

static int read_fragment(const struct view *view, uint64_t fragment, struct section *out,
                         uint64_t *next)
{
    const struct view_pointer pointers[] = {
        {FRAGMENT_BEGIN, &out->begin},
        {FRAGMENT_END, &out->end},
        {FRAGMENT_SECTION, &out->address},
        {FRAGMENT_NEXT, next},
    };
    int r = view_pointers(view, fragment, pointers, ARRAY_SIZE(pointers));

    *next &= ~(uint64_t)COLLECTIBLE;
    return r;
}

static int find_section(const struct view *view, uint64_t range_map, uint64_t address,
                        struct section *out)
{
    uint64_t fragment, deleted;
    int r = find_chunk(view, range_map, address, &fragment);

    for (size_t i = 0; r == 0 && fragment; i++) {
        r = i < FRAGMENTS_MAX ? read_fragment(view, fragment, out, &fragment) : -EBADMSG;
        if (r < 0 || address < out->begin || address >= out->end)
            continue;
        r = view_number(view, out->address, SECTION_DELETED, 8, &deleted);
        if (r < 0 || !deleted)
            return r;
    }
    return r < 0 ? r : -ENOENT;
}

static int begin_of_method(const struct view *view, uint64_t heap, uint64_t address,
                           uint64_t *start)
{
    struct nibble_map map = {.kind = view->descriptor->execution_manager > 1 ? NIBBLE_CONSTANT
                                                                             : NIBBLE_LINEAR};
    uint64_t begin, end;
    const struct view_pointer pointers[] = {
        {HEAP_START, &begin},
        {HEAP_END, &end},
        {HEAP_MAP_BASE, &map.base},
        {HEAP_MAP, &map.units},
    };
    int r = view_pointers(view, heap, pointers, ARRAY_SIZE(pointers));

    if (r < 0)
        return r;
    if (address < begin || address >= end)
        return -ENOENT;
    r = nibble_map_find(view->memory, &map, address, start);
    return r == 0 && *start < begin ? -EBADMSG : r;
}

int code_method(const struct view *view, uint64_t range_map, uint64_t address, uint64_t *method,
                struct reason *why)
{
    struct section section;
    uint64_t flags = 0, heap = 0, ready = 0, start = 0, header = 0;
    int r = find_section(view, range_map, address, &section);

    if (r < 0)
        return reason_set(why, r, "no code of the runtime is known there");
    r = view_number(view, section.address, SECTION_FLAGS, 4, &flags);
    if (r == 0)
        r = view_number(view, section.address, SECTION_READY_MODULE, 8, &ready);
    if (r == 0)
        r = view_number(view, section.address, SECTION_HEAP, 8, &heap);
    if (r == 0 && (ready || !(flags & FLAGS_CODE)))
        return reason_set(why, -ENOENT, "that code is %s",
                          ready ? "compiled ahead of time" : "a stub of the runtime");
    if (r == 0)
        r = begin_of_method(view, heap, address, &start);
    if (r == 0)
        r = view_pointer_at(view, start - 8, &header);
    if (r == 0 && header <= view->descriptor->values[STUB_LAST])
        return reason_set(why, -ENOENT, "that code is a stub of the runtime");
    if (r == 0)
        r = view_number(view, header, CODE_METHOD, 8, method);
    return r < 0 ? reason_set(why, r, "the runtime's heap of code can't be read: %s", strerror(-r))
                 : 0;
}

static bool is_pointer(uint64_t value)
{
    value &= ~(uint64_t)COLLECTIBLE;
    return value >= MEMORY_BOTTOM && value < MEMORY_TOP && value % 8 == 0;
}

/* The first entry of a level; false unless all that there are point somewhere. */
static bool first_entry(const uint64_t level[static ENTRIES], unsigned *index)
{
    *index = ENTRIES;
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (level[i] && !is_pointer(level[i]))
            return false;
        if (level[i] && *index == ENTRIES)
            *index = i;
    }
    return *index < ENTRIES;
}

static bool covers_chunk(const struct section *section, uint64_t chunk)
{
    return section->begin < section->end && section->begin < chunk + (1ull << CHUNK_BITS) &&
           section->end > chunk && section->begin % 16 == 0;
}

/* The path of first entries below @top must end at a section that covers what it stands for. */
static bool is_range_map(const struct view *view, const uint64_t top[static ENTRIES])
{
    uint64_t level[ENTRIES], chunk = 0, next, begin, end, flags;
    struct section section;

    memcpy(level, top, sizeof(level));
    for (unsigned depth = LEVELS; depth > 0; depth--) {
        unsigned index;

        if (!first_entry(level, &index))
            return false;
        chunk |= (uint64_t)index << (CHUNK_BITS + (depth - 1) * LEVEL_BITS);
        next = level[index] & ~(uint64_t)COLLECTIBLE;
        if (depth > 1 && memory_read(view->memory, next, level, sizeof(level)) < 0)
            return false;
    }
    return read_fragment(view, next, &section, &next) == 0 && covers_chunk(&section, chunk) &&
           view_number(view, section.address, SECTION_BEGIN, 8, &begin) == 0 &&
           view_number(view, section.address, SECTION_END, 8, &end) == 0 &&
           view_number(view, section.address, SECTION_FLAGS, 4, &flags) == 0 &&
           begin == section.begin && end == section.end && flags <= FLAGS_MOST;
}

/* All addresses of a process have the same first entry of the highest level. */
static bool may_be_highest(const uint64_t words[static ENTRIES])
{
    if (!words[0] || !is_pointer(words[0]))
        return false;
    for (size_t i = 1; i < ENTRIES; i++)
        if (words[i])
            return false;
    return true;
}

static int search_range(const struct view *view, const struct contract_range *range, size_t size,
                        size_t *candidates, uint64_t *found)
{
    _free_ uint64_t *words = malloc(size + 1);
    uint64_t start = (range->start + 7) & ~7ull;

    if (!words)
        return -ENOMEM;
    if (size < 8 * ENTRIES || memory_read(view->memory, start, words, size - 8) < 0)
        return 0;
    for (size_t i = 0; i + ENTRIES <= size / 8 - 1; i++) {
        if (!may_be_highest(words + i))
            continue;
        if (++*candidates > CANDIDATES_MAX)
            return -E2BIG;
        if (!is_range_map(view, words + i))
            continue;
        if (*found)
            return -ENOTUNIQ;
        *found = start + 8 * i - view->descriptor->fields[RANGE_MAP_LEVELS];
    }
    return 0;
}

int code_find_range_map(const struct view *view, const struct contract_place *place,
                        uint64_t *range_map, struct reason *why)
{
    size_t candidates = 0, left = SEARCH_BYTES_MAX;
    uint64_t found = 0;
    int r = 0;

    for (size_t i = 0; i < place->writable_count && r == 0; i++) {
        const struct contract_range *range = &place->writable[i];
        size_t size = range->size < left ? (size_t)range->size & ~(size_t)7 : left;

        left -= size;
        r = search_range(view, range, size, &candidates, &found);
    }
    if (r == 0 && !found)
        r = -ENOENT;
    *range_map = r == 0 ? found : 0;
    return r < 0 ? reason_set(why, r, "the runtime's map of its code was not found%s",
                              r == -ENOTUNIQ ? ": more than one looks like it" : "")
                 : 0;
}
