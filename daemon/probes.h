/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "plan.h"
#include "util/reason.h"

/*
 * The BPF side: programs loaded once, tracepoints for processes, probes attached per image (by
 * inode, for all processes), records out of the ring.
 */

struct probes;
struct image_probes; /* those of one image */

/* Each record, in the order in which they were written. false: enough for now. */
typedef bool probes_listener(void *context, const struct abi_record *record);

/* Each wait that is long enough, for those who follow. false: enough for now. */
typedef bool probes_wait_listener(void *context, const struct abi_wait *wait);

/*
 * Loads the programs and attaches the tracepoints. A negative errno with the reason when this
 * kernel or these rights do not allow it: then the caller polls.
 */
_must_check_ int probes_new(struct probes **out, size_t ring_bytes, probes_listener *listener,
                            void *context, struct reason *why);
void probes_free(struct probes **probes);

/* Becomes readable when there are records. Owned by @probes. */
int probes_fd(const struct probes *probes);

/* Hands waiting records to the listener, until there are none or it has enough. */
void probes_consume(struct probes *probes);

/*
 * The ring of single waits. Nothing comes into it before somebody follows: @min_wait_ns, of all
 * processes; ABI_NOBODY_FOLLOWS ends it. One listener, NULL: none.
 */
int probes_waits_fd(const struct probes *probes);
void probes_consume_waits(struct probes *probes);
void probes_follow_waits(struct probes *probes, uint64_t min_wait_ns,
                         probes_wait_listener *listener, void *context);

/*
 * Attaches the plan's probes to the open image @fd. All or none: -EINVAL and others with the
 * reason, which names the site. @fd may be closed afterwards.
 */
_must_check_ int probes_attach(struct probes *probes, int fd, const struct plan *plan,
                               struct image_probes **out, struct reason *why);
void probes_detach(struct image_probes **image);

/* One link of them, for which the kernel takes its time (50 ms): true while there are more. */
bool probes_detach_next(struct image_probes **image);
size_t probes_attached(const struct image_probes *image);

/* The maps of contention, by which the ABI says what lies in them. Owned by @probes. */
enum wait_map {
    WAIT_MAP_PROCESSES,
    WAIT_MAP_SUMS,
    WAIT_MAP_LOCKS,
    WAIT_MAP_STACK_SUMS,
    WAIT_MAP_THREADS,
    WAIT_MAP_WAITING,
    WAIT_MAP_STACKS,
    WAIT_MAP_MAX,
};
int probes_map(const struct probes *probes, enum wait_map map);
uint32_t probes_map_size(const struct probes *probes, enum wait_map map);

/* struct abi_event_key to how often it was written, uint64_t. */
int probes_events_map(const struct probes *probes);

/* Kinds of waits, as bits, of which nothing is counted. */
void probes_set_kinds_off(struct probes *probes, uint32_t kinds);

/* Something that threads have found out does not hold any more, such as that their process is
 * counted; to be said after it has been changed. */
void probes_change_settings(struct probes *probes);

/* Exits and forks are reported of watched processes only. */
void probes_watch(struct probes *probes, pid_t pid);
void probes_unwatch(struct probes *probes, pid_t pid);

/* So many waits that were entered are not going to be ended: they are counted as such. */
void probes_abandon(struct probes *probes, uint64_t waits);

/* Sums over the processors; -ENOMEM or the kernel's error. */
_must_check_ int probes_counters(const struct probes *probes, struct abi_counters *out);

/* What a hit is taken to cost, in ns. */
uint64_t probes_cost_per_hit(void);
