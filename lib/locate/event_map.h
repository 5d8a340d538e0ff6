/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/walk.h"
#include "util/reason.h"

/*
 * The runtime provider's events and the variables that hold them. Generated code
 * (src/coreclr/scripts/genEventPipe.py) defines each one:
 *
 *     EventPipeEventContentionStart_V1 = provider->AddEvent(81, 0x4000, 1, Informational, true);
 *
 * and whoever writes the event reads that variable.
 */

#define EVENT_MAP_MAX 512

struct event {
    uint16_t id;
    uint8_t version;
    uint64_t keywords;
    uint64_t variable;
};

struct event_map {
    struct event items[EVENT_MAP_MAX]; /* in order of definition */
    size_t count;
};

/*
 * From @creator, the function that creates the provider. An event whose id is not in the code as a
 * constant is left out. -ENODATA when these are not all of a provider's events: there must be many,
 * their variables one next to the other.
 */
_must_check_ int event_map_read(const struct code *code, uint64_t creator, struct event_map *out,
                                struct reason *why);

/* The first event with that id from @from on, or NULL. */
const struct event *event_map_next(const struct event_map *map, const struct event *from,
                                   uint16_t id);
