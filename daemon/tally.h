/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clrmon_abi.h"
#include "contention/contention.h"

/*
 * Sums of waits by something: rows are added as they come out of the kernel, those of the same
 * thing become one, and what is not among the first of them is "other". Pure.
 */

struct tally_row {
    uint64_t key; /* what the row is of */
    struct wait_sum sum;
    uint64_t longest_ns;
    uint64_t last_ns; /* CLOCK_MONOTONIC: of the row that tells @owner */
    uint32_t owner;
    bool managed;
    unsigned waiters;    /* now */
    uint64_t waiting_ns; /* that they have waited until now, all together */
};

struct tally {
    struct tally_row *rows; /* owned */
    size_t count, room;
};

void tally_free(struct tally *tally);
#define _tally_ _cleanup_(tally_free)

/* -ENOMEM */
_must_check_ int tally_add(struct tally *tally, const struct tally_row *row);

/* Rows of the same thing become one; the owner is the latest that is known. */
void tally_merge(struct tally *tally);

/* The @most rows with the longest waits, those not over included, longest first. The rest is added
 * to @other. */
void tally_cut(struct tally *tally, size_t most, struct wait_sum *other);

/* Rows of @pid out of the kernel's. By lock: key; by owner, by thread: key is the thread id. */
_must_check_ int tally_locks(struct tally *tally, uint32_t pid, const struct abi_lock_key *keys,
                             const struct abi_lock_sums *sums, size_t count);
_must_check_ int tally_owners(struct tally *tally, uint32_t pid, const struct abi_lock_key *keys,
                              const struct abi_lock_sums *sums, size_t count);
_must_check_ int tally_threads(struct tally *tally, uint32_t pid, const struct abi_thread_key *keys,
                               const struct abi_thread_sums *sums, size_t count);

/* What @thread waits for now; NULL: nothing, or what it says can't be so. */
const struct abi_waiting_entry *tally_waits_for(const struct abi_waiting *thread, uint32_t pid,
                                                uint64_t now);

/* For whom: 0: not known, or not for sure, as the wait has become a long one. */
uint32_t tally_waits_for_owner(const struct abi_waiting *thread,
                               const struct abi_waiting_entry *entry, uint64_t now);

/*
 * Which rows a map is to be relieved of: the smallest, until @keep are left. Sums longer than what
 * is returned stay; 0: nothing has to go.
 */
uint64_t tally_bound(uint64_t *sums_ns, size_t count, size_t keep);
