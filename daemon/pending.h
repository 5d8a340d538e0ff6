/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/cleanup.h"

/*
 * Processes that may run .NET, each to be considered when its time has come: after an exec the
 * runtime is mapped some ten or hundred milliseconds later, if at all.
 */

#define PENDING_MAX 65536

struct pending {
    pid_t pid;
    unsigned tries;
    bool waits_for_image; /* that is being looked into */
    uint64_t due;         /* CLOCK_MONOTONIC, ns */
    struct pending *next;
};

struct pending_list {
    struct pending *first;
    size_t count;
    uint64_t refused; /* there were too many */
};

/* Adds @pid, or brings it forward, to the earlier of the tries. */
void pending_add(struct pending_list *list, pid_t pid, uint64_t due, unsigned tries);

/* Takes out those that @is_done says are done, of all that are due. */
void pending_visit(struct pending_list *list, uint64_t now,
                   bool (*is_done)(void *context, struct pending *pending), void *context);

/* All that wait for an image are due at once: it may be there. */
void pending_hurry(struct pending_list *list, uint64_t now);

/* When the first is due; UINT64_MAX: none. */
uint64_t pending_next(const struct pending_list *list);

void pending_clear(struct pending_list *list);
