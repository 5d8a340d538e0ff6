/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "util/cleanup.h"

/*
 * What would hold the loop is done by a child of ours: it begins with all that we know, has none of
 * our descriptors, and sends what it has found out through a pipe, as a whole or not at all. One
 * that takes too long is ended.
 */

struct errands; /* of one kind: so many at a time */
struct errand;

struct errand_task {
    void (*work)(void *data, int fd, void *answer); /* in the child; @answer begins as zeros */
    void *data;                                     /* as it is now */
    int fd;      /* kept open in the child, which knows it by the number it is called with; -1 */
    size_t size; /* of the answer */
    bool ends_itself; /* when we end, it is not torn from what it is doing; it must end in time */
    /* In the loop, once, and then the errand is no more. @answer is NULL if there is none, and
     * @trouble says why. */
    void (*end)(void *context, const void *answer, const char *trouble);
    void *context;
};

_must_check_ int errands_new(struct errands **out, sd_event *loop, size_t most,
                             uint64_t deadline_us);
void errands_free(struct errands **errands); /* cancels all */

/* Under way, and those whose child has not gone yet. */
size_t errands_busy(const struct errands *errands);

/* -EBUSY: so many are under way already; else the kernel's error. @out may be NULL. */
_must_check_ int errand_begin(struct errands *errands, const struct errand_task *task,
                              struct errand **out);

/* It is not told how it ends. */
void errand_cancel(struct errand **errand);
