/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ask.h"
#include "options.h"

/* What `clrmon events`, `clrmon history` and `clrmon contention -f` have in common: things that
 * come one after the other, asked for and printed. */

struct stream {
    const char *verb;
    const char *what; /* "events" */
    const char *head; /* of the table */
    void (*print)(const json_t *item, bool wide);
    struct options options;
    struct control_request request;
    bool headed;
    bool printed; /* anything */
    bool closed;  /* nobody reads what we print */
};

/* Of events, in a table or as lines of JSON. */
void stream_init(struct stream *stream, const char *verb, enum control_verb asked);

/* "since" or "until" into @moment. -EINVAL, having said what is wrong. */
_must_check_ int stream_take_moment(const struct stream *stream, const char *what, const char *text,
                                    int64_t *moment);

/* The exit status. */
int stream_run(struct stream *stream);

/* Is @wanted what a process of this name is called? ".dll" may be missing, and what the kernel does
 * not keep. */
bool stream_name_matches(const char *name, const char *wanted);
