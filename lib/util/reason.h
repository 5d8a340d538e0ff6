/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "util/cleanup.h"

/*
 * Why something could not be had, in one line for a person: what, where, and what to do. It goes
 * beside a negative errno, filled by the function that knows and printed by the one that gives up.
 */
struct reason {
    char text[200];
};

/* Fills @why (may be NULL) and returns @error, so that a failure is one statement. */
_printf_(3, 4) static inline int reason_set(struct reason *why, int error, const char *format, ...)
{
    va_list args;

    if (why) {
        va_start(args, format);
        vsnprintf(why->text, sizeof(why->text), format, args);
        va_end(args);
    }
    return error;
}
