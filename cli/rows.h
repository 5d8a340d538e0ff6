/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <sys/types.h>

/* The table of `clrmon check`, whatever its rows are made of. At most 80 columns. */

#define ROW_INDENT 8

struct check_row {
    pid_t pid;
    const char *name, *version, *level, *keywords, *verdict; /* "" becomes "-" */
};

void row_print_head(void);
void row_print(const struct check_row *row);

/* @text in lines of at most 80 columns, each after @indent blanks. */
void print_folded(const char *text, int indent);
void print_folded_to(FILE *out, const char *text, int indent);
