/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "state/verdict.h"
#include "util/reason.h"

/*
 * What `clrmon top` shows, as a pure function of its rows and of the room there is. Texts are
 * printable UTF-8, a character a column.
 */

#define SCREEN_NAME_MAX 128

struct screen_row {
    pid_t pid;
    char name[SCREEN_NAME_MAX];
    char version[32];
    bool gc_known; /* else level and keywords mean nothing */
    uint32_t level;
    char keywords[24]; /* "0x8001" */
    int sessions;      /* -1: not known */
    uint64_t verbose_seconds;
    enum verdict verdict;
    bool waits_known;            /* else what follows means nothing */
    double waits;                /* a second */
    double wait_ms;              /* a second */
    uint64_t p99_ns;             /* no longer than that, as contention_quantile() has it */
    unsigned waiters;            /* now */
    char lock[SCREEN_NAME_MAX];  /* the worst; "": none */
    char owner[SCREEN_NAME_MAX]; /* the thread that had it */
};

struct screen {
    struct screen_row *rows;
    size_t count;
    unsigned interval_s;
    bool has_waits;        /* locks are watched: else there are no columns for them */
    struct reason trouble; /* "": none; else the rows are from before */
};

/* The worst verdict first, then by level, by verbose time, by wait time, by pid. */
void screen_sort(struct screen *screen);

/*
 * Columns that there is no room for are left out, those that say least first; PID, NAME and VERDICT
 * stay.
 *
 * @lines lines of at most @columns characters, for a terminal: from its upper left corner on, all
 * of it drawn over, with what does not fit counted in the last line. @lines 0: for a file: every
 * row, without any control sequence. To be freed; NULL: no memory.
 */
char *screen_render(const struct screen *screen, unsigned columns, unsigned lines);
