/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/frame.h"

#include <errno.h>
#include <string.h>

#include "util/text.h"

static const char *const names[FRAME_SOURCE_MAX] = {
    [FRAME_UNKNOWN] = "unknown",   [FRAME_MODULE] = "module",      [FRAME_SYMBOL] = "symbol",
    [FRAME_SITE] = "site",         [FRAME_READY] = "ready-to-run", [FRAME_JITTED] = "jitted",
    [FRAME_PERF_MAP] = "perf-map",
};

const char *frame_source_name(enum frame_source source)
{
    return source < FRAME_SOURCE_MAX ? names[source] : names[FRAME_UNKNOWN];
}

int frame_check(struct frame *frame)
{
    if (frame->source >= FRAME_SOURCE_MAX || !memchr(frame->text, 0, sizeof(frame->text)))
        return -EBADMSG;
    text_printable(frame->text);
    return 0;
}

int frames_parse(int fd, confined_parser *parser, const void *question, struct frame *frames,
                 size_t count, struct reason *why)
{
    struct confined_files files = {.fds = {fd}, .count = 1};
    int r = confine_parse(&files, parser, question, frames, count * sizeof(*frames), why);

    for (size_t i = 0; i < count && r == 0; i++)
        if (frame_check(&frames[i]) < 0)
            r = reason_set(why, -EBADMSG, "its parser gave an impossible answer");
    return r;
}
