/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ask.h"
#include "options.h"

/* What `clrmon events` and `clrmon history` have in common: events, asked for and printed. */

struct stream {
    const char *verb;
    struct options options;
    struct control_request request;
    bool headed;
    bool printed; /* anything */
    bool closed;  /* nobody reads what we print */
};

void stream_init(struct stream *stream, const char *verb, enum control_verb asked);

/* "since" or "until" into @moment. -EINVAL, having said what is wrong. */
_must_check_ int stream_take_moment(const struct stream *stream, const char *what, const char *text,
                                    int64_t *moment);

/* The exit status. */
int stream_run(struct stream *stream);
