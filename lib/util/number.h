/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * Numbers out of text that nobody vouches for: the whole of @text must be digits of the base, no
 * sign, no blanks. 0, or -EINVAL, or -ERANGE when it is more than @most; @out is untouched then.
 * number_hex takes an optional 0x.
 */
_must_check_ int number_decimal(const char *text, uint64_t most, uint64_t *out);
_must_check_ int number_hex(const char *text, uint64_t most, uint64_t *out);

/* Of two uint64_t, for qsort() and bsearch(). */
int number_compare(const void *a, const void *b);
