/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* A moment of the wall clock, in microseconds since 1970, as RFC 3339:
 * "2026-11-24T06:30:00.123456Z" */
#define TIMESTAMP_TEXT_MAX 32
void timestamp_format(int64_t time_us, char text[static TIMESTAMP_TEXT_MAX]);
