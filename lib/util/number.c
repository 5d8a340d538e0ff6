/* SPDX-License-Identifier: Apache-2.0 */
#include "util/number.h"

#include <errno.h>

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

static int parse(const char *text, unsigned base, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;

    if (!*text)
        return -EINVAL;
    for (; *text; text++) {
        unsigned digit = (unsigned)digit_of(*text);

        if (digit >= base)
            return -EINVAL;
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value) || value > most)
            return -ERANGE;
    }
    *out = value;
    return 0;
}

int number_decimal(const char *text, uint64_t most, uint64_t *out)
{
    return parse(text, 10, most, out);
}

int number_hex(const char *text, uint64_t most, uint64_t *out)
{
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    return parse(text, 16, most, out);
}

int number_compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}
