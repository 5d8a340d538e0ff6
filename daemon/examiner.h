/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "cause.h"
#include "config.h"
#include "contention.h"
#include "registry.h"
#include "store.h"
#include "util/clock.h"

/*
 * Reads one process into the store: its images are looked into if they are new, and probed; what
 * the probes have told of it becomes events with their cause; what was read is judged, and a leak
 * called so once it has outlived the grace time.
 */

/* When to look again at what could not be read for lack of an image, or has just been probed. */
#define EXAMINER_SOON_NS (100 * NS_PER_MS)

struct examiner;

/* Records of the GC's state, waiting for their causes to be found. */
struct changes {
    const struct abi_record *items;
    size_t count;
};

/* Called when an image that somebody waits for has been looked into. */
typedef void examiner_listener(void *context);

/* @store and @probes (NULL: none) are borrowed. */
_must_check_ int examiner_new(struct examiner **out, sd_event *loop, const struct config *config,
                              struct store *store, struct probes *probes,
                              examiner_listener *listener, void *context);
void examiner_free(struct examiner **examiner);

void examiner_reload(struct examiner *examiner, const struct config *config);

/* What was seen, for somebody who wants more than the store keeps. May be NULL. */
typedef void examiner_taker(void *context, const struct target *target,
                            const struct observation *seen, const struct stored_process *stored);

/*
 * -EINPROGRESS while its image is being looked into, -EAGAIN when too many are; else as
 * target_open() and target_observe() have it. Changes of other processes are left alone.
 */
_must_check_ int examine(struct examiner *examiner, pid_t pid, const struct changes *changes,
                         examiner_taker *take, void *context, struct reason *why);

/*
 * The same for a process of the store: one that has ended is removed. Where it can't be read now
 * its changes wait until it can.
 */
_must_check_ int examine_again(struct examiner *examiner, struct stored_process *process,
                               const struct changes *changes, examiner_taker *take, void *context,
                               struct reason *why);

/* It has ended, or is another by now; @changes came before that. */
void examiner_end(struct examiner *examiner, pid_t pid, const struct changes *changes);

/* Who is connected is looked up once per turn of the loop, which ends here. */
void examiner_end_turn(struct examiner *examiner);

struct registry *examiner_registry(const struct examiner *examiner);
struct locator *examiner_locator(const struct examiner *examiner);
struct contention_reader *examiner_contention(const struct examiner *examiner);
