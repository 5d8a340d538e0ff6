/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wait_map.h"

/*
 * Room in the kernel's maps of waits: rows of processes and threads that are gone are deleted, and
 * of a map that gets full the smallest are taken out, to be counted elsewhere.
 */

/* A row that was taken out, of WAIT_MAP_LOCKS, WAIT_MAP_STACK_SUMS or WAIT_MAP_THREADS. */
typedef void relief_taker(void *context, enum wait_map map, uint32_t pid, const void *key,
                          const void *value);

/* What was summed up for @pid up to @until (CLOCK_MONOTONIC, ns). */
void relief_forget(const struct probes *probes, uint32_t pid, uint64_t until);

/* Deletes all of processes and threads that are gone, and stacks that nothing refers to. */
void relief_drop_gone(const struct probes *probes);

/* A map of which three quarters are full is emptied to the half. */
void relief_make_room(const struct probes *probes, relief_taker *take, void *context);

/* Nobody is known to wait for @kind any more; what is pending stays. So many waits were given up.
 */
uint64_t relief_forget_waiting(const struct probes *probes, enum abi_wait_kind kind);
