/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "registry.h"
#include "store.h"

/*
 * The events that are counted in the kernel, brought to the processes of the store when somebody
 * asks. Which event is meant by an address the process's own memory tells.
 */

/* Every process's counts, up to @now (CLOCK_MONOTONIC, ns). While the family is off, or they can't
 * be read, they stay, and have no rate. */
void event_counter_refresh(struct store *store, const struct registry *registry,
                           const struct probes *probes, uint64_t now);

/* @pid has ended or is another program: what the kernel has counted for it goes. */
void event_counter_forget(const struct registry *registry, const struct probes *probes, pid_t pid);
