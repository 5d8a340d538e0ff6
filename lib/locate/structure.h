/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/site.h"
#include "locate/walk.h"
#include "util/reason.h"

/*
 * Finding sites in a stripped image by the shape of its code and data. One finder knows one shape.
 * It records what is the only match and passes its checks; otherwise it returns a negative errno
 * and says in @why what was missing or not unique, which becomes the reason of each of its sites.
 * @code's image has its relocations and functions loaded.
 */
typedef int find_function(const struct code *code, struct findings *findings, struct reason *why);

/* GCEventStatus and the functions that set it: structure_gc.c */
find_function structure_find_gc;

/* Provider contexts and the provider object: structure_providers.c */
find_function structure_find_providers;

/* The table of EventPipe sessions: structure_sessions.c */
find_function structure_find_sessions;

/* Runs every finder. Sites that are found already stay as they are. */
_must_check_ int structure_find(struct image *image, struct findings *findings, struct reason *why);
