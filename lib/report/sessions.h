/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "state/survey.h"

/*
 * What `clrmon sessions` has to say of one process. Pure functions of what was read.
 */

struct sessions_report {
    pid_t pid;
    bool opened; /* else @why, and only @target.process may hold something */
    struct target target;
    struct survey survey;
    json_t *record; /* events of clrmond, where sessions can't be read; NULL: nobody was asked */
    struct reason why;
};

/* {"sessions": [...], "effective": [...], ...}, of "clrmon.sessions/1". New reference. */
json_t *sessions_survey_json(const struct survey *survey);

/* The process's item in "clrmon.sessions/1". New reference. */
json_t *sessions_report_json(const struct sessions_report *report);
