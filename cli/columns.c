/* SPDX-License-Identifier: Apache-2.0 */
#include "columns.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static unsigned sum(const unsigned *widths, size_t count)
{
    unsigned used = 0;

    for (size_t i = 0; i < count; i++)
        used += widths[i] ? widths[i] + (used > 0) : 0;
    return used;
}

/* False: none can be left out any more. */
static bool leave_out(const struct column *columns, size_t count, unsigned *widths)
{
    size_t which = count;

    for (size_t i = 0; i < count; i++)
        if (widths[i] && columns[i].rank &&
            (which == count || columns[i].rank > columns[which].rank))
            which = i;
    if (which < count)
        widths[which] = 0;
    return which < count;
}

void columns_fit(const struct column *columns, size_t count, unsigned room, unsigned *widths)
{
    unsigned used;

    for (size_t i = 0; i < count; i++)
        widths[i] = columns[i].width;
    while (sum(widths, count) > room && leave_out(columns, count, widths))
        ;
    for (size_t i = 0; i < count; i++) {
        unsigned over = (used = sum(widths, count)) > room ? used - room : 0;
        unsigned spare = widths[i] > columns[i].least ? widths[i] - columns[i].least : 0;

        if (columns[i].least)
            widths[i] -= over < spare ? over : spare;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned left = (used = sum(widths, count)) < room ? room - used : 0;
        unsigned more = columns[i].most > widths[i] ? columns[i].most - widths[i] : 0;

        if (widths[i])
            widths[i] += left < more ? left : more;
    }
}

size_t columns_cut(const char *text, size_t width, size_t *characters)
{
    size_t bytes = 0;

    *characters = 0;
    while (text[bytes]) {
        bool begins = ((unsigned char)text[bytes] & 0xc0) != 0x80;

        if (begins && *characters == width)
            break;
        *characters += begins;
        bytes++;
    }
    return bytes;
}

void columns_format(const struct column *columns, const unsigned *widths, size_t count,
                    const char *const *texts, char line[static COLUMNS_LINE])
{
    size_t used = 0;

    line[0] = 0;
    for (size_t i = 0; i < count && used < COLUMNS_LINE; i++) {
        const char *text = texts ? texts[i] : columns[i].head;
        size_t characters, bytes;

        if (!widths[i])
            continue;
        bytes = columns_cut(text, widths[i], &characters);
        used += (size_t)snprintf(line + used, COLUMNS_LINE - used, "%s%.*s%*s", used ? " " : "",
                                 (int)bytes, text, (int)(widths[i] - characters), "");
    }
}

void columns_rate(double rate, char text[static COLUMNS_RATE])
{
    snprintf(text, COLUMNS_RATE, rate < 999.95 ? "%.1f" : "%.0f", rate);
}

size_t columns_length(const char *text)
{
    size_t characters;

    (void)columns_cut(text, SIZE_MAX, &characters);
    return characters;
}
