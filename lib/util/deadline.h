/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "util/clock.h"

/* A moment of CLOCK_MONOTONIC, in ns, until which something may last. */
typedef uint64_t deadline_t;

static inline deadline_t deadline_in_ms(uint64_t ms)
{
    return clock_monotonic_ns() + ms * NS_PER_MS;
}

/* Whole milliseconds that are left, as poll() wants them: 0 when it is over, and only then. */
static inline int deadline_left_ms(deadline_t deadline)
{
    uint64_t now = clock_monotonic_ns();
    uint64_t left = now < deadline ? (deadline - now + 999999) / 1000000 : 0;

    return left < INT_MAX ? (int)left : INT_MAX;
}
