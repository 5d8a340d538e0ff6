/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)

/* CLOCK_MONOTONIC, as the probes' records have it. */
static inline uint64_t clock_monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Less where a signal comes. */
static inline void clock_pause_ms(uint64_t ms)
{
    const struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000 * NS_PER_MS)};

    nanosleep(&pause, NULL);
}

static inline int64_t clock_realtime_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The wall clock's time of a moment that CLOCK_MONOTONIC has given. */
static inline int64_t clock_realtime_us_of(uint64_t monotonic)
{
    return clock_realtime_us() - (int64_t)((clock_monotonic_ns() - monotonic) / 1000);
}

/* Now, in the unit of a process's start time: ticks since the machine has started. */
static inline uint64_t clock_process_start(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000) / 10;
}

/* CLOCK_MONOTONIC of such a start, to about a tick: two calls may differ. */
static inline uint64_t clock_monotonic_ns_of_start(uint64_t start)
{
    uint64_t present = clock_process_start(), now = clock_monotonic_ns();
    uint64_t ago = present > start ? present - start : 0;

    return ago < now / 10000000 ? now - ago * 10000000 : 0;
}
