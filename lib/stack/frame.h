/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/confine.h"

/* One frame of a call stack, for people. */

#define FRAME_TEXT_MAX 192

enum frame_source {
    FRAME_UNKNOWN,  /* text is the address alone */
    FRAME_MODULE,   /* text is "libcoreclr.so+0x41ab20": the file is known, the function is not */
    FRAME_SYMBOL,   /* native: a symbol, exported or not, of the image */
    FRAME_SITE,     /* native: a place that we located ourselves */
    FRAME_READY,    /* managed, compiled ahead of time: ReadyToRun tables */
    FRAME_JITTED,   /* managed, compiled by the JIT: the runtime's own data */
    FRAME_PERF_MAP, /* what /tmp/perf-PID.map says */
    FRAME_SOURCE_MAX,
};

struct frame {
    uint64_t address;
    enum frame_source source;
    char text[FRAME_TEXT_MAX]; /* printable UTF-8: "Program.Worker(…)", without its arguments */
};

const char *frame_source_name(enum frame_source source);

/* Makes one that a confined child has filled fit for use: -EBADMSG if it can be none. */
_must_check_ int frame_check(struct frame *frame);

/*
 * Has @parser answer with @count frames out of the open file @fd, in a confined child (whose
 * maps[0] it is), and checks them. -EBADMSG for what is no frame; else as confine_parse().
 */
_must_check_ int frames_parse(int fd, confined_parser *parser, const void *question,
                              struct frame *frames, size_t count, struct reason *why);
