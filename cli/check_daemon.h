/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "options.h"
#include "report/report.h"

/*
 * `clrmon check --daemon`: the same answer, from what clrmond knows. Prints it unless @quiet, and
 * counts the verdicts.
 */
_must_check_ int check_daemon(const struct options *options, bool quiet, struct summary *summary,
                              struct reason *why);
