/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A range of somebody else's bytes, little-endian, of which nothing is believed: no read goes
 * beyond its end. Offsets may be any number.
 */
struct bytes {
    const uint8_t *data; /* borrowed */
    size_t size;
};

/* @length bytes at @offset, or NULL unless all of them are there. */
static inline const void *bytes_at(struct bytes bytes, uint64_t offset, uint64_t length)
{
    if (!bytes.data || offset > bytes.size || length > bytes.size - offset)
        return NULL;
    return bytes.data + offset;
}

/* A part of it; empty, with data NULL, unless all of it is there. */
static inline struct bytes bytes_slice(struct bytes bytes, uint64_t offset, uint64_t length)
{
    const uint8_t *data = bytes_at(bytes, offset, length);

    return data ? (struct bytes){data, (size_t)length} : (struct bytes){0};
}

/* From @offset to the end. */
static inline struct bytes bytes_from(struct bytes bytes, uint64_t offset)
{
    return offset > bytes.size ? (struct bytes){0}
                               : bytes_slice(bytes, offset, bytes.size - offset);
}

/* A number of @width bytes, 1 to 8; 0 where it is not inside. */
static inline uint64_t bytes_number(struct bytes bytes, uint64_t offset, unsigned width)
{
    const void *at = bytes_at(bytes, offset, width);
    uint64_t value = 0;

    if (at)
        memcpy(&value, at, width);
    return value;
}

static inline uint32_t bytes_u32(struct bytes bytes, uint64_t offset)
{
    return (uint32_t)bytes_number(bytes, offset, 4);
}

static inline uint16_t bytes_u16(struct bytes bytes, uint64_t offset)
{
    return (uint16_t)bytes_number(bytes, offset, 2);
}

/* The string at @offset, of at most BYTES_STRING_MAX bytes; NULL unless it ends inside. */
#define BYTES_STRING_MAX 4096

static inline const char *bytes_string(struct bytes bytes, uint64_t offset)
{
    struct bytes rest = bytes_from(bytes, offset);
    size_t most = rest.size < BYTES_STRING_MAX ? rest.size : BYTES_STRING_MAX;

    return most && memchr(rest.data, 0, most) ? (const char *)rest.data : NULL;
}
