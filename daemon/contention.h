/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "contention/contention.h"
#include "registry.h"
#include "store.h"

/*
 * Contention as the probes sum it up in the kernel, read when somebody asks: the maps' sums of a
 * process become a struct contention, with names for its threads, stacks and types, as far as they
 * are known by then: what is not is looked for in a child, and the loop goes on. Sums of
 * processes that have ended are dropped; a map that gets full is relieved of its smallest sums,
 * which stay counted as "other".
 */

struct contention_reader;

/* @probes (NULL: there are none, and every answer says so) and @registry are borrowed. */
_must_check_ int contention_reader_new(struct contention_reader **out, sd_event *loop,
                                       struct probes *probes, const struct registry *registry);
void contention_reader_free(struct contention_reader **reader);

/*
 * All of one process, with at most @top lines a list. 0 also when nothing can be seen: then it is
 * not is_on, and says why. @named: stacks and types get names, else addresses alone. -ENOMEM.
 */
_must_check_ int contention_read(struct contention_reader *reader,
                                 const struct stored_process *process, size_t top, bool named,
                                 struct contention *out, struct reason *why);

/*
 * Sums, histogram and who waits, without the lists: what a scrape wants. Who waits may be
 * CONTENTION_STALE_NS old, so that asking for every process reads the maps once.
 */
#define CONTENTION_STALE_NS UINT64_C(100000000)
_must_check_ int contention_read_sums(struct contention_reader *reader,
                                      const struct stored_process *process, struct contention *out);

/* What is known of a process's runtime, which is loaded at @bias: its names come from there. */
void contention_know(struct contention_reader *reader, const struct process *process,
                     const struct findings *findings, uint64_t bias);

/* A family, of waits, for one process; it stays so until the process ends. -EINVAL for another
 * family, -ENOTSUP without probes. */
_must_check_ int contention_set_process(struct contention_reader *reader, pid_t pid,
                                        enum probe_family family, bool on);
bool contention_process_is_on(const struct contention_reader *reader, pid_t pid,
                              enum probe_family family);

/* Families were switched: waits of those that are off are not counted any more, though their probes
 * go one by one. */
void contention_take_families(struct contention_reader *reader);

/* A family's probes have been detached: nobody is known to wait any more. */
void contention_forget_waiting(struct contention_reader *reader, enum probe_family family);

/* @pid has ended or is another: its names go, and what was summed up for it up to @until
 * (CLOCK_MONOTONIC, ns). */
void contention_forget(struct contention_reader *reader, pid_t pid, uint64_t until);

/* To be called now and then (every 10 s): drops those who are gone, and makes room in the maps. */
void contention_sweep(struct contention_reader *reader);

/*
 * Is what contention_read() said of names all that there is to say for now? True: some are looked
 * for, and it is worth reading again in a moment.
 */
bool contention_is_naming(const struct contention_reader *reader, pid_t pid);

/* As wait_json() and wait_is_named() have them. */
json_t *contention_wait_json(const struct contention_reader *reader,
                             const struct stored_process *process, const struct abi_wait *wait);
bool contention_wait_is_named(const struct contention_reader *reader, const struct abi_wait *wait);
