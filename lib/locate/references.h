/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/walk.h"

/*
 * Which functions may mention an address, without disassembling the image: on x86-64 every four
 * bytes that may be a RIP-relative displacement are tried, on aarch64 every ADRP with what follows.
 * The answer has every function that does and a few that do not; a walk tells them apart.
 */

struct function_list {
    struct function *items; /* owned; sorted by start, no duplicates */
    size_t count;
    size_t room;
};

void function_list_free(struct function_list *list);
#define _function_list_ _cleanup_(function_list_free)

/* @addresses must be sorted. -ENOMEM, or -E2BIG when they lie further apart, or far
 * more functions match, than is credible. */
_must_check_ int references_find(const struct code *code, const uint64_t *addresses, size_t count,
                                 struct function_list *out);

/* The same for direct calls of one of @targets, sorted, and for unconditional jumps there. */
_must_check_ int references_find_callers(const struct code *code, const uint64_t *targets,
                                         size_t count, struct function_list *out);
