/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#define EVENT_LINE_MAX  512
#define EVENT_LINE_HEAD "TIME               PID NAME         WHAT"

/*
 * An event ("clrmon.event/1") as one line of text, 80 columns where names are no longer than usual.
 * Times are local; those of the day of @now_us have milliseconds, others their date.
 */
void event_line(const json_t *event, int64_t now_us, char line[static EVENT_LINE_MAX]);

/* A moment of RFC 3339 as those lines have it, at most 14 columns. */
#define EVENT_TIME_MAX 32
void event_time(const char *time, int64_t now_us, char text[static EVENT_TIME_MAX]);
