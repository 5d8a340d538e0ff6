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

/*
 * Fills @why (may be NULL) and returns @error, so that a failure is one statement. A text that is
 * too long is not cut inside a character.
 */
_printf_(3, 4) static inline int reason_set(struct reason *why, int error, const char *format, ...)
{
    size_t end = sizeof(why->text) - 1;
    va_list args;

    if (!why)
        return error;
    va_start(args, format);
    if (vsnprintf(why->text, sizeof(why->text), format, args) > (int)end) {
        while (end > 0 && (why->text[end - 1] & 0xc0) == 0x80)
            end--;
        if (end > 0 && why->text[end - 1] & 0x80)
            end--;
        why->text[end] = 0;
    }
    va_end(args);
    return error;
}
