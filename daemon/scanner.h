/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "locate/locator.h"

/*
 * Looks into images that are new, without the loop waiting: a child of ours asks the locator (which
 * itself parses in a confined child) and sends the answer through a pipe.
 */

struct scanner;

/*
 * The answer for @fd, which is valid during the call and closed after it. @result and @why as
 * locator_find() has them.
 */
typedef void scanner_listener(void *context, int fd, const struct located *located, int result,
                              const struct reason *why);

_must_check_ int scanner_new(struct scanner **out, sd_event *loop,
                             const struct locator_options *options, scanner_listener *listener,
                             void *context);
void scanner_free(struct scanner **scanner);

/*
 * Begins with the open image @fd, whose path is @path (for its debug file); takes @fd over, also on
 * failure. A file that is being looked into already is not begun again: that is no error.
 */
_must_check_ int scanner_start(struct scanner *scanner, int fd, const char *path,
                               struct reason *why);

/* How many are under way. */
size_t scanner_busy(const struct scanner *scanner);
