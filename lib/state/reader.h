/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * Bytes by address: a live process, or an array in a test. All @length of them, or a negative
 * errno.
 */
struct reader {
    int (*read)(void *context, uint64_t address, void *to, size_t length);
    void *context;
};

_must_check_ static inline int reader_read(const struct reader *reader, uint64_t address, void *to,
                                           size_t length)
{
    return reader->read(reader->context, address, to, length);
}
