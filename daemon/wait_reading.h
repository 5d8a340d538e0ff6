/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "namer.h"
#include "wait_map.h"

/* The waits of one process, as the kernel's maps have them, put together and given names. */

/* What is known of a process whose waits are counted, beside what is in the maps. */
struct waiter_process {
    pid_t pid;
    struct namer *namer; /* NULL: nothing of it can be named */
    struct {             /* what was taken out of the maps, and is counted here from then on */
        struct wait_sum other[CONTENTION_BY_MAX];
        struct wait_sum managed;
        uint64_t histogram[ABI_WAIT_BUCKETS]; /* of managed */
    } relieved;
};

struct wait_question {
    const struct probes *probes;
    const struct waiter_process *process;
    const struct wait_rows *stacks;  /* of WAIT_MAP_STACK_SUMS */
    const struct wait_rows *waiting; /* of WAIT_MAP_WAITING, for the sums */
    size_t top;                      /* lines of a list */
    bool named;                      /* stacks and types get names */
};

/* Fills the sums, the lists and who waits at out->now_ns, which is set anew, of @out, which begins
 * without. -ENOMEM, or the kernel's error. */
_must_check_ int wait_reading_lists(const struct wait_question *question, struct contention *out);

/* The same without the lists; out->now_ns stays. */
_must_check_ int wait_reading_sums(const struct wait_question *question, struct contention *out);

/* A row of the process that was taken out of @map: it is counted here from now on. */
void wait_reading_relieve(const struct probes *probes, struct waiter_process *process,
                          enum wait_map map, const void *key, const void *value);

/* Is that a wait for a System.Threading.Lock? Those for other handles are nobody's contention. */
bool wait_is_managed(const struct probes *probes, const struct waiter_process *process,
                     const struct abi_stack_key *key);

/* The whole stack: its addresses, and how many. The process has a namer. */
size_t wait_stack(const struct probes *probes, const struct waiter_process *process,
                  const struct abi_stack_key *key, uint64_t out[static CONTENTION_FRAMES_MAX]);

/* By its id, as the process itself (@inner) or as we see it. */
void wait_name_thread(const struct waiter_process *process, uint64_t tid, bool inner,
                      struct contended *line);
