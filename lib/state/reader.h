/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * Bytes by address: a live process, or an array in a test. All @length of them, or a negative
 * errno.
 */
struct reader {
    int (*read)(void *context, uint64_t address, void *to, size_t length);
    void *context;
};

_must_check_ static inline int reader_read(const struct reader *reader, uint64_t address, void *to,
                                           size_t length)
{
    return reader->read(reader->context, address, to, length);
}

/* May something of the process lie there? */
static inline bool reader_may_hold(uint64_t address)
{
    return address >= 4096 && address < 1ull << 48;
}

/* The same for what is reached by a pointer out of the process's memory: -EBADMSG for one that
 * leads nowhere. */
_must_check_ int reader_follow(const struct reader *reader, uint64_t address, void *to,
                               size_t length);

/*
 * What may change while it is read: tried until a try has read it twice and found the same. What
 * looks strange, as freed memory does, is believed only from the fourth try on. A try returns 0,
 * READER_STRANGE for such, READER_MOVED, or an error; -EBADMSG and the like are tried again, too.
 * The last outcome, but for READER_STRANGE, which is 0.
 */
enum {
    READER_MOVED = 1,
    READER_STRANGE,
};

typedef int reader_try(const struct reader *reader, void *context);

_must_check_ int reader_settle(const struct reader *reader, reader_try *try, void *context);

/*
 * The text at @address into @size bytes, with its NUL; what does not fit is cut and ends in "...".
 * @wide: UTF-16, else UTF-8. It may be anything, and is made printable. 1 when it was more than
 * printable ASCII: a name in another language, or no text at all.
 */
#define READER_TEXT_MAX 128

_must_check_ int reader_text(const struct reader *reader, uint64_t address, bool wide, char *to,
                             size_t size);
