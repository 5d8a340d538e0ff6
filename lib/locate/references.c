/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/references.h"

#include <elf.h>
#include <string.h>

#define FUNCTIONS_MAX 65536
#define SPAN_MAX      (1ull << 28)
#define ADRP_AHEAD    24

/* The wanted addresses, and one bit for each 16 bytes between the first and the last of them:
 * nearly every address tried is wanted by nobody, and the bit says so at once. */
struct search {
    const struct code *code;
    const uint64_t *addresses;
    size_t count;
    uint64_t low;
    uint64_t span;
    uint8_t *bits;
    struct function_list *out;
};

void function_list_free(struct function_list *list)
{
    free(list->items);
    *list = (struct function_list){0};
}

static int append(struct function_list *list, const struct function *function)
{
    if (list->count && list->items[list->count - 1].start == function->start)
        return 0;
    if (list->count == FUNCTIONS_MAX)
        return -E2BIG;
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        void *items = reallocarray(list->items, room, sizeof(*list->items));

        if (!items)
            return -ENOMEM;
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = *function;
    return 0;
}

static int make_bits(struct search *search)
{
    search->low = search->addresses[0] & ~0xfull;
    search->span = search->addresses[search->count - 1] - search->low + 1;
    if (search->span > SPAN_MAX)
        return -E2BIG;
    search->bits = calloc(search->span / 128 + 1, 1);
    if (!search->bits)
        return -ENOMEM;
    for (size_t i = 0; i < search->count; i++) {
        uint64_t bit = (search->addresses[i] - search->low) / 16;

        search->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
    }
    return 0;
}

static bool has_bit(const struct search *search, uint64_t address)
{
    uint64_t bit = (address - search->low) / 16;

    return address - search->low < search->span && search->bits[bit / 8] >> bit % 8 & 1;
}

/* Is one of the wanted addresses in [low, low + length)? */
static bool is_wanted(const struct search *search, uint64_t low, uint64_t length)
{
    size_t first = 0, last = search->count;

    if (length <= 16 && !has_bit(search, low) && !has_bit(search, low + length - 1))
        return false;
    while (first < last) {
        size_t middle = first + (last - first) / 2;

        if (search->addresses[middle] < low)
            first = middle + 1;
        else
            last = middle;
    }
    return first < search->count && search->addresses[first] - low < length;
}

static int found_at(const struct search *search, uint64_t va)
{
    const struct function *function = frames_function(search->code->image, va);

    return function ? append(search->out, function) : 0;
}

/* A RIP-relative displacement follows a ModRM byte with mode 0 and register 5. It counts from the
 * end of the instruction, which an immediate of 0, 1, 2 or 4 bytes may put further away. */
static int search_x86_64(const struct search *search, const uint8_t *bytes, uint64_t va,
                         size_t size)
{
    for (size_t i = 1; i + 4 <= size; i++) {
        int32_t displacement;
        uint64_t target;
        int r;

        if ((bytes[i - 1] & 0xc7) != 0x05)
            continue;
        memcpy(&displacement, bytes + i, sizeof(displacement));
        target = va + i + 4 + (uint64_t)(int64_t)displacement;
        if (!is_wanted(search, target, 5))
            continue;
        r = found_at(search, va + i);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The address that @word forms from @page in register @base by ADD, or by LDR/STR with an unsigned
 * offset; false when it is none of those. */
static bool forms_address(uint32_t word, uint32_t base, uint64_t page, uint64_t *address)
{
    uint32_t offset = word >> 10 & 0xfff;

    if ((word >> 5 & 31) != base)
        return false;
    if ((word & 0xffc00000) == 0x91000000)
        *address = page + offset;
    else if ((word & 0x3b000000) == 0x39000000)
        *address = page + ((uint64_t)offset << (word >> 30));
    else
        return false;
    return true;
}

/* ADRP puts the page of an address in a register; one of the next instructions adds the rest. */
static int search_aarch64(const struct search *search, const uint8_t *bytes, uint64_t va,
                          size_t size)
{
    for (size_t i = 0; i + 4 <= size; i += 4) {
        uint32_t word, next;
        uint64_t page, address;
        int r = 0;

        memcpy(&word, bytes + i, sizeof(word));
        if ((word & 0x9f000000) != 0x90000000)
            continue;
        page =
            ((va + i) & ~0xfffull) +
            (uint64_t)((int64_t)((uint64_t)((word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3)) << 43) >>
                       43) *
                4096;
        if (!is_wanted(search, page, 4096))
            continue;
        for (size_t ahead = i + 4; ahead <= i + 4 * ADRP_AHEAD && ahead + 4 <= size; ahead += 4) {
            memcpy(&next, bytes + ahead, sizeof(next));
            if (forms_address(next, word & 31, page, &address) && is_wanted(search, address, 1))
                r = found_at(search, va + i);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* An opcode of one byte, then a 4-byte displacement. */
static int search_opcode(const struct search *search, const uint8_t *bytes, uint64_t va,
                         size_t size, uint8_t opcode)
{
    const uint8_t *at = bytes, *end = bytes + size;

    while ((at = memchr(at, opcode, (size_t)(end - at))) && end - at >= 5) {
        uint64_t from = va + (uint64_t)(at - bytes);
        int32_t displacement;
        int r = 0;

        memcpy(&displacement, at + 1, sizeof(displacement));
        if (is_wanted(search, from + 5 + (uint64_t)(int64_t)displacement, 1))
            r = found_at(search, from);
        if (r < 0)
            return r;
        at++;
    }
    return 0;
}

static int by_start(const void *a, const void *b)
{
    const struct function *x = a, *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

/* What was found twice, by call and by jump, is kept once. */
static void sort_list(struct function_list *list)
{
    size_t kept = 0;

    if (list->count)
        qsort(list->items, list->count, sizeof(*list->items), by_start);
    for (size_t i = 0; i < list->count; i++)
        if (!kept || list->items[kept - 1].start != list->items[i].start)
            list->items[kept++] = list->items[i];
    list->count = kept;
}

enum { X86_CALL = 0xe8, X86_JMP = 0xe9 };

static int search_calls_x86_64(const struct search *search, const uint8_t *bytes, uint64_t va,
                               size_t size)
{
    int r = search_opcode(search, bytes, va, size, X86_CALL);

    if (r == 0)
        r = search_opcode(search, bytes, va, size, X86_JMP);
    sort_list(search->out);
    return r;
}

static int search_calls_aarch64(const struct search *search, const uint8_t *bytes, uint64_t va,
                                size_t size)
{
    for (size_t i = 0; i + 4 <= size; i += 4) {
        uint32_t word;
        int64_t distance;
        int r;

        memcpy(&word, bytes + i, sizeof(word));
        if ((word & 0x7c000000) != 0x14000000) /* b, bl */
            continue;
        distance = (int64_t)((uint64_t)(word & 0x3ffffff) << 38) >> 36;
        if (!is_wanted(search, va + i + (uint64_t)distance, 1))
            continue;
        r = found_at(search, va + i);
        if (r < 0)
            return r;
    }
    return 0;
}

typedef int search_function(const struct search *search, const uint8_t *bytes, uint64_t va,
                            size_t size);

static int search_code(const struct code *code, const uint64_t *addresses, size_t count,
                       search_function *function, struct function_list *out)
{
    struct search search = {.code = code, .addresses = addresses, .count = count, .out = out};
    const struct image *image = code->image;
    _free_ uint8_t *bits = NULL;
    int r = count ? make_bits(&search) : 0;

    bits = search.bits;
    for (size_t i = 0; count && r == 0 && i < image->segment_count; i++) {
        const struct segment *segment = &image->segments[i];
        const uint8_t *bytes = image_bytes(image, segment->offset, segment->file_size);

        if (segment->flags & SEGMENT_EXECUTABLE && bytes)
            r = function(&search, bytes, segment->va, segment->file_size);
    }
    return r;
}

int references_find(const struct code *code, const uint64_t *addresses, size_t count,
                    struct function_list *out)
{
    return search_code(code, addresses, count,
                       code->image->machine == EM_AARCH64 ? search_aarch64 : search_x86_64, out);
}

int references_find_callers(const struct code *code, const uint64_t *targets, size_t count,
                            struct function_list *out)
{
    return search_code(
        code, targets, count,
        code->image->machine == EM_AARCH64 ? search_calls_aarch64 : search_calls_x86_64, out);
}
