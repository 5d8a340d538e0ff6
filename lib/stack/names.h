/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "stack/frame.h"

/*
 * Names that were found, by address; also that there is none, which is believed for half a minute.
 * When there are too many, all are forgotten.
 */

struct names;

_must_check_ int names_new(struct names **out); /* -ENOMEM */
void names_free(struct names **names);

/* Fills @out, by the address alone where nothing is known. False: to be looked for (again). */
bool names_find(const struct names *names, uint64_t address, struct frame *out);

/* Nothing is kept without memory. */
void names_keep(struct names *names, const struct frame *frame);
