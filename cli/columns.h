/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * Tables that fit into the room there is: which columns are shown, and how wide. A character of
 * UTF-8 takes one place.
 */

#define COLUMNS_MAX    16
#define COLUMNS_LINE   1024 /* bytes of a line */
#define COLUMNS_WIDEST (COLUMNS_LINE / 4)

struct column {
    const char *head;
    unsigned width;
    unsigned rank;  /* the highest is the first that is left out; 0: never is */
    unsigned least; /* where nothing more can be left out; 0: @width */
    unsigned most;  /* what room is left over goes to the first that can grow; 0: can't */
};

/* Fills @widths; 0: the column is left out. Blanks between them are part of @room. */
void columns_fit(const struct column *columns, size_t count, unsigned room, unsigned *widths);

/* The line of @texts; NULL: of the heads. All places are filled, the last ones with blanks. */
void columns_format(const struct column *columns, const unsigned *widths, size_t count,
                    const char *const *texts, char line[static COLUMNS_LINE]);

/* Bytes of the first @width characters of @text, and how many those are. */
size_t columns_cut(const char *text, size_t width, size_t *characters);

/* A number a second: "12.5", "14345". */
#define COLUMNS_RATE 32
void columns_rate(double rate, char text[static COLUMNS_RATE]);

/* How many characters a text has. */
size_t columns_length(const char *text);
