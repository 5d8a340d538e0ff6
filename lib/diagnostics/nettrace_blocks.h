/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "diagnostics/nettrace.h"
#include "util/cursor.h"
#include "util/numbering.h"

/* The inside of nettrace.c, which cuts the stream into objects, and nettrace_blocks.c, which knows
 * what is in each. */

struct kind {
    char *provider; /* NULL: no such kind */
    uint32_t id;
    uint32_t version;
};

struct stack {
    uint32_t first; /* in frames */
    uint32_t count;
};

struct nettrace {
    nettrace_taker *take;
    void *data;
    int failed;
    struct reason why;

    uint8_t *bytes; /* [done, length): come and not yet read */
    size_t length, room, done;
    uint64_t offset; /* in the stream, of bytes[0] */
    bool started, ended, has_header;

    uint32_t pointer_size;
    uint64_t frequency; /* ticks a second */
    struct nettrace_counts counts;
    struct kind *kinds; /* by the number that the stream gives them */
    size_t kind_count;  /* places for them */
    struct stack *stacks;
    size_t stack_count, stack_room;
    uint32_t first_stack; /* number of stacks[0] */
    uint64_t *frames;
    size_t frame_count, frame_room;
    struct numbering threads;
    uint32_t *sequence; /* of each thread's last event */
    size_t sequence_room;
};

/* A type of objects: what takes one in, given its content. */
struct object_type {
    const char *name;
    int (*take)(struct nettrace *nettrace, struct cursor content);
    uint32_t size; /* 0: the content begins with its size, and what fills up to 4 bytes */
};

/* The first is "Trace"; the last has no name. */
extern const struct object_type nettrace_types[];

/* Where in the stream @at is. */
uint64_t nettrace_offset(const struct nettrace *nettrace, const uint8_t *at);

/* The errors, with their reason kept. */
int nettrace_malformed(struct nettrace *nettrace, const uint8_t *at, const char *what);
int nettrace_no_memory(struct nettrace *nettrace);
