/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "contention/contention.h"
#include "probes.h"
#include "store.h"

/*
 * Contention as the probes sum it up in the kernel, read when somebody asks: the maps' sums of a
 * process become a struct contention, with names for its threads, stacks and types. Sums of
 * processes that have ended are dropped; a map that gets full is relieved of its smallest sums,
 * which stay counted as "other".
 */

struct contention_reader;

/* @probes (NULL: there are none, and every answer says so) is borrowed. */
_must_check_ int contention_reader_new(struct contention_reader **out, struct probes *probes);
void contention_reader_free(struct contention_reader **reader);

/* All of one process, with at most @top lines a list. 0 also when nothing can be seen: then it is
 * not is_on, and says why. @named: stacks and types get names, else addresses alone. */
_must_check_ int contention_read(struct contention_reader *reader,
                                 const struct stored_process *process, size_t top, bool named,
                                 struct contention *out, struct reason *why);

/* Sums and histogram alone, of one process: what a scrape wants. Cheap. */
_must_check_ int contention_read_sums(struct contention_reader *reader, pid_t pid,
                                      struct contention *out);

/* To be called now and then (every 10 s): makes room in the maps. */
void contention_sweep(struct contention_reader *reader, const struct store *store);

/* @pid has ended or is another: what is summed up for it goes. */
void contention_forget(struct contention_reader *reader, pid_t pid);

/* A wait out of the ring, for those who follow. New reference: time, pid, name, tid, thread,
 * wait_ns, lock, type, owner_tid, owner_name, frames, thrown, managed. */
json_t *contention_wait_json(struct contention_reader *reader, const struct stored_process *process,
                             const struct abi_wait *wait);
