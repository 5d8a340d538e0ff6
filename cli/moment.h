/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "util/cleanup.h"

/* Times and durations as people write and read them. */

#define DURATION_SECONDS_MAX UINT64_C(3155760000) /* a hundred years */
#define DURATION_TEXT_MAX    24

/* "10s", "5m", "2h", "1d", "1h30m", plain seconds, dd:hh:mm:ss. -EINVAL, -ERANGE. */
_must_check_ int duration_parse(const char *text, uint64_t *seconds);

/* The same in nanoseconds; also "10ms", "250us", "0.5", "1.5s". -EINVAL, -ERANGE. */
_must_check_ int duration_parse_ns(const char *text, uint64_t *ns);

/* "45s", "12m05s", "3h07m", "2d04h". */
void duration_format(uint64_t seconds, char text[static DURATION_TEXT_MAX]);

/*
 * A moment, in microseconds of CLOCK_REALTIME: a duration before @now_us; RFC 3339; or local time:
 * "2026-11-24", "2026-11-24 06:30[:00]", "06:30[:00]", the latest one before @now_us. -EINVAL.
 */
_must_check_ int moment_parse(const char *text, int64_t now_us, int64_t *moment_us);

/* "850ns", "12us", "1.3ms", "25ms", "1.2s", "45s", then as above: at most six characters, mostly.
 */
void duration_format_ns(uint64_t ns, char text[static DURATION_TEXT_MAX]);

/* "<2.1ms": shorter than @ns; UINT64_MAX, for what has no bound: ">18m". */
void bound_format(uint64_t ns, char text[static DURATION_TEXT_MAX + 1]);

int64_t moment_now(void);
