/* SPDX-License-Identifier: Apache-2.0 */
#include "util/numbering.h"

#include <errno.h>
#include <sys/random.h>

#define SLOTS_FIRST 64

static uint64_t scatter(uint64_t key, uint64_t secret)
{
    unsigned __int128 product = (unsigned __int128)(key ^ secret) * (secret | 1);
    uint64_t folded = (uint64_t)product ^ (uint64_t)(product >> 64);

    return (folded ^ folded >> 32) * 0x9e3779b97f4a7c15u;
}

/* Where @key is, or the free slot where it would be. */
static uint32_t *slot_of(const struct numbering *numbering, uint64_t key)
{
    uint32_t mask = numbering->slot_count - 1;
    uint32_t at = (uint32_t)(scatter(key, numbering->secret) >> 32) & mask;

    while (numbering->slots[at] && numbering->keys[numbering->slots[at] - 1] != key)
        at = (at + 1) & mask;
    return &numbering->slots[at];
}

static int grow(struct numbering *numbering)
{
    uint32_t slot_count = numbering->slot_count ? 2 * numbering->slot_count : SLOTS_FIRST;
    uint64_t *keys = reallocarray(numbering->keys, slot_count / 2, sizeof(*keys));
    uint32_t *slots;

    if (!keys)
        return -ENOMEM;
    numbering->keys = keys;
    slots = calloc(slot_count, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    free(numbering->slots);
    numbering->slots = slots;
    numbering->slot_count = slot_count;
    for (uint32_t i = 0; i < numbering->count; i++)
        *slot_of(numbering, keys[i]) = i + 1;
    return 0;
}

int numbering_find(const struct numbering *numbering, uint64_t key, uint32_t *out)
{
    uint32_t found = numbering->slot_count ? *slot_of(numbering, key) : 0;

    if (!found)
        return -ENOENT;
    *out = found - 1;
    return 0;
}

int numbering_add(struct numbering *numbering, uint64_t key, uint32_t most, uint32_t *out)
{
    int error = 0;

    if (numbering_find(numbering, key, out) == 0)
        return 0;
    if (numbering->count >= most)
        return -ENOSPC;
    if (!numbering->secret &&
        getrandom(&numbering->secret, sizeof(numbering->secret), GRND_NONBLOCK) < 0)
        numbering->secret = (uintptr_t)numbering;
    if (numbering->count == numbering->slot_count / 2)
        error = grow(numbering);
    if (error < 0)
        return error;
    *slot_of(numbering, key) = numbering->count + 1;
    numbering->keys[numbering->count] = key;
    *out = numbering->count++;
    return 0;
}

void numbering_close(struct numbering *numbering)
{
    free(numbering->keys);
    free(numbering->slots);
    *numbering = (struct numbering){0};
}
