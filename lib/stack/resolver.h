/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "locate/site.h"
#include "proc/process.h"
#include "stack/frame.h"
#include "util/reason.h"

/*
 * Names for the addresses on the stacks of one process, and for the types of its objects: by the
 * symbols of its native images, the tables of its ReadyToRun images, the runtime's own data
 * contract (9.0 and later), and /tmp/perf-PID.map. What none of them knows keeps its module and
 * offset. A name that was found is kept; so is the fact that there is none, for a while. Files are
 * read in a confined child, one at a time, all places in it at once: ask for many addresses rather
 * than often. A file that its owner made for it can take some 20 s: the daemon asks in an errand.
 */

struct resolver;

/* -ESRCH, -EACCES as process_read() has them; -ENOMEM. The process may end at any time. */
_must_check_ int resolver_new(struct resolver **out, const struct process *process,
                              struct reason *why);
void resolver_free(struct resolver **resolver);
#define _resolver_free_ _cleanup_(resolver_free)

/*
 * Places in the process's runtime that we have located ourselves (findings of an image that is
 * loaded at @bias), to be named where the image has no symbols.
 */
void resolver_set_sites(struct resolver *resolver, const struct findings *findings, uint64_t bias);

/* Fills @out[i] for @addresses[i]; never fails: what can't be told is FRAME_UNKNOWN. */
void resolver_frames(struct resolver *resolver, const uint64_t *addresses, size_t count,
                     struct frame *out);

/* The type of the object at @object, such as "System.Object"; "" when it can't be told. */
void resolver_type(struct resolver *resolver, uint64_t object, char out[static FRAME_TEXT_MAX]);

/* The same of those whose method table is at @method_table: it stays where it is when they move. */
void resolver_table(struct resolver *resolver, uint64_t method_table,
                    char out[static FRAME_TEXT_MAX]);
