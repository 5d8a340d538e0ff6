/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Builds nettrace streams, right ones and others. */

#define STREAM_MAX (64u * 1024)

struct stream {
    uint8_t bytes[STREAM_MAX];
    size_t size;
    size_t block; /* where the size of the block that is being built stands */
};

static inline void put(struct stream *to, const void *bytes, size_t size)
{
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static inline void put_number(struct stream *to, uint64_t value, size_t size)
{
    put(to, &value, size);
}

static inline void put_varint(struct stream *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put_number(to, (value & 0x7f) | 0x80, 1);
    put_number(to, value, 1);
}

static inline void put_utf16(struct stream *to, const char *text)
{
    do
        put_number(to, (uint8_t)*text, 2);
    while (*text++);
}

static inline void put_type(struct stream *to, const char *name, uint32_t version)
{
    put(to, "\5\5\1", 3);
    put_number(to, version, 4);
    put_number(to, version, 4);
    put_number(to, strlen(name), 4);
    put(to, name, strlen(name));
    put(to, "\6", 1);
}

static inline void put_start(struct stream *to)
{
    put(to, "Nettrace\x14\0\0\0!FastSerialization.1", 32);
}

/* 2026-11-24 06:30:00.500, which is tick 1000 of a clock of @frequency ticks a second. */
static inline void put_trace(struct stream *to, uint32_t version, uint64_t frequency,
                             uint32_t pointer_size)
{
    static const uint16_t time[] = {2026, 11, 2, 24, 6, 30, 0, 500};

    put_type(to, "Trace", version);
    put(to, time, sizeof(time));
    put_number(to, 1000, 8);
    put_number(to, frequency, 8);
    put_number(to, pointer_size, 4);
    put_number(to, 4711, 4);
    put_number(to, 2, 4);
    put_number(to, 0, 4);
    put(to, "\6", 1);
}

static inline void begin_block(struct stream *to, const char *name)
{
    put_type(to, name, 2);
    to->block = to->size;
    put_number(to, 0, 4);
    while (to->size % 4)
        put_number(to, 0, 1);
}

static inline void end_block(struct stream *to)
{
    size_t start = (to->block + 4 + 3) / 4 * 4;
    uint32_t size = (uint32_t)(to->size - start);

    memcpy(to->bytes + to->block, &size, sizeof(size));
    put(to, "\6", 1);
}

static inline void begin_events(struct stream *to, const char *name, bool compressed)
{
    begin_block(to, name);
    put_number(to, 20, 2);
    put_number(to, compressed, 2);
    put_number(to, 0, 8);
    put_number(to, 0, 8);
}

static inline void put_kind(struct stream *to, uint32_t number, const char *provider, uint32_t id,
                            uint32_t version)
{
    struct stream payload = {0};

    put_number(&payload, number, 4);
    put_utf16(&payload, provider);
    put_number(&payload, id, 4);
    put_utf16(&payload, "Name");
    put_number(&payload, 0x4000, 8);
    put_number(&payload, version, 4);
    put_number(&payload, 4, 4);
    put_number(&payload, 0, 4);
    put_number(to, 128, 1); /* the payload's size, and a time that has not moved */
    put_varint(to, 0);
    put_varint(to, payload.size);
    put(to, payload.bytes, payload.size);
}

struct built_event {
    uint32_t kind, sequence, stack;
    uint64_t thread, time;
    const void *payload;
    size_t size;
};

static inline void put_plain(struct stream *to, const struct built_event *event)
{
    put_number(to, 80 - 4 + (event->size + 3) / 4 * 4, 4);
    put_number(to, event->kind | 1u << 31, 4);
    put_number(to, event->sequence, 4);
    put_number(to, event->thread, 8);
    put_number(to, event->thread, 8);
    put_number(to, 1, 4);
    put_number(to, event->stack, 4);
    put_number(to, event->time, 8);
    for (int i = 0; i < 4; i++)
        put_number(to, 0, 8);
    put_number(to, event->size, 4);
    put(to, event->payload, event->size);
    put(to, "\0\0\0", (4 - event->size % 4) % 4);
}

/* With everything that can be left out; @before is what the header is compressed against. */
static inline void put_compressed(struct stream *to, const struct built_event *event,
                                  const struct built_event *before)
{
    put_number(to, 1 | 2 | 4 | 8 | 64 | 128, 1);
    put_varint(to, event->kind);
    put_varint(to, (uint32_t)(event->sequence - before->sequence - 1));
    put_varint(to, event->thread);
    put_varint(to, 1);
    put_varint(to, event->thread);
    put_varint(to, event->stack);
    put_varint(to, event->time - before->time);
    put_varint(to, event->size);
    put(to, event->payload, event->size);
}

static inline void put_stack_header(struct stream *to, uint32_t first, uint32_t count)
{
    begin_block(to, "StackBlock");
    put_number(to, first, 4);
    put_number(to, count, 4);
}

static inline void put_stack(struct stream *to, const uint64_t *addresses, size_t count)
{
    put_number(to, count * 8, 4);
    put(to, addresses, count * 8);
}
