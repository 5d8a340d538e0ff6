/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/frames.h"

#include <elf.h>
#include <string.h>

#include "util/number.h"

#define FUNCTIONS_MAX (1 << 19)
#define GAPS_PERCENT  80

/* DW_EH_PE_*: the low nibble is the format, the next three bits what the value is relative to. */
enum {
    ENCODING_SIGNED_4 = 0x0b,
    ENCODING_UNSIGNED_4 = 0x03,
    ENCODING_RELATIVE_TO_PLACE = 0x10,
    ENCODING_RELATIVE_TO_HEADER = 0x30,
};

/* .eh_frame_hdr as every linker writes it: 4-byte pointer, 4-byte count, a table of 4-byte pairs.
 */
struct header {
    uint8_t version;
    uint8_t frame_encoding;
    uint8_t count_encoding;
    uint8_t table_encoding;
    int32_t frame;
    uint32_t count;
};

struct entry {
    int32_t start; /* relative to the header */
    int32_t description;
};

static int read_header(const struct image *image, struct header *header, struct reason *why)
{
    const void *bytes =
        image->eh_frame_header ? image_at(image, image->eh_frame_header, sizeof(*header)) : NULL;

    if (!bytes)
        return reason_set(why, -ENODATA, "it has no .eh_frame_hdr, so functions have no bounds");
    memcpy(header, bytes, sizeof(*header));
    if (header->version != 1 || header->count_encoding != ENCODING_UNSIGNED_4 ||
        header->table_encoding != (ENCODING_RELATIVE_TO_HEADER | ENCODING_SIGNED_4))
        return reason_set(why, -ENODATA, ".eh_frame_hdr has an encoding that no linker writes");
    if (header->count > FUNCTIONS_MAX)
        return reason_set(why, -EBADMSG, ".eh_frame_hdr claims %u functions", header->count);
    return 0;
}

static const uint8_t *skip_leb128(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at & 0x80)
        at++;
    return at < end ? at + 1 : NULL;
}

static size_t encoded_size(uint8_t encoding)
{
    static const uint8_t sizes[16] = {8, 0, 2, 4, 8, 0, 0, 0, 0, 0, 2, 4, 8};

    return sizes[encoding & 0xf];
}

/* The pointer encoding ('R') from the augmentation of the common information entry at @va. */
static int pointer_encoding(const struct image *image, uint64_t va)
{
    const size_t most = 64;
    const uint8_t *at = image_at(image, va, most), *end, *augmentation;

    if (!at)
        return -EBADMSG;
    end = at + most;
    augmentation = at + 9; /* length, id, version */
    if (augmentation[0] != 'z' || !memchr(augmentation, 0, 8))
        return -EBADMSG;
    at = augmentation + strlen((const char *)augmentation) + 1;
    for (int field = 0; field < 4 && at; field++) /* alignments, return register, length */
        at = skip_leb128(at, end);
    for (augmentation++; at && at + 9 < end && *augmentation; augmentation++) {
        if (*augmentation == 'R')
            return *at;
        if (*augmentation == 'L')
            at++;
        if (*augmentation == 'P')
            at += 1 + encoded_size(*at);
    }
    return -EBADMSG;
}

/* The encoding of the last common entry is kept: nearly all descriptions share one. */
struct encoding {
    uint64_t common;
    int encoding;
};

static bool read_bounds(const struct image *image, uint64_t va, struct encoding *last,
                        struct function *out)
{
    uint32_t words[4]; /* length, distance back to the common entry, start, size */
    const void *bytes = image_at(image, va, sizeof(words));
    uint64_t common;

    if (!bytes)
        return false;
    memcpy(words, bytes, sizeof(words));
    common = va + 4 - words[1];
    if (last->common != common)
        *last = (struct encoding){common, pointer_encoding(image, common)};
    if (last->encoding != (ENCODING_RELATIVE_TO_PLACE | ENCODING_SIGNED_4))
        return false;
    out->start = va + 8 + (uint64_t)(int64_t)(int32_t)words[2];
    out->end = out->start + words[3];
    return out->end > out->start && image_is_code(image, out->start) &&
           image_is_code(image, out->end - 1);
}

static int by_start(const void *a, const void *b)
{
    const struct function *x = a, *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

int frames_load(struct image *image, struct reason *why)
{
    uint64_t table = image->eh_frame_header + sizeof(struct header);
    struct encoding last = {0};
    struct header header;
    const uint8_t *bytes;
    size_t count = 0;
    int r = read_header(image, &header, why);

    if (r < 0)
        return r;
    bytes = image_at(image, table, header.count * sizeof(struct entry));
    if (!bytes)
        return reason_set(why, -EBADMSG, "truncated: .eh_frame_hdr ends after its segment");
    free(image->functions);
    image->function_count = 0;
    image->functions = calloc(header.count ? header.count : 1, sizeof(*image->functions));
    if (!image->functions)
        return reason_set(why, -ENOMEM, "no memory for %u functions", header.count);
    for (uint32_t i = 0; i < header.count; i++) {
        struct entry entry;

        memcpy(&entry, bytes + i * sizeof(entry), sizeof(entry));
        if (read_bounds(image, image->eh_frame_header + (uint64_t)(int64_t)entry.description, &last,
                        &image->functions[count]))
            count++;
    }
    image->function_count = count;
    qsort(image->functions, count, sizeof(*image->functions), by_start);
    return count ? 0 : reason_set(why, -ENODATA, "no function bounds in .eh_frame");
}

struct starts {
    uint64_t *items;
    size_t count, room;
};

static int add_start(struct starts *starts, uint64_t va)
{
    if (starts->count == FUNCTIONS_MAX)
        return 0;
    if (starts->count == starts->room) {
        size_t room = starts->room ? 2 * starts->room : 1024;
        void *items = reallocarray(starts->items, room, sizeof(*starts->items));

        if (!items)
            return -ENOMEM;
        starts->items = items;
        starts->room = room;
    }
    starts->items[starts->count++] = va;
    return 0;
}

/* The target of the direct call, jump or address computation at @bytes; 0 for anything else. */
static uint64_t target_x86_64(const uint8_t *bytes, uint64_t va)
{
    bool is_call = bytes[0] == 0xe8 || bytes[0] == 0xe9;
    bool is_lea = bytes[0] == 0x48 && bytes[1] == 0x8d && (bytes[2] & 0xc7) == 0x05;
    size_t at = is_call ? 1 : 3;
    int32_t displacement;

    if (!is_call && !is_lea)
        return 0;
    memcpy(&displacement, bytes + at, sizeof(displacement));
    return va + at + 4 + (uint64_t)(int64_t)displacement;
}

static uint64_t target_aarch64(const uint8_t *bytes, uint64_t va)
{
    uint32_t word;

    memcpy(&word, bytes, sizeof(word));
    if ((word & 0xfc000000) != 0x94000000)
        return 0;
    return va + (uint64_t)((int64_t)((uint64_t)(word & 0x3ffffff) << 38) >> 36);
}

static int collect_starts(const struct image *image, const struct segment *segment,
                          struct starts *starts)
{
    const uint8_t *bytes = image_bytes(image, segment->offset, segment->file_size);
    bool aarch64 = image->machine == EM_AARCH64;

    for (size_t i = 0; bytes && i + 8 <= segment->file_size; i += aarch64 ? 4 : 1) {
        uint64_t va = segment->va + i;
        uint64_t target = aarch64 ? target_aarch64(bytes + i, va) : target_x86_64(bytes + i, va);

        if (!target || target % (aarch64 ? 4 : 16) != 0 || !image_is_code(image, target) ||
            frames_function(image, target))
            continue;
        if (add_start(starts, target) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* The index of the first function that starts after @va, in the sorted list. */
static size_t first_after(const struct image *image, uint64_t va)
{
    size_t low = 0, high = image->function_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (image->functions[middle].start <= va)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first frame's start after @va, or the end of its segment. */
static uint64_t gap_end(const struct image *image, uint64_t va)
{
    const struct segment *segment = image_segment(image, va);
    size_t after = first_after(image, va);

    if (after < image->function_count &&
        image->functions[after].start < segment->va + segment->file_size)
        return image->functions[after].start;
    return segment->va + segment->file_size;
}

static int merge_starts(struct image *image, const struct starts *starts)
{
    size_t count = image->function_count;
    struct function *all = calloc(count + starts->count + 1, sizeof(*all));

    if (!all)
        return -ENOMEM;
    if (count)
        memcpy(all, image->functions, count * sizeof(*all));
    for (size_t i = 0; i < starts->count; i++) {
        uint64_t start = starts->items[i], end = gap_end(image, start);

        while (i + 1 < starts->count && starts->items[i + 1] == start)
            i++;
        if (i + 1 < starts->count && starts->items[i + 1] < end)
            end = starts->items[i + 1];
        all[count++] = (struct function){start, end};
    }
    qsort(all, count, sizeof(*all), by_start);
    free(image->functions);
    image->functions = all;
    image->function_count = count;
    return 0;
}

/* Where frames describe nearly all code, what they leave out is hand-written assembly. */
static bool has_gaps(const struct image *image)
{
    uint64_t code = 0, described = 0;

    for (size_t i = 0; i < image->segment_count; i++)
        if (image->segments[i].flags & SEGMENT_EXECUTABLE)
            code += image->segments[i].file_size;
    for (size_t i = 0; i < image->function_count; i++)
        described += image->functions[i].end - image->functions[i].start;
    return described < code / 100 * GAPS_PERCENT;
}

int frames_fill_gaps(struct image *image, struct reason *why)
{
    struct starts starts = {0};
    int r = 0;

    if (!has_gaps(image))
        return 0;
    for (size_t i = 0; i < image->segment_count && r == 0; i++)
        if (image->segments[i].flags & SEGMENT_EXECUTABLE)
            r = collect_starts(image, &image->segments[i], &starts);
    if (r == 0 && starts.count) {
        qsort(starts.items, starts.count, sizeof(*starts.items), number_compare);
        r = merge_starts(image, &starts);
    }
    free(starts.items);
    return r < 0 ? reason_set(why, r, "no memory for the functions between frames") : 0;
}

const struct function *frames_function(const struct image *image, uint64_t va)
{
    size_t after = first_after(image, va);

    return after > 0 && va < image->functions[after - 1].end ? &image->functions[after - 1] : NULL;
}
