/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "proc/memory.h"

/*
 * Where methods begin in a heap of code: four bits for each 32 bytes of it, the first bucket's the
 * highest of a 32-bit unit; 0, or 1 and the fourth of the offset at which a method begins.
 * dotnet/runtime, docs/design/datacontracts/ExecutionManager.md.
 */

enum nibble_kind {
    NIBBLE_LINEAR,   /* version 1: one goes back until a method begins */
    NIBBLE_CONSTANT, /* version 2: a unit that a method covers whole points to its begin */
};

struct nibble_map {
    enum nibble_kind kind;
    uint64_t units; /* where they lie */
    uint64_t base;  /* what they tell of begins here */
};

/* So far one goes back: no method is larger. */
#define NIBBLE_CODE_MAX (16u << 20)

/*
 * The begin of the last method at or before @address. -ENOENT: there is none; -EBADMSG: what is
 * there is no such map; errors of memory_read().
 */
_must_check_ int nibble_map_find(struct memory *memory, const struct nibble_map *map,
                                 uint64_t address, uint64_t *start);
