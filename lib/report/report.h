/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "state/target.h"
#include "state/verdict.h"

/*
 * What `clrmon check` has to say of one process, and its renderings: pure functions of the report.
 */

struct report {
    pid_t pid;
    bool opened; /* else @why, and only @target.process may hold something */
    struct target target;
    struct observation observation;
    struct judgement judgement;
    struct reason why;
};

struct summary {
    size_t counts[VERDICT_MAX];
    size_t processes;
    unsigned hidden; /* processes that could not be looked at: no rights */
};

/* The worst verdict of all, and what the exit status makes of it for a bar of @level. */
enum verdict summary_worst(const struct summary *summary);

/* One process, "clrmon.check/1". New reference. */
json_t *report_json(const struct report *report);

/* The whole, of processes as report_json() has them; takes over @processes. */
json_t *report_document_of(json_t *processes, const struct summary *summary);
json_t *report_document(struct report *const *reports, size_t count, const struct summary *summary);
