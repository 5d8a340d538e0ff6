/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reader.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "util/text.h"

#define PAGE        4096
#define TRIES       20
#define TRIES_PLAIN 3
#define TEXT_BYTES  (3 * READER_TEXT_MAX + 1)

int reader_follow(const struct reader *reader, uint64_t address, void *to, size_t length)
{
    return reader_may_hold(address) ? reader_read(reader, address, to, length) : -EBADMSG;
}

/* Trying again won't help. */
static bool is_final(int error)
{
    return error == -ESRCH || error == -EPERM || error == -EACCES || error == -ENOMEM ||
           error == -E2BIG;
}

int reader_settle(const struct reader *reader, reader_try *try, void *context)
{
    int r = 0;

    for (int i = 0; i < TRIES; i++) {
        r = try(reader, context);
        if (r == READER_STRANGE && i >= TRIES_PLAIN)
            r = 0;
        if (r == 0 || is_final(r))
            break;
    }
    return r;
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

/* The first of them that is the NUL, or @count. */
static size_t count_units(const uint8_t *bytes, size_t count, size_t step)
{
    size_t i = 0;

    while (i < count && (bytes[i * step] || bytes[i * step + step - 1]))
        i++;
    return i;
}

static void to_utf8(const uint8_t *bytes, size_t count, bool wide, char to[static TEXT_BYTES])
{
    uint16_t units[READER_TEXT_MAX];

    if (!wide) {
        memcpy(to, bytes, count);
        to[count] = 0;
        return;
    }
    memcpy(units, bytes, count * sizeof(*units));
    text_from_utf16(units, count, to, TEXT_BYTES);
}

/* Between two characters. */
static void cut(const char *text, char *to, size_t size)
{
    size_t length = size - sizeof("...");

    while (length && (text[length] & 0xc0) == 0x80)
        length--;
    memcpy(to, text, length);
    strcpy(to + length, "...");
}

static bool is_plain(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return !*text;
}

int reader_text(const struct reader *reader, uint64_t address, bool wide, char *to, size_t size)
{
    uint8_t bytes[2 * READER_TEXT_MAX] = {0};
    size_t step = wide ? 2 : 1, count;
    char text[TEXT_BYTES];
    int r;

    assert(size > sizeof("...") && size <= READER_TEXT_MAX);
    r = read_bytes(reader, address, step, bytes, step * size);
    if (r < 0)
        return r;
    count = count_units(bytes, size, step);
    to_utf8(bytes, count, wide, text);
    if (count == size || strlen(text) >= size)
        cut(text, to, size);
    else
        strcpy(to, text);
    r = !is_plain(to);
    text_printable(to);
    return r;
}
