/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "options.h"
#include "state/target.h"

/* The one process that a verb is about to change. */
struct subject {
    struct options options;
    struct locator *locator;
    struct target target;
    bool opened;
};

/* The process of the one -p. 0, or an exit status, having said why. */
_must_check_ int subject_open(struct subject *subject, const char *verb);
void subject_close(struct subject *subject);

/* For one line each of what is done and why: "clrmon reset: workload (pid 55): ...", to stderr. */
_printf_(3, 4) void subject_say(const struct subject *subject, const char *verb, const char *format,
                                ...);
