/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "util/reason.h"

/*
 * Parsing what somebody else has written, where a mistake of ours can do no harm: in a child
 * without capabilities, without descriptors other than those handed to it, unable to open, signal
 * or start anything (seccomp allows little more than memory and one write), with a limit on memory,
 * on CPU time and on the clock. All it can do is to answer with @size bytes, which the caller must
 * check as it would check the file.
 */

#define CONFINE_FILES_MAX 2

struct confined_files {
    int fds[CONFINE_FILES_MAX]; /* kept open in the child, read-only */
    size_t count;
};

/* An open file as memory. SIGBUS, and so the end of the child, if somebody truncates it meanwhile.
 */
struct mapped_file {
    const void *data;
    size_t size;
};

/*
 * Runs in the child. @maps are the files in order, @data is the caller's memory as it was; what
 * changes there is lost. Fills @reply and returns 0, or a negative errno and the reason.
 */
typedef int confined_parser(const struct mapped_file *maps, const void *data, void *reply,
                            struct reason *why);

/*
 * Has @parser read @files and answer with @size bytes. -EFBIG for a file that is too large to be an
 * image, -EPROTO when the child ended without an answer, -ETIMEDOUT, or what @parser returned.
 * @reply is undefined on failure.
 */
_must_check_ int confine_parse(const struct confined_files *files, confined_parser *parser,
                               const void *data, void *reply, size_t size, struct reason *why);
