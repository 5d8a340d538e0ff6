/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnostics/nettrace_blocks.h"

#include <string.h>

#include "util/array.h"
#include "util/text.h"

enum header_flag {
    HAS_KIND = 1,
    HAS_CAPTURE = 2, /* sequence number, thread and processor */
    HAS_THREAD = 4,
    HAS_STACK = 8,
    HAS_ACTIVITY = 16,
    HAS_RELATED_ACTIVITY = 32,
    HAS_PAYLOAD_SIZE = 128,
};

/* Of one event in a block, from which the next one's may differ in part. */
struct event_header {
    uint32_t kind;
    uint32_t sequence;
    uint64_t capture_thread;
    uint64_t thread;
    uint32_t stack;
    uint64_t time;
    uint32_t payload_size;
};

static uint64_t ticks_to_ns(const struct nettrace *nettrace, uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * 1000000000u / nettrace->frequency);
}

/* At most 5 bytes of 7 bits for 32, 10 for 64; what does not fit is no number. */
static bool take_varint(struct cursor *from, unsigned bits, uint64_t *out)
{
    uint64_t value = 0;
    uint8_t byte;

    for (unsigned shift = 0; shift < bits; shift += 7) {
        if (!cursor_u8(from, &byte))
            return false;
        if (bits - shift < 7 && (byte & 0x7f) >> (bits - shift))
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool take_varint32(struct cursor *from, uint32_t *out)
{
    uint64_t value;

    if (!take_varint(from, 32, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

/* UTF-16 up to a NUL, of which @size bytes of UTF-8 are kept. @to may be NULL. */
static bool take_text(struct cursor *from, char *to, size_t size)
{
    const uint8_t *start = from->at;
    uint16_t units[NETTRACE_PROVIDER_MAX], unit;
    size_t length = 0;

    do {
        if (!cursor_u16(from, &unit))
            return false;
    } while (unit != 0);
    if (!to)
        return true;
    length = (size_t)(from->at - start) / sizeof(unit) - 1;
    length = length < ARRAY_SIZE(units) ? length : ARRAY_SIZE(units);
    memcpy(units, start, length * sizeof(unit));
    text_from_utf16(units, length, to, size);
    text_printable(to);
    return true;
}

static int add_kind(struct nettrace *nettrace, uint32_t number, const char *provider, uint32_t id,
                    uint32_t version)
{
    struct kind *kinds =
        array_grow(nettrace->kinds, (size_t)number + 1, sizeof(*kinds), &nettrace->kind_count);

    if (!kinds)
        return nettrace_no_memory(nettrace);
    nettrace->kinds = kinds;
    free(kinds[number].provider);
    kinds[number] = (struct kind){.provider = strdup(provider), .id = id, .version = version};
    return kinds[number].provider ? 0 : nettrace_no_memory(nettrace);
}

/* What the fields of the payload are called follows; each event's own reader knows that. */
static int take_kind(struct nettrace *nettrace, struct cursor payload)
{
    char provider[NETTRACE_PROVIDER_MAX];
    const uint8_t *at = payload.at;
    uint32_t number, id, version, level;
    uint64_t keywords;

    if (!cursor_u32(&payload, &number) || !take_text(&payload, provider, sizeof(provider)) ||
        !cursor_u32(&payload, &id) || !take_text(&payload, NULL, 0) ||
        !cursor_u64(&payload, &keywords) || !cursor_u32(&payload, &version) ||
        !cursor_u32(&payload, &level))
        return nettrace_malformed(nettrace, at, "metadata that is cut off");
    if (number == 0)
        return nettrace_malformed(nettrace, at, "metadata without a number");
    if (number >= NETTRACE_KINDS_MAX)
        return reason_set(&nettrace->why, -E2BIG, "more than %u kinds of events in the stream",
                          NETTRACE_KINDS_MAX);
    return add_kind(nettrace, number, provider, id, version);
}

/* The number of a thread's last event becomes @sequence; those between that never came are lost. */
static int count_lost(struct nettrace *nettrace, uint64_t thread, uint32_t sequence, bool is_event)
{
    uint32_t known = nettrace->threads.count, number;
    int error = numbering_add(&nettrace->threads, thread, NETTRACE_THREADS_MAX, &number);
    uint32_t *grown;
    int32_t gap;

    if (error < 0)
        return error == -ENOSPC ? 0 : nettrace_no_memory(nettrace);
    grown = array_grow(nettrace->sequence, (size_t)number + 1, sizeof(*grown),
                       &nettrace->sequence_room);
    if (!grown)
        return nettrace_no_memory(nettrace);
    nettrace->sequence = grown;
    if (number == known)
        grown[number] = 0;
    gap = (int32_t)(sequence - grown[number] - is_event);
    if (gap > 0)
        nettrace->counts.lost += (uint64_t)gap;
    if (is_event || gap > 0)
        grown[number] = sequence;
    return 0;
}

static bool find_stack(const struct nettrace *nettrace, uint32_t number, struct nettrace_event *to)
{
    uint32_t index = number - nettrace->first_stack;

    if (number == 0 || index >= nettrace->stack_count)
        return number == 0;
    to->stack = &nettrace->frames[nettrace->stacks[index].first];
    to->frame_count = nettrace->stacks[index].count;
    return true;
}

static int take_event(struct nettrace *nettrace, const struct event_header *header,
                      struct cursor payload)
{
    struct nettrace_event event = {.thread = header->thread,
                                   .time_ns = ticks_to_ns(nettrace, header->time),
                                   .payload = payload.at,
                                   .payload_size = payload.left};
    const struct kind *kind;
    int error;

    if (header->kind >= nettrace->kind_count || !nettrace->kinds[header->kind].provider)
        return nettrace_malformed(nettrace, payload.at,
                                  "an event of a kind that nothing describes");
    kind = &nettrace->kinds[header->kind];
    event.provider = kind->provider;
    event.id = kind->id;
    event.version = kind->version;
    error = count_lost(nettrace, header->capture_thread, header->sequence, true);
    if (error < 0)
        return error;
    if (!find_stack(nettrace, header->stack, &event))
        nettrace->counts.missing_stacks++;
    nettrace->counts.events++;
    return nettrace->take(nettrace->data, &event, &nettrace->why);
}

static bool take_capture(struct cursor *from, struct event_header *header)
{
    uint32_t advance, processor;

    if (!take_varint32(from, &advance) || !take_varint(from, 64, &header->capture_thread) ||
        !take_varint32(from, &processor))
        return false;
    header->sequence += advance;
    return true;
}

static bool take_compressed_header(struct cursor *from, struct event_header *header)
{
    uint64_t elapsed;
    uint8_t flags;

    if (!cursor_u8(from, &flags) || (flags & HAS_KIND && !take_varint32(from, &header->kind)) ||
        (flags & HAS_CAPTURE && !take_capture(from, header)))
        return false;
    header->sequence += header->kind != 0;
    if ((flags & HAS_THREAD && !take_varint(from, 64, &header->thread)) ||
        (flags & HAS_STACK && !take_varint32(from, &header->stack)) ||
        !take_varint(from, 64, &elapsed) || (flags & HAS_ACTIVITY && !cursor_skip(from, 16)) ||
        (flags & HAS_RELATED_ACTIVITY && !cursor_skip(from, 16)) ||
        (flags & HAS_PAYLOAD_SIZE && !take_varint32(from, &header->payload_size)))
        return false;
    header->time += elapsed;
    return true;
}

static bool take_compressed(struct cursor *from, struct event_header *header,
                            struct cursor *payload)
{
    return take_compressed_header(from, header) && cursor_part(from, header->payload_size, payload);
}

/* The size covers what fills up to 4 bytes after the payload, too. */
static bool take_plain(struct cursor *from, struct event_header *header, struct cursor *payload)
{
    uint32_t size, processor;
    struct cursor event;

    if (!cursor_u32(from, &size) || !cursor_part(from, size, &event) ||
        !cursor_u32(&event, &header->kind) || !cursor_u32(&event, &header->sequence) ||
        !cursor_u64(&event, &header->thread) || !cursor_u64(&event, &header->capture_thread) ||
        !cursor_u32(&event, &processor) || !cursor_u32(&event, &header->stack) ||
        !cursor_u64(&event, &header->time) || !cursor_skip(&event, 32) ||
        !cursor_u32(&event, &header->payload_size))
        return false;
    header->kind &= INT32_MAX; /* the highest bit: not sorted */
    return cursor_part(&event, header->payload_size, payload);
}

static int take_events(struct nettrace *nettrace, struct cursor block, bool are_kinds)
{
    struct event_header header = {0};
    const uint8_t *start = block.at;
    uint16_t header_size, flags;
    struct cursor payload;
    int error = 0;

    if (!cursor_u16(&block, &header_size) || !cursor_u16(&block, &flags) ||
        header_size < sizeof(header_size) + sizeof(flags) ||
        !cursor_skip(&block, header_size - sizeof(header_size) - sizeof(flags)))
        return nettrace_malformed(nettrace, start, "a block's header that is cut off");
    while (error == 0 && block.left > 0) {
        const uint8_t *at = block.at;

        if (!(flags & 1 ? take_compressed : take_plain)(&block, &header, &payload))
            return nettrace_malformed(nettrace, at, "an event that is cut off");
        error = are_kinds ? take_kind(nettrace, payload) : take_event(nettrace, &header, payload);
    }
    return error;
}

static int take_event_block(struct nettrace *nettrace, struct cursor block)
{
    return take_events(nettrace, block, false);
}

static int take_metadata_block(struct nettrace *nettrace, struct cursor block)
{
    return take_events(nettrace, block, true);
}

static int add_stack(struct nettrace *nettrace, struct cursor addresses)
{
    uint32_t size = nettrace->pointer_size;
    size_t count = addresses.left / size;
    struct stack *stacks = array_grow(nettrace->stacks, nettrace->stack_count + 1, sizeof(*stacks),
                                      &nettrace->stack_room);
    uint64_t *frames;

    if (!stacks)
        return nettrace_no_memory(nettrace);
    nettrace->stacks = stacks;
    frames = array_grow(nettrace->frames, nettrace->frame_count + count, sizeof(*frames),
                        &nettrace->frame_room);
    if (!frames && nettrace->frame_count + count > 0)
        return nettrace_no_memory(nettrace);
    nettrace->frames = frames;
    if (nettrace->stack_count == NETTRACE_STACKS_MAX ||
        nettrace->frame_count + count > NETTRACE_FRAMES_MAX)
        return reason_set(&nettrace->why, -E2BIG, "more stacks in the stream than are kept");
    stacks[nettrace->stack_count++] =
        (struct stack){.first = (uint32_t)nettrace->frame_count, .count = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        frames[nettrace->frame_count] = 0;
        (void)!cursor_take(&addresses, &frames[nettrace->frame_count++], size);
    }
    return 0;
}

static void forget_stacks(struct nettrace *nettrace)
{
    nettrace->stack_count = 0;
    nettrace->frame_count = 0;
}

static int take_stack_block(struct nettrace *nettrace, struct cursor block)
{
    const uint8_t *start = block.at;
    uint32_t first, count, size;
    struct cursor addresses;
    int error = 0;

    if (!cursor_u32(&block, &first) || !cursor_u32(&block, &count))
        return nettrace_malformed(nettrace, start, "a block of stacks that is cut off");
    if (first != nettrace->first_stack + nettrace->stack_count) {
        forget_stacks(nettrace);
        nettrace->first_stack = first;
    }
    for (uint32_t i = 0; error == 0 && i < count; i++) {
        const uint8_t *at = block.at;

        if (!cursor_u32(&block, &size) || !cursor_part(&block, size, &addresses))
            return nettrace_malformed(nettrace, at, "a stack that is cut off");
        error = add_stack(nettrace, addresses);
    }
    return error;
}

static int take_sequence_point(struct nettrace *nettrace, struct cursor block)
{
    const uint8_t *start = block.at;
    uint64_t time, thread;
    uint32_t count, sequence;
    int error = 0;

    if (!cursor_u64(&block, &time) || !cursor_u32(&block, &count))
        return nettrace_malformed(nettrace, start, "a sequence point that is cut off");
    for (uint32_t i = 0; error == 0 && i < count; i++) {
        if (!cursor_u64(&block, &thread) || !cursor_u32(&block, &sequence))
            return nettrace_malformed(nettrace, block.at, "a sequence point that is cut off");
        error = count_lost(nettrace, thread, sequence, false);
    }
    forget_stacks(nettrace);
    return error;
}

/* SYSTEMTIME and the clock's state at that moment, then what else is said of the process. */
static int take_trace(struct nettrace *nettrace, struct cursor fields)
{
    const uint8_t *start = fields.at;
    uint64_t frequency;
    uint32_t pointer_size;

    if (!cursor_skip(&fields, 8 * sizeof(uint16_t) + sizeof(uint64_t)) ||
        !cursor_u64(&fields, &frequency) || !cursor_u32(&fields, &pointer_size))
        return nettrace_malformed(nettrace, start, "a header that is cut off");
    if (frequency == 0 || frequency > INT64_MAX)
        return nettrace_malformed(nettrace, start, "a clock that stands still");
    if (pointer_size != 4 && pointer_size != 8)
        return nettrace_malformed(nettrace, start, "pointers of an odd size");
    nettrace->frequency = frequency;
    nettrace->pointer_size = pointer_size;
    nettrace->has_header = true;
    return 0;
}

const struct object_type nettrace_types[] = {
    {"Trace", take_trace, 48},
    {"EventBlock", take_event_block, 0},
    {"MetadataBlock", take_metadata_block, 0},
    {"StackBlock", take_stack_block, 0},
    {"SPBlock", take_sequence_point, 0},
    {0},
};
