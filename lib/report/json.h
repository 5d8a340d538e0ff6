/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "state/target.h"

/* Pieces of JSON that more than one verb shows. New references. */

json_t *json_hex(uint64_t number);           /* "0x8001" */
json_t *json_text_or_null(const char *text); /* null for "" */

/* A text that @object has, borrowed; "" where there is none. */
const char *json_text_at(const json_t *object, const char *field);

/* {"version", "flavour", "build_id", "arch", "libc", "gc"} */
json_t *json_runtime(const struct target *target);

/* {"pid", "namespace_pid", "name", "command", "container"} */
json_t *json_process(const struct process *process);

/* Prints @value, on one line or spread out, and releases it. */
void json_print(json_t *value, bool one_line);
