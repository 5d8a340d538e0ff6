/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "proc/process.h"
#include "stack/frame.h"
#include "util/reason.h"

/*
 * What a process has compiled while it runs: the names in its perf map, where it writes one, and
 * else by the data contract of its runtime (9.0 and later). A runtime without a contract is asked
 * for it once.
 */

struct jitted;

/* 0 or -ENOMEM. @process must outlive it. */
_must_check_ int jitted_new(struct jitted **out, const struct process *process);
void jitted_free(struct jitted **jitted);

/* Fills frames[i], but for its address; FRAME_UNKNOWN with "" where nothing tells. */
void jitted_names(struct jitted *jitted, const uint64_t *addresses, size_t count,
                  struct frame *frames);

/* The type of an object, or of those that have that method table, as contract_type_name() has it.
 * False and "" when it can't be told. */
bool jitted_type(struct jitted *jitted, uint64_t object, char out[static FRAME_TEXT_MAX]);
bool jitted_table(struct jitted *jitted, uint64_t method_table, char out[static FRAME_TEXT_MAX]);
