/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "clrmon_abi.h"
#include "locate/site.h"
#include "util/reason.h"

/*
 * Which probes an image gets: pure, from what was located in it. Probes come in families, each of
 * which is attached as a whole or not at all.
 */

#define PLAN_PROBES_MAX (1 + EXITS_MAX)

enum probe_family {
    PROBES_GC,            /* what the GC and the providers are told */
    PROBES_CONTENTION,    /* Monitor's slow path */
    PROBES_MANAGED_LOCKS, /* waits for one handle, among them those of System.Threading.Lock */
    PROBES_EVENTS,        /* events of the native runtime that some session has written */
    PROBES_FAMILY_MAX,
};

enum probe_program {
    PROBE_GC_CONTROL,
    PROBE_PROVIDER_CALLBACK,
    PROBE_LOCK_ENTER,
    PROBE_LOCK_EXIT,
    PROBE_WAIT_ENTER,
    PROBE_WAIT_EXIT,
    PROBE_EVENT_WRITE,
    PROBE_MARK_START, /* of contention, by its mark: the cookie is the version */
    PROBE_MARK_STOP,
    PROBE_PROGRAM_MAX,
};

struct planned_probe {
    enum probe_program program;
    enum site site;
    uint64_t cookie; /* enum abi_provider, abi_lock_cookie() or enum abi_exit, by program */
    uint64_t offset; /* in the file; of a mark: 0 */
};

struct plan {
    struct planned_probe probes[PLAN_PROBES_MAX];
    size_t count;
};

const char *probe_family_name(enum probe_family family); /* "contention" */

/* PROBES_FAMILY_MAX for a name that is none. */
enum probe_family probe_family_of_name(const char *name);

/*
 * The probes of one family; none, and why, where the image has not what it takes.
 *
 * GC: two sites with the same code, folded by the linker, get one probe. A function that can't be
 * told apart from another provider's is not probed: a wrong provider is worse than none.
 * Events: where the runtime hands an event to EventPipe.
 * Contention: by the marks for tracers, where a way out or the entry is not located. Never by both.
 * Waits: all exits, then the entry. Attached in this order and detached in the other, none of them
 * sees an entry whose exit it misses.
 */
void plan_make(const struct findings *findings, enum probe_family family, struct plan *out,
               struct reason *why);

/* Are waits seen by the image's marks for tracers? Then locks and owners are not told. */
bool plan_is_by_marks(const struct plan *plan);
