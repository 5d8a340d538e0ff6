/* SPDX-License-Identifier: Apache-2.0 */
#include "contention/contention_json.h"

#include <limits.h>
#include <string.h>

#include "util/number.h"
#include "util/text.h"

#define NS_PER_S 1e9

static const char *const list_names[CONTENTION_BY_MAX] = {
    [CONTENTION_BY_LOCK] = "locks",
    [CONTENTION_BY_STACK] = "stacks",
    [CONTENTION_BY_OWNER] = "owners",
    [CONTENTION_BY_THREAD] = "threads",
};

/* Encoding */

static json_t *encode_count(uint64_t count)
{
    return json_integer(count < INT64_MAX ? (json_int_t)count : INT64_MAX);
}

static json_t *encode_known(uint64_t count)
{
    return count ? encode_count(count) : json_null();
}

static json_t *encode_text(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *encode_address(uint64_t address)
{
    char text[24];

    snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
    return address ? json_string(text) : json_null();
}

static json_t *encode_histogram(const uint64_t histogram[static CONTENTION_BUCKETS])
{
    json_t *all = json_array();
    size_t first = 0, end = CONTENTION_BUCKETS;

    while (first < end && !histogram[first])
        first++;
    while (end > first && !histogram[end - 1])
        end--;
    for (size_t i = first; i < end; i++) {
        uint64_t bound = contention_bound_ns(i);

        json_array_append_new(all, json_pack("{s:o, s:o}", "le_ns",
                                             bound < UINT64_MAX ? encode_count(bound) : json_null(),
                                             "count", encode_count(histogram[i])));
    }
    return all;
}

static json_t *encode_sum(const struct wait_sum *sum)
{
    return json_pack("{s:o, s:o}", "waits", encode_count(sum->waits), "wait_ns",
                     encode_count(sum->wait_ns));
}

static json_t *encode_lock(const struct contended *line)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:i, s:o}", "address", encode_address(line->key),
                     "type", encode_text(line->type), "owner_tid",
                     encode_known((uint64_t)line->tid), "owner_name", encode_text(line->thread),
                     "managed", line->managed, "waiters", (int)line->waiters, "longest_ns",
                     encode_known(line->longest_ns));
}

static json_t *encode_stack(const struct contended *line)
{
    json_t *frames = json_array();

    for (size_t i = 0; i < line->frame_count; i++)
        json_array_append_new(frames, json_string(line->frames[i].text));
    return json_pack("{s:o, s:o, s:b, s:b, s:o}", "id", encode_address(line->key), "frames", frames,
                     "complete", line->complete, "managed", line->managed, "longest_ns",
                     encode_known(line->longest_ns));
}

static json_t *encode_thread(const struct contended *line)
{
    return json_pack("{s:o, s:o}", "tid", encode_known((uint64_t)line->tid), "name",
                     encode_text(line->thread));
}

static json_t *(*const line_encoders[CONTENTION_BY_MAX])(const struct contended *line) = {
    [CONTENTION_BY_LOCK] = encode_lock,
    [CONTENTION_BY_STACK] = encode_stack,
    [CONTENTION_BY_OWNER] = encode_thread,
    [CONTENTION_BY_THREAD] = encode_thread,
};

static json_t *encode_line(enum contention_by by, const struct contended *line)
{
    json_t *item = line_encoders[by](line), *sum = encode_sum(&line->sum);

    json_object_update(item, sum);
    json_decref(sum);
    return item;
}

static json_t *encode_other(const struct contention *contention)
{
    json_t *other = json_object();

    for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++)
        json_object_set_new(other, list_names[by], encode_sum(&contention->lists[by].other));
    return other;
}

/* Without the lines of the lists. */
static json_t *encode_head(const struct contention *contention)
{
    double since = (double)(contention->now_ns - contention->since_ns) / NS_PER_S;
    json_t *head = json_pack(
        "{s:i, s:s, s:s, s:b, s:o, s:o, s:o, s:f, s:i, s:o, s:o, s:o, s:o}", "pid",
        (int)contention->pid, "name", contention->name, "source",
        contention_source_name(contention->source), "on", contention->is_on, "why",
        encode_text(contention->why), "since_ns", encode_count(contention->since_ns), "now_ns",
        encode_count(contention->now_ns), "since_s", since, "waiters", (int)contention->waiters,
        "longest_wait_ns", encode_count(contention->longest_wait_ns), "unpaired",
        encode_count(contention->unpaired), "histogram", encode_histogram(contention->histogram),
        "other", encode_other(contention));
    json_t *sum = encode_sum(&contention->sum);

    json_object_update(head, sum);
    json_decref(sum);
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++)
        json_object_set_new(head, list_names[by], json_array());
    return head;
}

static bool is_at_end(const struct contention *contention, struct contention_place *place)
{
    while (place->by < CONTENTION_BY_MAX && place->line >= contention->lists[place->by].count) {
        place->by++;
        place->line = 0;
    }
    return place->by == CONTENTION_BY_MAX;
}

json_t *contention_part(const struct contention *contention, struct contention_place *place,
                        size_t most)
{
    size_t used, lines = 0;
    json_t *part;

    if (is_at_end(contention, place) && place->begun)
        return NULL;
    place->begun = true;
    part = encode_head(contention);
    used = json_dumpb(part, NULL, 0, JSON_COMPACT);
    while (part && !is_at_end(contention, place)) {
        const struct contended *line = &contention->lists[place->by].items[place->line];
        json_t *item = encode_line(place->by, line);

        used += json_dumpb(item, NULL, 0, JSON_COMPACT) + 1;
        if (used > most && lines) {
            json_decref(item);
            break;
        }
        json_array_append_new(json_object_get(part, list_names[place->by]), item);
        place->line++;
        lines++;
    }
    return part;
}

json_t *contention_json(const struct contention *contention)
{
    return contention_part(contention, &(struct contention_place){0}, SIZE_MAX);
}

/* Decoding: where something is wrong, the first thing is said, and what follows is not taken. */

struct decoder {
    struct reason *why;
    int error;
};

static void refuse(struct decoder *decoder, const char *field, const char *wanted)
{
    if (!decoder->error)
        decoder->error =
            reason_set(decoder->why, -EBADMSG, "contention: %s is not %s", field, wanted);
}

/* null and what is missing are 0, unless @must. */
static uint64_t take_count(struct decoder *decoder, const json_t *from, const char *field,
                           uint64_t most, bool must)
{
    const json_t *value = json_object_get(from, field);
    json_int_t number = json_integer_value(value);

    if (!must && (!value || json_is_null(value)))
        return 0;
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > most) {
        refuse(decoder, field, "a number in its range");
        return 0;
    }
    return (uint64_t)number;
}

static void take_text(struct decoder *decoder, const json_t *value, const char *field, char *to,
                      size_t size)
{
    const char *text = json_string_value(value);

    if (value && !json_is_null(value) && !text)
        refuse(decoder, field, "a text");
    text_copy(to, size, text ? text : "");
    text_printable(to);
}

static uint64_t take_address(struct decoder *decoder, const json_t *from, const char *field)
{
    const json_t *value = json_object_get(from, field);
    const char *text = json_string_value(value);
    uint64_t address = 0;

    if (!json_is_null(value) && (!text || number_hex(text, UINT64_MAX, &address) < 0))
        refuse(decoder, field, "an address");
    return address;
}

static bool take_yes(struct decoder *decoder, const json_t *from, const char *field)
{
    const json_t *value = json_object_get(from, field);

    if (!json_is_boolean(value))
        refuse(decoder, field, "true or false");
    return json_is_true(value);
}

static struct wait_sum take_sum(struct decoder *decoder, const json_t *from)
{
    return (struct wait_sum){
        .waits = take_count(decoder, from, "waits", INT64_MAX, true),
        .wait_ns = take_count(decoder, from, "wait_ns", INT64_MAX, true),
    };
}

static void take_bucket(struct decoder *decoder, const json_t *bucket, uint64_t *histogram)
{
    const json_t *bound = json_object_get(bucket, "le_ns");
    uint64_t wanted =
        json_is_null(bound) ? UINT64_MAX : take_count(decoder, bucket, "le_ns", INT64_MAX, true);

    for (size_t i = 0; i < CONTENTION_BUCKETS; i++)
        if (contention_bound_ns(i) == wanted) {
            histogram[i] = take_count(decoder, bucket, "count", INT64_MAX, true);
            return;
        }
    refuse(decoder, "le_ns", "the bound of a bucket");
}

static void take_histogram(struct decoder *decoder, const json_t *all, uint64_t *histogram)
{
    if (!json_is_array(all) || json_array_size(all) > CONTENTION_BUCKETS)
        return refuse(decoder, "histogram", "a list of buckets");
    for (size_t i = 0; i < json_array_size(all) && !decoder->error; i++)
        take_bucket(decoder, json_array_get(all, i), histogram);
}

static void take_lock(struct decoder *decoder, const json_t *item, struct contended *out)
{
    out->key = take_address(decoder, item, "address");
    out->tid = (pid_t)take_count(decoder, item, "owner_tid", INT_MAX, false);
    out->managed = take_yes(decoder, item, "managed");
    out->waiters = (unsigned)take_count(decoder, item, "waiters", INT_MAX, true);
    out->longest_ns = take_count(decoder, item, "longest_ns", INT64_MAX, false);
    take_text(decoder, json_object_get(item, "type"), "type", out->type, sizeof(out->type));
    take_text(decoder, json_object_get(item, "owner_name"), "owner_name", out->thread,
              sizeof(out->thread));
}

static void take_frames(struct decoder *decoder, const json_t *frames, struct contended *out)
{
    size_t count = json_array_size(frames);

    if (!json_is_array(frames) || count > CONTENTION_FRAMES_MAX)
        return refuse(decoder, "frames", "a list of frames");
    out->frames = calloc(count + 1, sizeof(*out->frames));
    if (!out->frames) {
        decoder->error = reason_set(decoder->why, -ENOMEM, "no memory");
        return;
    }
    out->frame_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *text = json_array_get(frames, i);

        if (!json_is_string(text))
            refuse(decoder, "a frame", "a text");
        take_text(decoder, text, "a frame", out->frames[i].text, FRAME_TEXT_MAX);
    }
}

static void take_stack(struct decoder *decoder, const json_t *item, struct contended *out)
{
    out->key = take_address(decoder, item, "id");
    out->complete = take_yes(decoder, item, "complete");
    out->managed = take_yes(decoder, item, "managed");
    out->longest_ns = take_count(decoder, item, "longest_ns", INT64_MAX, false);
    take_frames(decoder, json_object_get(item, "frames"), out);
}

static void take_thread(struct decoder *decoder, const json_t *item, struct contended *out)
{
    out->tid = (pid_t)take_count(decoder, item, "tid", INT_MAX, false);
    take_text(decoder, json_object_get(item, "name"), "name", out->thread, sizeof(out->thread));
}

static void (*const line_takers[CONTENTION_BY_MAX])(struct decoder *decoder, const json_t *item,
                                                    struct contended *out) = {
    [CONTENTION_BY_LOCK] = take_lock,
    [CONTENTION_BY_STACK] = take_stack,
    [CONTENTION_BY_OWNER] = take_thread,
    [CONTENTION_BY_THREAD] = take_thread,
};

static void take_list(struct decoder *decoder, const json_t *json, enum contention_by by,
                      struct contended_list *out)
{
    const json_t *lines = json_object_get(json, list_names[by]);
    size_t count = json_array_size(lines);

    out->other = take_sum(decoder, json_object_get(json_object_get(json, "other"), list_names[by]));
    if (!json_is_array(lines) || count > CONTENTION_LINES_MAX)
        return refuse(decoder, list_names[by], "a list of lines");
    out->items = calloc(count + 1, sizeof(*out->items));
    if (!out->items) {
        decoder->error = reason_set(decoder->why, -ENOMEM, "no memory");
        return;
    }
    for (size_t i = 0; i < count && !decoder->error; i++) {
        const json_t *item = json_array_get(lines, i);

        out->count++;
        out->items[i].sum = take_sum(decoder, item);
        line_takers[by](decoder, item, &out->items[i]);
    }
}

static enum contention_source take_source(struct decoder *decoder, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "source"));
    enum contention_source source = 0;

    while (source < CONTENTION_SOURCE_MAX &&
           (!name || strcmp(contention_source_name(source), name) != 0))
        source++;
    if (source == CONTENTION_SOURCE_MAX)
        refuse(decoder, "source", "uprobe, usdt or eventpipe");
    return source;
}

static void take_head(struct decoder *decoder, const json_t *json, struct contention *out)
{
    out->pid = (pid_t)take_count(decoder, json, "pid", INT_MAX, true);
    take_text(decoder, json_object_get(json, "name"), "name", out->name, sizeof(out->name));
    out->source = take_source(decoder, json);
    out->is_on = take_yes(decoder, json, "on");
    take_text(decoder, json_object_get(json, "why"), "why", out->why, sizeof(out->why));
    out->since_ns = take_count(decoder, json, "since_ns", INT64_MAX, true);
    out->now_ns = take_count(decoder, json, "now_ns", INT64_MAX, true);
    if (out->now_ns < out->since_ns)
        refuse(decoder, "now_ns", "later than since_ns");
    out->sum = take_sum(decoder, json);
    out->waiters = (unsigned)take_count(decoder, json, "waiters", INT_MAX, true);
    out->longest_wait_ns = take_count(decoder, json, "longest_wait_ns", INT64_MAX, true);
    out->unpaired = take_count(decoder, json, "unpaired", INT64_MAX, true);
    take_histogram(decoder, json_object_get(json, "histogram"), out->histogram);
}

int contention_from_json(const json_t *json, struct contention *out, struct reason *why)
{
    struct decoder decoder = {.why = why};
    struct contention made = {0};

    take_head(&decoder, json, &made);
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX && !decoder.error; by++)
        take_list(&decoder, json, by, &made.lists[by]);
    if (decoder.error)
        contention_free(&made);
    else
        *out = made;
    return decoder.error;
}
