/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "health.h"
#include "locate/locator.h"
#include "probes.h"

/*
 * The images of runtimes that are known, each with its probes: attached once per file, however many
 * processes run it and under however many paths. Probes go when no process has run it for a while.
 */

struct registry;

_must_check_ int registry_new(struct registry **out);
void registry_free(struct registry **registry); /* detaches all probes */

/*
 * The open image @fd with what was located in it: attaches its probes (@probes NULL: none) unless
 * it has them already, of those families that are on. The number by which it is known from now on;
 * 0 without memory. Trouble with the probes is kept for registry_health(); one family's is not the
 * others'.
 */
uint64_t registry_add(struct registry *registry, int fd, const char *path,
                      const struct located *located, struct probes *probes);

/*
 * A family as a whole: attaches it to all images, and to those that will come; or it is to be
 * detached, by registry_detach_next(). PROBES_GC is on at first, the others are not.
 */
void registry_set_family(struct registry *registry, struct probes *probes, enum probe_family family,
                         bool on);
bool registry_family_is_on(const struct registry *registry, enum probe_family family);

/* Since when the image is probed, CLOCK_MONOTONIC ns; 0: it is not, and @why (may be NULL) says why
 * unless that is because the family is off. */
uint64_t registry_probed_since(const struct registry *registry, uint64_t number,
                               enum probe_family family, struct reason *why);

/*
 * Is the image's contention seen by its marks for tracers, and does a process pass them that was
 * started with EnableEventLog, or without?
 */
bool registry_is_by_marks(const struct registry *registry, uint64_t number);
bool registry_marks_are_passed(const struct registry *registry, uint64_t number, bool event_log);

/* Which events the image has; NULL: there is no such image. Owned by @registry. */
const struct event_table *registry_events(const struct registry *registry, uint64_t number);

/* One process more, or less, that runs the image. */
void registry_hold(struct registry *registry, uint64_t number);
void registry_release(struct registry *registry, uint64_t number);

/* What no process has run for @idle_ns, at @now (CLOCK_MONOTONIC, ns), is to be detached. */
void registry_sweep(struct registry *registry, uint64_t now, uint64_t idle_ns);

/*
 * The kernel waits for all processors before a probe is gone, and the loop with it: one link a
 * turn. True: call it again; false: all that is to go is gone.
 */
bool registry_detach_next(struct registry *registry);
bool registry_is_leaving(const struct registry *registry);

void registry_health(const struct registry *registry, struct health *out);
