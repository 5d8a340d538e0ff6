/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include <stdio.h>
#include <string.h>

#include "util/text.h"
#include "util/timestamp.h"

#define SCHEMA "clrmon.event/1"

typedef json_t *event_fields(const struct event *event);

static const char *const cause_names[CAUSE_MAX] = {
    [CAUSE_UNKNOWN] = "unknown",       [CAUSE_CLIENT] = "client",
    [CAUSE_LISTENER] = "listener",     [CAUSE_ENVIRONMENT] = "environment",
    [CAUSE_RUNDOWN] = "rundown",       [CAUSE_RUNTIME_START] = "runtime start",
    [CAUSE_COLLECTION] = "collection",
};

const char *event_cause_name(enum event_cause cause)
{
    return cause_names[cause];
}

enum event_cause event_cause_of_name(const char *name)
{
    enum event_cause cause = 0;

    while (cause < CAUSE_MAX && strcmp(name, cause_names[cause]) != 0)
        cause++;
    return cause;
}

const char *reset_outcome_name(enum reset_outcome outcome)
{
    static const char *const names[OUTCOME_MAX] = {[OUTCOME_PUT_BACK] = "put_back",
                                                   [OUTCOME_REFUSED] = "refused",
                                                   [OUTCOME_FAILED] = "failed"};

    return names[outcome];
}

static json_t *json_time(int64_t time_us)
{
    char text[TIMESTAMP_TEXT_MAX];

    timestamp_format(time_us, text);
    return json_string(text);
}

static json_t *json_name(const char *name)
{
    char text[sizeof(((struct event *)NULL)->detail)];

    text_copy(text, sizeof(text), name);
    text_printable(text);
    return json_string(text);
}

static json_t *json_set(struct event_set set)
{
    char keywords[24];

    snprintf(keywords, sizeof(keywords), "0x%llx", (unsigned long long)set.keywords);
    return json_pack("{s:I, s:s}", "level", (json_int_t)set.level, "keywords", keywords);
}

static json_t *json_client(const struct event *event)
{
    if (!event->client)
        return json_null();
    return json_pack("{s:i, s:o, s:o}", "pid", (int)event->client, "name",
                     json_name(event->client_name), "command", json_name(event->client_command));
}

static json_t *change_fields(const struct event *event)
{
    return json_pack("{s:s, s:o, s:o, s:s, s:o}", "provider", event->private ? "private" : "public",
                     "old", json_set(event->old), "new", json_set(event->new), "cause",
                     event_cause_name(event->cause), "client", json_client(event));
}

/* The detail of a process is "FLAVOUR VERSION". */
static json_t *process_fields(const struct event *event)
{
    char flavour[sizeof(event->detail)];
    char *space;

    text_copy(flavour, sizeof(flavour), event->detail);
    space = strrchr(flavour, ' ');
    if (space)
        *space = 0;
    return json_pack("{s:o, s:o}", "flavour", json_name(flavour), "version",
                     json_name(space ? space + 1 : ""));
}

static json_t *verdict_fields(const struct event *event)
{
    return json_pack("{s:s, s:s, s:o}", "old_verdict", verdict_name(event->old_verdict),
                     "new_verdict", verdict_name(event->new_verdict), "reason",
                     json_name(event->detail));
}

static json_t *loss_fields(const struct event *event)
{
    return json_pack("{s:I, s:o}", "lost", (json_int_t)event->lost, "reason",
                     json_name(event->detail));
}

static json_t *gap_fields(const struct event *event)
{
    return json_pack("{s:o, s:o}", "since", json_time(event->since_us), "reason",
                     json_name(event->detail));
}

static json_t *reset_fields(const struct event *event)
{
    bool known = event->provider < PROVIDER_MAX;

    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "outcome", reset_outcome_name(event->outcome),
                     "provider", known ? json_string(provider_name(event->provider)) : json_null(),
                     "old", known ? json_set(event->old) : json_null(), "new",
                     known ? json_set(event->new) : json_null(), "reason",
                     json_name(event->detail));
}

static const struct {
    const char *name;
    event_fields *fields;
} kinds[EVENT_KIND_MAX] = {
    [EVENT_GC_EVENTS] = {"gc.events", change_fields},
    [EVENT_PROVIDER] = {"provider", change_fields},
    [EVENT_PROCESS_START] = {"process.start", process_fields},
    [EVENT_PROCESS_EXIT] = {"process.exit", process_fields},
    [EVENT_VERDICT] = {"verdict", verdict_fields},
    [EVENT_LOSS] = {"loss", loss_fields},
    [EVENT_GAP] = {"gap", gap_fields},
    [EVENT_RESET] = {"reset", reset_fields},
};

const char *event_kind_name(enum event_kind kind)
{
    return kinds[kind].name;
}

enum event_kind event_kind_of_name(const char *name)
{
    enum event_kind kind = 0;

    while (kind < EVENT_KIND_MAX && strcmp(name, kinds[kind].name) != 0)
        kind++;
    return kind;
}

json_t *event_json(const struct event *event)
{
    json_t *fields = kinds[event->kind].fields(event);
    json_t *json = json_pack("{s:s, s:I, s:o, s:s, s:i, s:o, s:i, s:o}", "schema", SCHEMA, "id",
                             (json_int_t)event->id, "time", json_time(event->time_us), "kind",
                             event_kind_name(event->kind), "pid", (int)event->pid, "name",
                             json_name(event->name), "tid", (int)event->tid, "thread",
                             json_name(event->thread));

    if (!json || !fields || json_object_update(json, fields) < 0) {
        json_decref(json);
        json = NULL;
    }
    json_decref(fields);
    return json;
}
