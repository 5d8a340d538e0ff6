/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "report/report.h"

/* Reports for people and for a scrape: pure, to stdout. */

void report_table(struct report *const *reports, size_t count, const struct summary *summary,
                  bool wide);
void report_prometheus(struct report *const *reports, size_t count);
