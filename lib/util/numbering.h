/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * Gives each different key the next small number, from 0 on, so that what is known of a key can lie
 * in a plain array. The keys are somebody else's: where they go is secret, so that they cannot be
 * chosen to meet in one place. Starts as {0}.
 */
struct numbering {
    uint64_t *keys; /* by number */
    uint32_t count;
    uint32_t *slots; /* number + 1; 0: free. Twice as many as there are keys, or more */
    uint32_t slot_count;
    uint64_t secret;
};

/* The number of @key, a new one if there are fewer than @most. -ENOSPC, -ENOMEM. */
_must_check_ int numbering_add(struct numbering *numbering, uint64_t key, uint32_t most,
                               uint32_t *out);

/* -ENOENT: it has none. */
_must_check_ int numbering_find(const struct numbering *numbering, uint64_t key, uint32_t *out);

void numbering_close(struct numbering *numbering);
