/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "options.h"
#include "runtime/scan.h"
#include "state/target.h"

/*
 * The processes that the options select: those named by -p whatever they are; else all that may run
 * .NET, of those with -n only the ones whose name matches. To be closed with scan_close().
 */
_must_check_ int select_processes(const struct options *options, struct scan *out,
                                  struct reason *why);

/*
 * Is there something to be said of a process, once target_open() has been tried? Not of one that
 * nobody has named by -p and that has ended or runs no .NET.
 */
bool select_shows(const struct options *options, const struct target *target, bool opened);

/* For people: how many were passed over, as struct scan has it. Nothing for none. */
void select_print_hidden(unsigned hidden);
