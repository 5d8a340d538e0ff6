/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event.h"

/*
 * What the daemon says of itself: to the journal with fields, where stderr is the journal; else to
 * stderr, a line each. Only the layer that gives up logs, once, with the subject quoted.
 */

enum log_level { /* syslog's */
                 LOG_LEVEL_ERROR = 3,
                 LOG_LEVEL_WARNING = 4,
                 LOG_LEVEL_NOTICE = 5,
                 LOG_LEVEL_INFO = 6,
};

_printf_(2, 3) void log_say(enum log_level level, const char *format, ...);

/*
 * An event that an operator wants to find: verdicts, losses, gaps and resets. Journal fields:
 * CLRMON_KIND, CLRMON_PID, CLRMON_NAME, CLRMON_VERDICT.
 */
void log_event(const struct event *event);
