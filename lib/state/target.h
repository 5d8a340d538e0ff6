/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/locator.h"
#include "proc/peers.h"
#include "runtime/runtime.h"
#include "state/observation.h"
#include "state/providers.h"

/*
 * A process that runs .NET, with its images located: ready to be read as often as one likes.
 */
struct target {
    struct process process;
    struct runtime runtime;
    const struct located *image; /* owned by the locator */
    const struct located *gc;    /* of the GC that is in use: that of @image, or a library's */
    struct reason gc_why;        /* @gc is NULL: why */
    uint64_t bias;               /* address in the process less address in the image */
    uint64_t gc_bias;
    bool no_runtime; /* it could not be opened, as its executable turned out to hold none */
};

/*
 * -ESRCH, -EACCES: no such process, no rights; -ENOEXEC: it runs no .NET; others as the image's
 * reading fails. With an error, @out->process and @out->no_runtime hold what could be
 * learnt, and nothing needs closing.
 */
_must_check_ int target_open(pid_t pid, struct locator *locator, struct target *out,
                             struct reason *why);
void target_close(struct target *target);

/*
 * target_open() in two steps, for a caller that has to see to the images in between: the process
 * and which files it runs, closed by itself on failure; then where things are in them.
 */
_must_check_ int target_read(pid_t pid, struct target *out, struct reason *why);
_must_check_ int target_locate(struct target *target, struct locator *locator, struct reason *why);

/* Of the runtime, by its folder or its own stamp; "" when nothing tells. */
const char *target_version(const struct target *target);

/*
 * Reads the process's memory: GC state, contexts, provider, sessions; then who is connected to it.
 * @peers may be NULL: clients are not looked for. -ESRCH when it has ended, or is another by now.
 * Whatever else can't be read says so in @out.
 */
_must_check_ int target_observe(struct target *target, struct peers *peers, struct observation *out,
                                struct reason *why);

/*
 * What EventPipe has on, of all providers: providers_read() of the process's list. -ENOTSUP where
 * that is not found or not as known: of 3.x, or in an image whose code does not tell. Else as
 * target_observe().
 */
_must_check_ int target_read_providers(const struct target *target, struct provider_states *out,
                                       struct reason *why);
