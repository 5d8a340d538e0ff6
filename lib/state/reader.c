/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reader.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define PAGE 4096

int reader_follow(const struct reader *reader, uint64_t address, void *to, size_t length)
{
    return reader_may_hold(address) ? reader_read(reader, address, to, length) : -EBADMSG;
}

static bool has_end(const uint8_t *bytes, size_t size, size_t step)
{
    for (size_t i = 0; i + step <= size; i += step)
        if (!bytes[i] && !bytes[i + step - 1])
            return true;
    return false;
}

/* Up to @size bytes of a text that may end before them: a page that it does not reach need not be
 * there. */
static int read_bytes(const struct reader *reader, uint64_t address, size_t step, uint8_t *to,
                      size_t size)
{
    size_t first = PAGE - address % PAGE < size ? PAGE - address % PAGE : size;
    int r = reader_follow(reader, address, to, first);

    if (r < 0 || first == size || has_end(to, first, step))
        return r;
    return reader_read(reader, address + first, to + first, size - first);
}

/* @strange: how many characters were not printable ASCII. */
static int read_text(const struct reader *reader, uint64_t address, bool wide, char *to,
                     size_t size, size_t *strange)
{
    uint8_t bytes[2 * READER_TEXT_MAX] = {0};
    size_t step = wide ? 2 : 1;
    int r;

    assert(size > 3 && size <= READER_TEXT_MAX);
    *strange = 0;
    r = read_bytes(reader, address, step, bytes, step * size);
    if (r < 0)
        return r;
    for (size_t i = 0; i < size; i++) {
        uint8_t low = bytes[i * step], high = wide ? bytes[i * step + 1] : 0;
        bool plain = low >= ' ' && low <= '~' && !high;

        to[i] = plain ? (char)low : '?';
        if (!low && !high) {
            to[i] = 0;
            return 0;
        }
        *strange += !plain;
    }
    strcpy(to + size - 4, "...");
    return 0;
}

int reader_name(const struct reader *reader, uint64_t address, bool wide, char *to, size_t size)
{
    size_t strange;
    int r = read_text(reader, address, wide, to, size, &strange);

    return r < 0 ? r : strange || !to[0] ? -EBADMSG : 0;
}

int reader_text(const struct reader *reader, uint64_t address, bool wide, char *to, size_t size)
{
    size_t strange;

    return read_text(reader, address, wide, to, size, &strange);
}
