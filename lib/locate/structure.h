/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/event_map.h"
#include "locate/site.h"
#include "locate/walk.h"
#include "util/reason.h"

/* What one finder comes across and a later one needs. */
struct clues {
    uint64_t creator; /* of the runtime's provider and its events, InitDotNETRuntime; 0: not seen */
    const struct findings *named; /* what symbols say; NULL: none asked */
    struct event_map *events;     /* see clues_events(); owned; NULL: not read yet */
};

/* The events that @creator defines, read when they are first asked for. As event_map_read(). */
_must_check_ int clues_events(const struct code *code, struct clues *clues,
                              const struct event_map **out, struct reason *why);

/*
 * Finding sites in a stripped image by the shape of its code and data. One finder knows one shape.
 * It records what is the only match and passes its checks; otherwise it returns a negative errno
 * and says in @why what was missing or not unique, which becomes the reason of each of its sites.
 * @code's image has its relocations and functions loaded.
 */
typedef int find_function(const struct code *code, struct clues *clues, struct findings *findings,
                          struct reason *why);

/* GCEventStatus and the functions that set it: structure_gc.c */
find_function structure_find_gc;

/* Provider contexts and the provider object: structure_providers.c */
find_function structure_find_providers;

/* The table of EventPipe sessions: structure_sessions.c */
find_function structure_find_sessions;

/* AwareLock::EnterEpilogHelper, its exits and the layout of a lock: structure_locks.c */
find_function structure_find_locks;

/* The wait for a WaitHandle: structure_waits.c */
find_function structure_find_waits;

/* Where EventPipe is handed an event to write, and which events there are: structure_events.c */
find_function structure_find_events;

/*
 * Runs every finder. Sites that are found already stay as they are. @named is what symbols have
 * found, or NULL: where only they know a function, its exits and layout are still read from it.
 */
_must_check_ int structure_find(struct image *image, const struct findings *named,
                                struct findings *findings, struct reason *why);
