/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "clrmon_abi.h"
#include "contention/contention.h"
#include "errand.h"
#include "locate/site.h"
#include "proc/process.h"

/*
 * Names for what is counted of one process: its threads, its stacks, and the types of the objects
 * that are locked. What its files and its memory have to tell is not waited for: who asks is told
 * what is known by then, and an errand looks for the rest (namer_search()). A process whose names
 * take long to find is looked into the more seldom.
 */

struct namer;

/* @findings are those of its runtime image, which is loaded at @bias. @errands are borrowed.
 * -ENOMEM. */
_must_check_ int namer_new(struct namer **out, struct errands *errands,
                           const struct process *process, const struct findings *findings,
                           uint64_t bias);
void namer_free(struct namer **namer);

/* To be called now and then: keeps who is there, where the process has ids of its own for them. */
void namer_see_threads(struct namer *namer);

/* The thread that the process itself knows as @tid, as seen from here; @tid where it can't be told.
 */
pid_t namer_thread_seen(struct namer *namer, pid_t tid);

/* A thread, as seen from here, was called so: for when it has ended. */
void namer_remember_thread(struct namer *namer, pid_t tid, const char *name);

/* The name of a thread, as seen from here; of one that has ended too, if it is remembered. */
void namer_thread_name(struct namer *namer, pid_t tid, char out[static CONTENTION_NAME_MAX]);

/*
 * A stack as the kernel took it at an entry, put together: the function itself, its caller, and
 * those further out. At most CONTENTION_FRAMES_MAX addresses; how many.
 */
size_t namer_stack(const struct namer *namer, enum abi_wait_kind kind, uint64_t caller,
                   const uint64_t *taken, uint64_t out[static CONTENTION_FRAMES_MAX]);

/* What is known of @addresses; false: not all of them have been looked for. */
bool namer_frames(struct namer *namer, const uint64_t *addresses, size_t count, struct frame *out);

/*
 * Begins to look for all that was asked for and is not known. True while that is under way, or will
 * be when there is room for another errand: worth asking again.
 */
bool namer_search(struct namer *namer);

/* Does the stack go down to where its thread began? By its outermost frame. */
bool namer_is_outermost(const struct frame *frame);

/* Is it a wait for a System.Threading.Lock, by the innermost frames of @addresses? Kept, by @id,
 * once it is certain. */
bool namer_is_managed_lock(struct namer *namer, uint64_t id, const uint64_t *addresses,
                           size_t count);

/* The type of the object that @lock, an AwareLock, belongs to now. "": it can't be told. */
void namer_type_of_lock(struct namer *namer, uint64_t lock, char out[static FRAME_TEXT_MAX]);
