/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <stdint.h>
#include <time.h>

/* A moment of CLOCK_MONOTONIC, in ns, until which something may last. */
typedef uint64_t deadline_t;

static inline uint64_t deadline_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline deadline_t deadline_in_ms(uint64_t ms)
{
    return deadline_now() + ms * 1000000u;
}

/* Whole milliseconds that are left, as poll() wants them: 0 when it is over, and only then. */
static inline int deadline_left_ms(deadline_t deadline)
{
    uint64_t now = deadline_now();
    uint64_t left = now < deadline ? (deadline - now + 999999) / 1000000 : 0;

    return left < INT_MAX ? (int)left : INT_MAX;
}
