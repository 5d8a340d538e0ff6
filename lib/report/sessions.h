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

/*
 * One session, as "clrmon.check/1" and "clrmon.sessions/1" have it:
 *   {"index", "id", "type", @start_field, "ending",
 *    "providers": [{"name", "keywords", "level", "keyword_names", "filter"}],
 *    "more_providers", "everything",              that did not fit; it asks for all there are
 *    "rundown", "buffer_bytes",                   null: not known
 *    "client": {"pid", "name", "command", "uid", "container"} | null,
 *    "client_state", "unread_bytes",              struct session_client
 *    "asked_by"}                                  the name of a setting, or null
 * Their names for the time it began differ. New reference.
 */
json_t *session_json(const struct observation *seen, const struct session *session,
                     const char *start_field);

/*
 * What a survey has seen, in "clrmon.sessions/1", and before and after a change:
 *   {"sessions": [session_json()...],
 *    "effective": [{"name", "keywords", "level",    null: not known
 *                   "wanted_keywords", "wanted_level",
 *                   "by": [{"session", "keywords", "level"}], "stale",
 *                   "nobodys": {"keywords", "level"}}],  only of more than is wanted
 *    "more_effective", "effective_reason",          that did not fit; why some are not known
 *    "verdict"}
 * New reference.
 */
json_t *sessions_survey_json(const struct survey *survey);

/*
 * The process's item in "clrmon.sessions/1": json_process() with "runtime" and what its survey has;
 * only with "reason" if it was not opened. Where its sessions can't be read "sessions" is null, and
 * "not_read": {"reason", "clients", "events"} has what else is known. New reference.
 */
json_t *sessions_report_json(const struct sessions_report *report);
