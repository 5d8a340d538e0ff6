/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "contention/contention.h"

/* The contention of a made-up process. */

#define MS UINT64_C(1000000)

static inline void add(struct contention *to, enum contention_by by, struct contended line)
{
    struct contended_list *list = &to->lists[by];

    list->items = reallocarray(list->items, list->count + 1, sizeof(line));
    assert_non_null(list->items);
    list->items[list->count++] = line;
}

static inline struct contended with_frames(struct contended line, size_t count, const char *text)
{
    line.frames = calloc(count, sizeof(*line.frames));
    line.frame_count = count;
    for (size_t i = 0; i < count; i++)
        snprintf(line.frames[i].text, FRAME_TEXT_MAX, "%s%zu", text, i);
    return line;
}

static inline struct contention example(void)
{
    struct contention made = {
        .pid = 4711,
        .name = "orders",
        .source = CONTENTION_USDT,
        .since_ns = 5,
        .now_ns = 2000000005,
        .sum = {10, 70 * MS},
        .waiters = 2,
        .longest_wait_ns = 3 * MS,
        .histogram = {[3] = 4, [5] = 5, [31] = 1},
        .unpaired = 1,
        .is_on = true,
        .why = "managed locks are not watched",
    };

    add(&made, CONTENTION_BY_LOCK,
        (struct contended){.key = 0xffff800000001000,
                           .tid = 12,
                           .thread = "worker",
                           .type = "System.Object",
                           .managed = true,
                           .waiters = 2,
                           .sum = {6, 60 * MS},
                           .longest_ns = 20 * MS});
    add(&made, CONTENTION_BY_LOCK, (struct contended){.key = 0x10, .sum = {1, MS}});
    add(&made, CONTENTION_BY_STACK,
        with_frames((struct contended){.key = 7, .complete = true, .sum = {9, 69 * MS}}, 2,
                    "Program.\xc3\x9c"));
    add(&made, CONTENTION_BY_OWNER,
        (struct contended){.tid = 12, .thread = "worker", .sum = {6, 60 * MS}});
    add(&made, CONTENTION_BY_OWNER, (struct contended){.sum = {1, MS}});
    add(&made, CONTENTION_BY_THREAD, (struct contended){.tid = 13, .sum = {10, 70 * MS}});
    made.lists[CONTENTION_BY_LOCK].other = (struct wait_sum){3, 9 * MS};
    return made;
}
