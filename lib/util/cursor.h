/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Little-endian fields out of bytes that nobody vouches for, one after the other. Each takes what
 * it asks for, or returns false and takes nothing.
 */
struct cursor {
    const uint8_t *at;
    size_t left;
};

static inline bool cursor_skip(struct cursor *from, size_t size)
{
    if (size > from->left)
        return false;
    from->at += size;
    from->left -= size;
    return true;
}

static inline bool cursor_take(struct cursor *from, void *to, size_t size)
{
    const uint8_t *at = from->at;

    if (!cursor_skip(from, size))
        return false;
    memcpy(to, at, size);
    return true;
}

/* The first @size of @from as bytes of their own. */
static inline bool cursor_part(struct cursor *from, size_t size, struct cursor *out)
{
    const uint8_t *at = from->at;

    if (!cursor_skip(from, size))
        return false;
    *out = (struct cursor){.at = at, .left = size};
    return true;
}

static inline bool cursor_u8(struct cursor *from, uint8_t *out)
{
    return cursor_take(from, out, sizeof(*out));
}

static inline bool cursor_u16(struct cursor *from, uint16_t *out)
{
    return cursor_take(from, out, sizeof(*out));
}

static inline bool cursor_u32(struct cursor *from, uint32_t *out)
{
    return cursor_take(from, out, sizeof(*out));
}

static inline bool cursor_u64(struct cursor *from, uint64_t *out)
{
    return cursor_take(from, out, sizeof(*out));
}
