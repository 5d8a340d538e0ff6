/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clrmon_abi.h"
#include "event.h"
#include "locate/site.h"
#include "plan.h"
#include "util/reason.h"

/*
 * How the daemon itself fares: what `clrmon status` and the metrics about it show. Plain data,
 * filled by main's parts when asked.
 */

#define HEALTH_IMAGES_MAX 64

enum watching {
    WATCHING_PROBES,  /* BPF: every change is seen when it happens */
    WATCHING_POLLING, /* no BPF: memory is read at an interval, and what comes and goes between is
                         missed */
};

struct health_image {
    uint64_t number;
    char path[256]; /* as first seen; printable */
    char build_id[80];
    char version[32];
    enum source source;    /* of the probed sites */
    unsigned probes;       /* attached */
    unsigned processes;    /* that run it now */
    struct reason trouble; /* with the GC's probes; "": none */
    struct health_family {
        unsigned probes;
        struct reason trouble;
    } families[PROBES_FAMILY_MAX];
};

struct health {
    int64_t started_us; /* CLOCK_REALTIME */
    enum watching watching;
    struct reason watching_why; /* polling: why */
    uint64_t poll_ms;
    struct abi_counters counters; /* summed over the CPUs */
    uint64_t records;             /* received */
    uint64_t cost_ns_per_hit;     /* what one hit is taken to cost */
    uint64_t events;
    uint64_t history_dropped; /* events that could not be stored */
    struct reason history_trouble;
    uint64_t history_bytes;
    bool auto_reset;
    unsigned resets_under_way;
    abi_u64 resets[OUTCOME_MAX];
    uint64_t clients;         /* on the control socket */
    uint64_t client_drops;    /* events that a slow client did not get */
    uint64_t loop_longest_ns; /* the longest turn of the loop */
    uint64_t resident_bytes;
    uint64_t cpu_ns;
    bool family_is_on[PROBES_FAMILY_MAX];
    struct health_image images[HEALTH_IMAGES_MAX];
    size_t image_count;
    size_t more_images;
};

/* "ring_full", "gc_control": as the status and the metrics have them. */
extern const char *const health_loss_names[ABI_LOSS_MAX];
extern const char *const health_hit_names[ABI_HIT_MAX];

const char *watching_name(enum watching watching); /* "probes", "polling" */

/*
 * What `clrmon status -o json` shows. New reference. Texts that are empty are null.
 *
 *   {"schema": "clrmon.status/1", "version", "time", "started", "uptime_seconds",
 *    "watching": {"by": "probes" | "polling", "reason", "poll_seconds"},
 *    "families": {"gc": true, "contention", "managed_locks"},     which probes are switched on
 *    "images": [{"number", "path", "version", "build_id", "source", "probes", "processes",
 *                "trouble", "families": {"contention": {"probes", "trouble"}, "managed_locks"}}],
 *    "more_images",
 *    "records": {"received", "lost": {"ring_full", "read", ...}},
 *    "hits": {"gc_control", "provider", "exec", "exit", "fork", "lock_enter", ...},
 *    "cost": {"seconds_per_hit", "seconds"},              the probes' cost, estimated
 *    "events",
 *    "history": {"bytes", "dropped", "trouble"},
 *    "auto_reset": {"setting": "off" | "leaked", "under_way", "put_back", "refused", "failed"},
 *    "clients": {"connected", "dropped"},
 *    "loop": {"longest_seconds"},
 *    "process": {"resident_bytes", "cpu_seconds"}}
 *
 * "time" is the moment of the answer, and uptime the difference: both by the wall clock.
 */
json_t *health_json(const struct health *health);
