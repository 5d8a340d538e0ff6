/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/reason.h"

/*
 * The daemon's settings: a file of "name = value" lines; then the command line, which wins. Every
 * name has a default, so an empty file is a good one. '#' begins a comment, at the start of a line
 * or after a blank. Of a name that is there twice, the last one counts. A value may stand in double
 * quotes. Durations are whole numbers with us, ms, s, m, h or d, or of seconds; sizes with K, M, G
 * or T (of 1024), or of bytes; the rest is yes or no, absolute paths, and names.
 *
 *   socket            = /run/clrmon/control.sock
 *   group             = clrmon            who may ask, besides root
 *   listen            = 127.0.0.1:9464    "" or "off": no metrics; [::1]:9464
 *   state_dir         = /var/lib/clrmon
 *   cache_dir         = /var/cache/clrmon
 *   grace             = 10s               before a leak is called so
 *   poll_interval     = 5s                between reads where there are no probes
 *   recheck_interval  = 60s               between reads of every process, to repair and to judge
 *   history_max_age   = 30d
 *   history_max_size  = 256M
 *   probes            = yes               no: only polling
 *   contention        = yes               waits for locks are watched from the beginning
 *   managed_locks     = no                so are those for System.Threading.Lock
 *   events            = no                what traces have processes write is counted
 *   min_wait          = 10ms              of single waits, for one who follows and does not say
 *   auto_reset        = off               leaked: what is called leaked is put back, by a session
 *                                         that asks the runtime for nothing
 *   auto_reset_interval = 10m             between two tries at one process
 */

struct config {
    char socket[108]; /* as sun_path has it */
    char group[64];
    char listen[64]; /* "": none */
    char state_dir[PATH_MAX];
    char cache_dir[PATH_MAX];
    uint64_t grace_ms;
    uint64_t poll_ms;
    uint64_t recheck_ms;
    uint64_t history_age_s;
    uint64_t history_bytes;
    bool probes;
    bool contention;
    bool managed_locks;
    bool events;
    uint64_t min_wait_ns;
    bool auto_reset; /* leaked */
    uint64_t auto_reset_interval_ms;
};

/* Between reads of every process, in ms. */
static inline uint64_t config_interval_ms(const struct config *config, bool has_probes)
{
    return has_probes ? config->recheck_ms : config->poll_ms;
}

void config_defaults(struct config *config);

/* One setting. -EINVAL with a reason that names it and says what is wanted. */
_must_check_ int config_set(struct config *config, const char *name, const char *value,
                            struct reason *why);

/* A whole text; the reason has the line's number. @config is untouched on failure. */
_must_check_ int config_parse(struct config *config, const char *text, struct reason *why);

/* A file of at most 64 KiB. -ENOENT and others with the reason. */
_must_check_ int config_read(struct config *config, const char *path, struct reason *why);
