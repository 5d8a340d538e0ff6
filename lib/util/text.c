/* SPDX-License-Identifier: Apache-2.0 */
#include "util/text.h"

#include <string.h>

static const uint32_t replacement = 0xfffd;

static size_t sequence_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    if (lead >= 0xf0 && lead <= 0xf4)
        return 4;
    return 0;
}

/* The second byte's range rules out overlong forms, surrogates, and more than U+10FFFF. */
static bool second_byte_is_valid(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return second >= 0x80 && second <= 0xbf;
    }
}

/* Length of the printable character at @text, or 0. The NUL at the end stops every sequence. */
static size_t printable_length(const unsigned char *text)
{
    size_t length = sequence_length(text[0]);

    if (length == 1)
        return text[0] >= 0x20 && text[0] != 0x7f;
    if (length == 0 || !second_byte_is_valid(text[0], text[1]))
        return 0;
    for (size_t i = 2; i < length; i++) {
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    }
    return text[0] == 0xc2 && text[1] < 0xa0 ? 0 : length;
}

void text_printable(char *text)
{
    while (*text) {
        size_t length = printable_length((const unsigned char *)text);

        if (length == 0) {
            *text = '?';
            length = 1;
        }
        text += length;
    }
}

static size_t put_character(uint32_t character, char bytes[static 4])
{
    if (character < 0x80) {
        bytes[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        bytes[0] = (char)(0xc0 | character >> 6);
        bytes[1] = (char)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        bytes[0] = (char)(0xe0 | character >> 12);
        bytes[1] = (char)(0x80 | (character >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (character & 0x3f));
        return 3;
    }
    bytes[0] = (char)(0xf0 | character >> 18);
    bytes[1] = (char)(0x80 | (character >> 12 & 0x3f));
    bytes[2] = (char)(0x80 | (character >> 6 & 0x3f));
    bytes[3] = (char)(0x80 | (character & 0x3f));
    return 4;
}

static uint32_t take_character(const uint16_t *units, size_t count, size_t *used)
{
    uint32_t high = units[*used];

    (*used)++;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || *used == count || units[*used] < 0xdc00 || units[*used] > 0xdfff)
        return replacement;
    return 0x10000 + ((high - 0xd800) << 10) + (units[(*used)++] - 0xdc00u);
}

size_t text_from_utf16(const uint16_t *units, size_t count, char *to, size_t size)
{
    size_t used = 0, written = 0;

    if (size == 0)
        return 0;
    while (used < count) {
        char bytes[4];
        size_t length = put_character(take_character(units, count, &used), bytes);

        if (length >= size - written)
            break;
        memcpy(to + written, bytes, length);
        written += length;
    }
    to[written] = '\0';
    return written;
}

void text_copy(char *to, size_t size, const char *from)
{
    size_t length = strnlen(from, size - 1);

    memcpy(to, from, length);
    to[length] = '\0';
}

bool text_starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

bool text_ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);

    return length >= tail && strcmp(text + length - tail, end) == 0;
}

const char *text_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}
