/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "options.h"
#include "runtime/scan.h"

/*
 * The processes that the options select: those named by -p whatever they are; else all that may run
 * .NET, of those with -n only the ones whose name matches. To be closed with scan_close().
 */
_must_check_ int select_processes(const struct options *options, struct scan *out,
                                  struct reason *why);
