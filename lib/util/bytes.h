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
struct bytes {
    const uint8_t *at;
    size_t left;
};

static inline bool bytes_skip(struct bytes *from, size_t size)
{
    if (size > from->left)
        return false;
    from->at += size;
    from->left -= size;
    return true;
}

static inline bool bytes_take(struct bytes *from, void *to, size_t size)
{
    const uint8_t *at = from->at;

    if (!bytes_skip(from, size))
        return false;
    memcpy(to, at, size);
    return true;
}

/* The first @size of @from as bytes of their own. */
static inline bool bytes_part(struct bytes *from, size_t size, struct bytes *out)
{
    const uint8_t *at = from->at;

    if (!bytes_skip(from, size))
        return false;
    *out = (struct bytes){.at = at, .left = size};
    return true;
}

static inline bool bytes_u8(struct bytes *from, uint8_t *out)
{
    return bytes_take(from, out, sizeof(*out));
}

static inline bool bytes_u16(struct bytes *from, uint16_t *out)
{
    return bytes_take(from, out, sizeof(*out));
}

static inline bool bytes_u32(struct bytes *from, uint32_t *out)
{
    return bytes_take(from, out, sizeof(*out));
}

static inline bool bytes_u64(struct bytes *from, uint64_t *out)
{
    return bytes_take(from, out, sizeof(*out));
}
