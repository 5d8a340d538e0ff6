/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control.h"
#include "exposition.h"
#include "history.h"
#include "monitor.h"

/* What the daemon says when it is asked, on the control socket and for a scrape. */

struct answers {
    struct store *store; /* all of them are borrowed, and there before anybody asks */
    struct monitor *monitor;
    struct history *history;
    void (*fill_health)(void *context, struct health *out);
    void *context;
};

/* Their context is a struct answers; all but follow_waits, which is the caller's. */
void answers_handlers(struct control_handlers *out);

/* As metrics_render(). @context: struct answers. */
_must_check_ int answers_metrics(void *context, enum exposition_format format, char **text,
                                 size_t *size, struct reason *why);
