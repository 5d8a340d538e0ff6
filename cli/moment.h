/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "util/cleanup.h"

/* Times and durations as people write and read them. */

#define DURATION_SECONDS_MAX UINT64_C(3155760000) /* a hundred years */
#define DURATION_TEXT_MAX    24

/* "10s", "5m", "2h", "1d", "1h30m", plain seconds, dd:hh:mm:ss. -EINVAL, -ERANGE. */
_must_check_ int duration_parse(const char *text, uint64_t *seconds);

/* "45s", "12m05s", "3h07m", "2d04h". */
void duration_format(uint64_t seconds, char text[static DURATION_TEXT_MAX]);

/*
 * A moment, in microseconds of CLOCK_REALTIME: a duration before @now_us; RFC 3339; or local time:
 * "2026-11-24", "2026-11-24 06:30[:00]", "06:30[:00]", the latest one before @now_us. -EINVAL.
 */
_must_check_ int moment_parse(const char *text, int64_t now_us, int64_t *moment_us);

int64_t moment_now(void);
