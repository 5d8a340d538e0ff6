/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/names.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util/clock.h"

#define NAMES_MAX 16384u
#define SLOTS     (2 * NAMES_MAX)
#define DOUBT_NS  (30000 * NS_PER_MS) /* until what had no name is looked at again */

struct name {
    struct frame frame;
    uint64_t until; /* CLOCK_MONOTONIC ns; 0: for good */
};

struct names {
    struct name *items;
    size_t count, room;
    uint32_t slots[SLOTS]; /* index in items and 1, by address; 0: free */
};

int names_new(struct names **out)
{
    *out = calloc(1, sizeof(**out));
    return *out ? 0 : -ENOMEM;
}

void names_free(struct names **names)
{
    if (!*names)
        return;
    free((*names)->items);
    free(*names);
    *names = NULL;
}

/* The slot of @address, or the free one where it belongs. */
static size_t slot_of(const struct names *names, uint64_t address)
{
    size_t at = (size_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 32) % SLOTS;

    while (names->slots[at] && names->items[names->slots[at] - 1].frame.address != address)
        at = (at + 1) % SLOTS;
    return at;
}

bool names_find(const struct names *names, uint64_t address, struct frame *out)
{
    uint32_t slot = names->slots[slot_of(names, address)];
    const struct name *name = slot ? &names->items[slot - 1] : NULL;

    *out = name ? name->frame : (struct frame){.address = address};
    if (out->source == FRAME_UNKNOWN)
        snprintf(out->text, sizeof(out->text), "0x%" PRIx64, address);
    return name && (!name->until || name->until > clock_monotonic_ns());
}

static struct name *make_room(struct names *names)
{
    size_t room = names->room ? 2 * names->room : 256;
    void *items;

    if (names->count == NAMES_MAX) {
        memset(names->slots, 0, sizeof(names->slots));
        names->count = 0;
    }
    if (names->count == names->room) {
        items = reallocarray(names->items, room, sizeof(*names->items));
        if (!items)
            return NULL;
        names->items = items;
        names->room = room;
    }
    return &names->items[names->count++];
}

void names_keep(struct names *names, const struct frame *frame)
{
    uint32_t slot = names->slots[slot_of(names, frame->address)];
    struct name *name = slot ? &names->items[slot - 1] : make_room(names);

    if (!name)
        return;
    name->frame = *frame;
    name->until = frame->source == FRAME_UNKNOWN ? clock_monotonic_ns() + DOUBT_NS : 0;
    names->slots[slot_of(names, frame->address)] = (uint32_t)(name - names->items) + 1;
}
