/* SPDX-License-Identifier: Apache-2.0 */
#include "control/protocol.h"

#include <limits.h>
#include <string.h>

enum field {
    FIELD_PID = 1 << 0,
    FIELD_SINCE = 1 << 1,
    FIELD_UNTIL = 1 << 2,
    FIELD_LIMIT = 1 << 3,
    FIELD_FOLLOW = 1 << 4,
};

static const struct {
    const char *name;
    unsigned fields;
} verbs[CONTROL_VERB_MAX] = {
    [CONTROL_STATUS] = {"status", 0},
    [CONTROL_CHECK] = {"check", FIELD_PID},
    [CONTROL_EVENTS] = {"events",
                        FIELD_PID | FIELD_SINCE | FIELD_UNTIL | FIELD_LIMIT | FIELD_FOLLOW},
    [CONTROL_HISTORY] = {"history", FIELD_PID | FIELD_SINCE | FIELD_UNTIL | FIELD_LIMIT},
};

static const char *const types[CONTROL_TYPE_MAX] = {
    [CONTROL_ITEM] = "item",
    [CONTROL_DROPPED] = "dropped",
    [CONTROL_END] = "end",
    [CONTROL_ERROR] = "error",
};

struct numbers {
    json_int_t pid, since, until, limit;
};

static const struct {
    const char *name;
    enum field field;
    size_t place; /* in struct numbers */
    json_int_t most;
} numbers_table[] = {
    {"pid", FIELD_PID, offsetof(struct numbers, pid), INT_MAX},
    {"since_us", FIELD_SINCE, offsetof(struct numbers, since), INT64_MAX},
    {"until_us", FIELD_UNTIL, offsetof(struct numbers, until), INT64_MAX},
    {"limit", FIELD_LIMIT, offsetof(struct numbers, limit), INT64_MAX},
};

const char *control_verb_name(enum control_verb verb)
{
    return verb < CONTROL_VERB_MAX ? verbs[verb].name : "none";
}

/* The object in @bytes, of our version. New reference. */
static int load(const void *bytes, size_t size, size_t most, json_t **out, struct reason *why)
{
    json_t *object, *version;

    if (size > most)
        return reason_set(why, -EMSGSIZE, "a packet has at most %zu bytes", most);
    object = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return reason_set(why, -EBADMSG, "a packet is one JSON object, and this is none");
    }
    version = json_object_get(object, "version");
    if (json_is_integer(version) && json_integer_value(version) == CONTROL_VERSION) {
        *out = object;
        return 0;
    }
    json_decref(object);
    return reason_set(why, -EPROTO, "only version %d of the protocol is spoken here",
                      CONTROL_VERSION);
}

static int take_verb(const json_t *value, enum control_verb *out, struct reason *why)
{
    const char *name = json_string_value(value);

    for (enum control_verb verb = 0; name && verb < CONTROL_VERB_MAX; verb++)
        if (strcmp(verbs[verb].name, name) == 0) {
            *out = verb;
            return 0;
        }
    return reason_set(why, -EINVAL, "verb is not status, check, events or history");
}

static int take_number(size_t row, const json_t *value, struct numbers *numbers, struct reason *why)
{
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < 1 || number > numbers_table[row].most)
        return reason_set(why, -EINVAL, "%s is not a number from 1 to %lld",
                          numbers_table[row].name, (long long)numbers_table[row].most);
    *(json_int_t *)((char *)numbers + numbers_table[row].place) = number;
    return 0;
}

static int take_follow(const json_t *value, bool *follow, struct reason *why)
{
    if (!json_is_boolean(value))
        return reason_set(why, -EINVAL, "follow is not true or false");
    *follow = json_is_true(value);
    return 0;
}

static int take_field(const char *name, const json_t *value, unsigned allowed,
                      struct numbers *numbers, bool *follow, struct reason *why)
{
    if (strcmp(name, "version") == 0 || strcmp(name, "verb") == 0)
        return 0;
    if (strcmp(name, "follow") == 0 && allowed & FIELD_FOLLOW)
        return take_follow(value, follow, why);
    for (size_t i = 0; i < ARRAY_SIZE(numbers_table); i++)
        if (strcmp(numbers_table[i].name, name) == 0 && allowed & numbers_table[i].field)
            return take_number(i, value, numbers, why);
    return reason_set(why, -EINVAL, "a field that this verb does not take");
}

int control_request_parse(const void *bytes, size_t size, struct control_request *out,
                          struct reason *why)
{
    struct numbers numbers = {0};
    enum control_verb verb = CONTROL_VERB_MAX;
    json_t *object, *value;
    bool follow = false;
    const char *name;
    int r = load(bytes, size, CONTROL_REQUEST_MAX, &object, why);

    if (r < 0)
        return r;
    r = take_verb(json_object_get(object, "verb"), &verb, why);
    if (r == 0)
        json_object_foreach(object, name, value)
        {
            r = take_field(name, value, verbs[verb].fields, &numbers, &follow, why);
            if (r < 0)
                break;
        }
    json_decref(object);
    if (r == 0 && follow && numbers.until)
        r = reason_set(why, -EINVAL, "what is followed has no end: follow or until_us");
    if (r == 0)
        *out = (struct control_request){
            .verb = verb,
            .pid = (pid_t)numbers.pid,
            .since_us = numbers.since,
            .until_us = numbers.until,
            .limit = (uint64_t)numbers.limit,
            .follow = follow,
        };
    return r;
}

static enum control_type type_of(const json_t *value)
{
    const char *name = json_string_value(value);
    enum control_type type = 0;

    while (type < CONTROL_TYPE_MAX && (!name || strcmp(types[type], name) != 0))
        type++;
    return type;
}

/* A reason is printed as it is. */
static void copy_printable(struct reason *to, const char *from)
{
    snprintf(to->text, sizeof(to->text), "%s", from);
    for (char *at = to->text; *at; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
            *at = '?';
}

static int take_answer(const json_t *object, struct control_answer *out)
{
    json_t *item = json_object_get(object, "item"), *count = json_object_get(object, "count");
    const char *text = json_string_value(json_object_get(object, "reason"));
    struct control_answer answer = {.type = type_of(json_object_get(object, "type"))};

    if (answer.type == CONTROL_TYPE_MAX || (answer.type == CONTROL_ITEM && !json_is_object(item)) ||
        (answer.type == CONTROL_ERROR && !text) ||
        (answer.type == CONTROL_DROPPED && json_integer_value(count) < 1))
        return -EBADMSG;
    if (answer.type == CONTROL_ITEM)
        answer.item = json_incref(item);
    if (answer.type == CONTROL_DROPPED)
        answer.count = (uint64_t)json_integer_value(count);
    if (answer.type == CONTROL_ERROR)
        copy_printable(&answer.reason, text);
    *out = answer;
    return 0;
}

int control_answer_parse(const void *bytes, size_t size, struct control_answer *out,
                         struct reason *why)
{
    json_t *object;
    int r = load(bytes, size, CONTROL_ANSWER_MAX, &object, why);

    if (r < 0)
        return r;
    r = take_answer(object, out);
    json_decref(object);
    return r < 0 ? reason_set(why, r, "the answer is not of a known form") : 0;
}

/* Releases @object. */
static char *format(json_t *object, size_t most, size_t *size)
{
    char *text = NULL;

    *size = object ? json_dumpb(object, NULL, 0, JSON_COMPACT) : 0;
    if (*size > 0 && *size <= most)
        text = malloc(*size);
    if (text)
        json_dumpb(object, text, *size, JSON_COMPACT);
    json_decref(object);
    return text;
}

char *control_request_format(const struct control_request *request, size_t *size)
{
    json_t *object = json_pack("{s:i, s:s}", "version", CONTROL_VERSION, "verb",
                               control_verb_name(request->verb));

    if (request->pid)
        json_object_set_new(object, "pid", json_integer(request->pid));
    if (request->since_us)
        json_object_set_new(object, "since_us", json_integer(request->since_us));
    if (request->until_us)
        json_object_set_new(object, "until_us", json_integer(request->until_us));
    if (request->limit)
        json_object_set_new(object, "limit", json_integer((json_int_t)request->limit));
    if (request->follow)
        json_object_set_new(object, "follow", json_true());
    return format(object, CONTROL_REQUEST_MAX, size);
}

char *control_answer_format(const struct control_answer *answer, size_t *size)
{
    json_t *object =
        json_pack("{s:i, s:s}", "version", CONTROL_VERSION, "type", types[answer->type]);

    if (answer->type == CONTROL_ITEM)
        json_object_set(object, "item", answer->item);
    if (answer->type == CONTROL_DROPPED)
        json_object_set_new(object, "count", json_integer((json_int_t)answer->count));
    if (answer->type == CONTROL_ERROR)
        json_object_set_new(object, "reason", json_string(answer->reason.text));
    return format(object, CONTROL_ANSWER_MAX, size);
}
