/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "config.h"
#include "examiner.h"
#include "health.h"

/*
 * What the daemon does: finds processes that run .NET, has their images looked into and probed,
 * turns the probes' records into events, reads each process again when its time has come, and has
 * leaks put back where that is wanted.
 *
 * With probes a change is known when it happens, and every process is read again now and then to
 * repair what was lost. Without them processes are read at an interval; the reason is in the
 * health.
 */

struct monitor;

/* @store is borrowed. 0, also when probes are not to be had. */
_must_check_ int monitor_new(struct monitor **out, sd_event *loop, const struct config *config,
                             struct store *store, struct reason *why);
void monitor_free(struct monitor **monitor);

/* Begins: all processes that are there already. */
void monitor_start(struct monitor *monitor);

/* Intervals, grace and auto_reset from a configuration that was read again. */
void monitor_reload(struct monitor *monitor, const struct config *config);

/* Fills what the monitor knows of the daemon's health. */
void monitor_health(const struct monitor *monitor, struct health *out);

/* Brings the counts of the events that processes write up to now; nothing while they are not
 * counted. */
void monitor_count_events(struct monitor *monitor);

/* Reads a process of the store now, as `clrmon check` does. As examine_again(). */
_must_check_ int monitor_look(struct monitor *monitor, pid_t pid, examiner_taker *take,
                              void *context, struct reason *why);

/*
 * A family of probes, of all processes (@pid 0) or one. -ENOTSUP: there are no probes; -EINVAL: the
 * family can't be switched so; -ESRCH. An image in which it can't be attached is no error here: the
 * health tells of it, and contention_read() of its processes.
 */
_must_check_ int monitor_switch(struct monitor *monitor, enum probe_family family, pid_t pid,
                                bool on, struct reason *why);
/* Something that was switched off is still being detached, bit by bit. */
bool monitor_is_switching(const struct monitor *monitor);

/* For contention_read() and those beside it. */
struct contention_reader *monitor_contention(const struct monitor *monitor);

/* A wait of a process of the store. Borrowed for the call. */
typedef void monitor_wait_listener(void *context, const struct stored_process *process,
                                   const struct abi_wait *wait);

/* Single waits of at least @min_wait_ns, of all processes, from now on; UINT64_MAX: none. */
void monitor_follow_waits(struct monitor *monitor, uint64_t min_wait_ns,
                          monitor_wait_listener *listener, void *context);
