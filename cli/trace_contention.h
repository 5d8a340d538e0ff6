/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "contention/contention.h"
#include "util/reason.h"

/*
 * The contention of a process by a session of our own (contention/eventpipe.h), from its beginning
 * until it is sure what has stayed of it. No daemon is needed. What it changes in the process, and
 * that it was put back, is said on stderr.
 */

/*
 * 0; 1: what it asked for has stayed, and could not be put back; negative with the reason when the
 * session could not be had, or not be read to its end.
 */
_must_check_ int trace_contention(pid_t pid, uint64_t duration_ms, struct contention *out,
                                  struct reason *why);
