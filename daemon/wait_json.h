/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "wait_reading.h"

/*
 * A wait out of the ring, for those who follow. New reference: time, pid, name, tid, thread,
 * wait_ns, lock, type, owner_tid, owner_name, frames, thrown, managed. NULL: it is none that
 * anybody wants (a wait for another handle), or there is no memory.
 */
json_t *wait_json(const struct probes *probes, const struct waiter_process *process,
                  const char *name, const struct abi_wait *wait);

/* Nothing that is not known of it is looked for; else that begins. */
bool wait_is_named(const struct probes *probes, const struct waiter_process *process,
                   const struct abi_wait *wait);
