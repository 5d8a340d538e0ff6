/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "contention/contention.h"
#include "util/reason.h"

/*
 * A process of "clrmon.contention/1". New reference; NULL: no memory.
 *
 *   {"pid", "name", "source": "uprobe" | "usdt" | "eventpipe", "on", "why",
 *    "since_ns", "now_ns",                             CLOCK_MONOTONIC
 *    "since_s",                                        the time between them
 *    "waits", "wait_ns", "waiters", "longest_wait_ns", "unpaired",
 *    "histogram": [{"le_ns", "count"}],                from the first to the last that is not empty
 *    "locks": [{"address", "type", "owner_tid", "owner_name", "managed", "waiters", "waits",
 *               "wait_ns", "longest_ns"}],
 *    "stacks": [{"id", "frames": [text], "complete", "managed", "waits", "wait_ns", "longest_ns"}],
 *    "owners": [{"tid", "name", "waits", "wait_ns"}], "threads": [the same],
 *    "other": {"locks": {"waits", "wait_ns"}, "stacks", "owners", "threads"}}
 *
 * Addresses and ids are "0x7f12"; what is not known is null, as le_ns is of the last bucket.
 */
json_t *contention_json(const struct contention *contention);

/*
 * The same in parts, for packets that are bounded. Each part is a whole contention_json() with as
 * many lines of the lists as @most bytes have room for, and one at least. @place begins as zero.
 * NULL: that was all (there is one at least), or no memory.
 */
struct contention_place {
    bool begun;
    enum contention_by by;
    size_t line;
};
json_t *contention_part(const struct contention *contention, struct contention_place *place,
                        size_t most);

/* One or a part of it back. -EBADMSG with the reason, -ENOMEM; @out is untouched then. Texts are
 * printable and cut to what there is room for. */
_must_check_ int contention_from_json(const json_t *json, struct contention *out,
                                      struct reason *why);
