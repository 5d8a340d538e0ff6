/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/site.h"
#include "locate/walk.h"
#include "util/reason.h"

/*
 * The ways out of the function that starts at @start: instructions of which each call of it passes
 * exactly one, behind the last call that it makes. The kernel emulates all of them if the function
 * has a cut of such instructions (locate/flow.h); else they are the returns and tail jumps
 * themselves. A throw ends at the call of _Unwind_Resume.
 *
 * Negative when not all ways out are known: an indirect jump, bytes that are no code, more exits
 * than EXITS_MAX.
 */
_must_check_ int exits_find(const struct code *code, uint64_t start, struct function_exits *out,
                            struct reason *why);
