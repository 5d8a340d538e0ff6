/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <string.h>

#define WIDTH 80

void row_print_head(void)
{
    printf("%-7s %-24s %-9s %-16s %-10s %s\n", "PID", "NAME", "VERSION", "GC LEVEL", "KEYWORDS",
           "VERDICT");
}

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

void row_print(const struct check_row *row)
{
    printf("%-7d %-24.24s %-9.9s %-16s %-10s %s\n", (int)row->pid, or_dash(row->name),
           or_dash(row->version), or_dash(row->level), or_dash(row->keywords),
           or_dash(row->verdict));
}

void print_folded_to(FILE *out, const char *text, int indent)
{
    size_t room = WIDTH - (size_t)indent;

    while (*text) {
        size_t length = strlen(text), cut = length;

        if (length > room) {
            cut = room;
            while (cut > 0 && text[cut] != ' ')
                cut--;
            cut = cut ? cut : room;
        }
        fprintf(out, "%*s%.*s\n", indent, "", (int)cut, text);
        text += cut;
        while (*text == ' ')
            text++;
    }
}

void print_folded(const char *text, int indent)
{
    print_folded_to(stdout, text, indent);
}
