/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config.h"
#include "util/reason.h"

/*
 * The daemon as a whole: its parts in the order in which they begin and end.
 */

struct service;

/*
 * Makes all parts; the reason says which could not be made. What the daemon can do without (probes,
 * history, group) is logged and worked around.
 */
_must_check_ int service_new(struct service **out, const struct config *config,
                             const char *config_path, struct reason *why);

/* Runs until SIGTERM or SIGINT. SIGHUP reads the configuration again. The loop's error, or 0. */
_must_check_ int service_run(struct service *service);

/* Ends all parts in the opposite order. Accepts NULL. */
void service_free(struct service **service);
