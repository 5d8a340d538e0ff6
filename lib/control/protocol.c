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
    FIELD_TOP = 1 << 5,
    FIELD_BARE = 1 << 6,
    FIELD_MIN_WAIT = 1 << 7,
    FIELD_FAMILY = 1 << 8,
    FIELD_ON = 1 << 9,
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
    [CONTROL_CONTENTION] = {"contention",
                            FIELD_PID | FIELD_TOP | FIELD_BARE | FIELD_FOLLOW | FIELD_MIN_WAIT},
    [CONTROL_PROBES] = {"probes", FIELD_PID | FIELD_FAMILY | FIELD_ON},
};

static const char *const types[CONTROL_TYPE_MAX] = {
    [CONTROL_ITEM] = "item",
    [CONTROL_DROPPED] = "dropped",
    [CONTROL_END] = "end",
    [CONTROL_ERROR] = "error",
};

/* The fields of a request as they come: numbers, 0 being what is missing, and the rest. */
struct fields {
    json_int_t pid, since, until, limit, top, min_wait;
    bool follow, bare, on;
    char family[CONTROL_FAMILY_MAX];
    unsigned seen; /* bits of enum field */
};

static const struct {
    const char *name;
    enum field field;
    size_t place; /* in struct fields */
    json_int_t most;
} numbers[] = {
    {"pid", FIELD_PID, offsetof(struct fields, pid), INT_MAX},
    {"since_us", FIELD_SINCE, offsetof(struct fields, since), INT64_MAX},
    {"until_us", FIELD_UNTIL, offsetof(struct fields, until), INT64_MAX},
    {"limit", FIELD_LIMIT, offsetof(struct fields, limit), INT64_MAX},
    {"top", FIELD_TOP, offsetof(struct fields, top), CONTROL_TOP_MAX},
    {"min_wait_ns", FIELD_MIN_WAIT, offsetof(struct fields, min_wait), INT64_MAX},
};

static const struct {
    const char *name;
    enum field field;
    size_t place;
} flags[] = {
    {"follow", FIELD_FOLLOW, offsetof(struct fields, follow)},
    {"bare", FIELD_BARE, offsetof(struct fields, bare)},
    {"on", FIELD_ON, offsetof(struct fields, on)},
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
    return reason_set(why, -EINVAL,
                      "verb is not status, check, events, history, contention or probes");
}

static int take_number(size_t row, const json_t *value, struct fields *fields, struct reason *why)
{
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < 1 || number > numbers[row].most)
        return reason_set(why, -EINVAL, "%s is not a number from 1 to %lld", numbers[row].name,
                          (long long)numbers[row].most);
    *(json_int_t *)((char *)fields + numbers[row].place) = number;
    fields->seen |= numbers[row].field;
    return 0;
}

static int take_flag(size_t row, const json_t *value, struct fields *fields, struct reason *why)
{
    if (!json_is_boolean(value))
        return reason_set(why, -EINVAL, "%s is not true or false", flags[row].name);
    *(bool *)((char *)fields + flags[row].place) = json_is_true(value);
    fields->seen |= flags[row].field;
    return 0;
}

static int take_family(const json_t *value, struct fields *fields, struct reason *why)
{
    const char *name = json_string_value(value);
    size_t length = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz_") : 0;

    if (!length || name[length] || length >= sizeof(fields->family))
        return reason_set(why, -EINVAL, "family is not the name of one");
    strcpy(fields->family, name);
    fields->seen |= FIELD_FAMILY;
    return 0;
}

static int take_field(const char *name, const json_t *value, unsigned allowed,
                      struct fields *fields, struct reason *why)
{
    if (strcmp(name, "version") == 0 || strcmp(name, "verb") == 0)
        return 0;
    if (strcmp(name, "family") == 0 && allowed & FIELD_FAMILY)
        return take_family(value, fields, why);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (strcmp(flags[i].name, name) == 0 && allowed & flags[i].field)
            return take_flag(i, value, fields, why);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        if (strcmp(numbers[i].name, name) == 0 && allowed & numbers[i].field)
            return take_number(i, value, fields, why);
    return reason_set(why, -EINVAL, "a field that this verb does not take");
}

/* What goes together. */
static int check_fields(enum control_verb verb, const struct fields *fields, struct reason *why)
{
    if (fields->follow && fields->until)
        return reason_set(why, -EINVAL, "what is followed has no end: follow or until_us");
    if (fields->follow && (fields->top || fields->bare))
        return reason_set(why, -EINVAL, "what is followed has no lists: follow, or top and bare");
    if (fields->min_wait && !fields->follow)
        return reason_set(why, -EINVAL, "min_wait_ns is for one who follows");
    if (verb == CONTROL_PROBES && fields->seen && (~fields->seen & (FIELD_FAMILY | FIELD_ON)))
        return reason_set(why, -EINVAL, "probes are switched by family and on");
    return 0;
}

static struct control_request make_request(enum control_verb verb, const struct fields *fields)
{
    struct control_request request = {
        .verb = verb,
        .pid = (pid_t)fields->pid,
        .since_us = fields->since,
        .until_us = fields->until,
        .limit = (uint64_t)fields->limit,
        .follow = fields->follow,
        .top = (unsigned)fields->top,
        .bare = fields->bare,
        .min_wait_ns = (uint64_t)fields->min_wait,
        .on = fields->on,
    };

    strcpy(request.family, fields->family);
    return request;
}

int control_request_parse(const void *bytes, size_t size, struct control_request *out,
                          struct reason *why)
{
    enum control_verb verb = CONTROL_VERB_MAX;
    struct fields fields = {0};
    json_t *object, *value;
    const char *name;
    int r = load(bytes, size, CONTROL_REQUEST_MAX, &object, why);

    if (r < 0)
        return r;
    r = take_verb(json_object_get(object, "verb"), &verb, why);
    if (r == 0)
        json_object_foreach(object, name, value)
        {
            r = take_field(name, value, verbs[verb].fields, &fields, why);
            if (r < 0)
                break;
        }
    json_decref(object);
    if (r == 0)
        r = check_fields(verb, &fields, why);
    if (r == 0)
        *out = make_request(verb, &fields);
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
    if (request->top)
        json_object_set_new(object, "top", json_integer(request->top));
    if (request->bare)
        json_object_set_new(object, "bare", json_true());
    if (request->min_wait_ns)
        json_object_set_new(object, "min_wait_ns", json_integer((json_int_t)request->min_wait_ns));
    if (request->family[0])
        json_object_update_new(
            object, json_pack("{s:s, s:b}", "family", request->family, "on", request->on));
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
