/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "stack/frame.h"
#include "util/cleanup.h"

/*
 * The lock contention of one process, wherever it was seen: waits, summed up by lock, owner, stack
 * and thread. Sums only ever grow, so what happened in an interval is a later one less an earlier.
 */

#define CONTENTION_BUCKETS    32
#define CONTENTION_SHIFT      10 /* bucket i: shorter than 2^(10 + i) ns; the last: all longer */
#define CONTENTION_FRAMES_MAX 64
#define CONTENTION_NAME_MAX   64
#define CONTENTION_WHY_MAX    160
#define CONTENTION_LINES_MAX  1024 /* of a list, as it is decoded */

enum contention_source {
    CONTENTION_UPROBE,
    CONTENTION_USDT,
    CONTENTION_EVENTPIPE,
    CONTENTION_SOURCE_MAX,
};

struct wait_sum {
    uint64_t waits;
    uint64_t wait_ns;
};

/* One of the top lists' lines. Which members mean something depends on the list. */
struct contended {
    uint64_t
        key; /* address of the lock, 0 of managed ones; id of the stack; 0 for a list by thread */
    pid_t
        tid; /* by lock: the last owner; by owner, by thread: who. As seen from here; 0: unknown */
    char thread[CONTENTION_NAME_MAX]; /* its name; "": not known */
    char type[FRAME_TEXT_MAX];        /* by lock: of the object; "": not known */
    bool managed;                     /* by lock, by stack: System.Threading.Lock */
    unsigned waiters;                 /* now */
    struct wait_sum sum;
    uint64_t longest_ns;  /* 0: not known */
    struct frame *frames; /* by stack: the innermost first; owned */
    size_t frame_count;
    bool complete; /* by stack: the walk has come to where the thread began, see below */
};

/*
 * Stacks are walked by frame pointers. A method that has none is shown, but its caller is not, nor
 * can that be told: the JIT leaves it out of optimized methods that are small and call nothing, or
 * one other method directly (rpMustCreateEBPFrame(), src/coreclr/jit/regalloc.cpp). A lock
 * statement is never in one, as a method with a try block has a frame; a bare Monitor.Enter() may
 * be, up to 9.0. The runtime's own walk, of events, passes over none, but has managed frames only.
 */
struct contended_list {
    struct contended *items; /* owned; those with the longest waits first */
    size_t count;
    struct wait_sum other; /* what is in none of the items */
};

enum contention_by {
    CONTENTION_BY_LOCK,
    CONTENTION_BY_STACK,
    CONTENTION_BY_OWNER,
    CONTENTION_BY_THREAD,
    CONTENTION_BY_MAX,
};

struct contention {
    pid_t pid;
    char name[CONTENTION_NAME_MAX];
    enum contention_source source;
    uint64_t since_ns; /* CLOCK_MONOTONIC: counted since then */
    uint64_t now_ns;   /* CLOCK_MONOTONIC: up to then */
    struct wait_sum sum;
    unsigned waiters;         /* now */
    uint64_t longest_wait_ns; /* of those who wait now */
    uint64_t histogram[CONTENTION_BUCKETS];
    struct contended_list lists[CONTENTION_BY_MAX];
    uint64_t unpaired;            /* exits without an entry, entries without an exit */
    bool is_on;                   /* false: switched off, or no probe; then why: */
    char why[CONTENTION_WHY_MAX]; /* also: what of it can't be seen, such as managed locks */
};

void contention_free(struct contention *contention);
#define _contention_ _cleanup_(contention_free)

const char *contention_source_name(enum contention_source source);
const char *contention_by_name(enum contention_by by); /* "lock" */

/* What waits in bucket @bucket are shorter than, in ns; UINT64_MAX for the last. */
uint64_t contention_bound_ns(size_t bucket);

/* The lines of @part, which is left without them, behind those of @whole. -ENOMEM. */
_must_check_ int contention_append(struct contention *whole, struct contention *part);

/*
 * @later becomes what happened since @earlier, which is the same process (and the same source). A
 * line that has not grown is dropped unless somebody waits there now. The present (waiters, the
 * longest wait) stays as it is. The longest wait of a line is known only if it has grown, too. A
 * line that is new may have been among the others: it is never more than all together.
 */
void contention_subtract(struct contention *later, const struct contention *earlier);

/*
 * The wait that @share (0.99) of all are not longer than: the bound of its bucket. 0: there are
 * none; UINT64_MAX: it is in the last bucket.
 */
uint64_t contention_quantile(const struct contention *contention, double share);

/* Sorts a list by the time waited, keeps @most lines of it, and adds the rest to "other". */
void contended_list_cut(struct contended_list *list, size_t most);
