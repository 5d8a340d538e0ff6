/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "contention/contention.h"

/*
 * Contention as tables, wherever it comes from: a pure function of what is shown and of the room
 * there is. Lists are as long as they are: see contended_list_cut(). Their sums are of the time
 * from since_ns to now_ns.
 */

enum contention_table {
    TABLE_LOCK = CONTENTION_BY_LOCK,
    TABLE_STACK = CONTENTION_BY_STACK,
    TABLE_OWNER = CONTENTION_BY_OWNER,
    TABLE_THREAD = CONTENTION_BY_THREAD,
    TABLE_PROCESS = CONTENTION_BY_MAX,
    TABLE_MAX,
};

struct contention_view {
    enum contention_table table;
    bool total;       /* sums and times, not a second */
    bool idle;        /* also processes in which nobody waits */
    unsigned columns; /* room */
};

/* TABLE_MAX for a name that is none. */
enum contention_table contention_table_of_name(const char *name);

void contention_print(FILE *out, const struct contention *all, size_t count,
                      const struct contention_view *view);

/* The line of the worst lock; NULL: there is none. What it is, and who has it, in few words. */
const struct contended *contention_worst(const struct contention *contention);
#define CONTENDED_TEXT_MAX 256
void contended_lock(const struct contended *lock, char text[static CONTENDED_TEXT_MAX]);
void contended_thread(const struct contended *line, char text[static CONTENDED_TEXT_MAX]);
