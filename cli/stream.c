/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <string.h>

#include "event_line.h"
#include "moment.h"
#include "verbs.h"

#define COMM_LENGTH 15 /* all that the kernel keeps of a name */

static void print_event(const json_t *event, bool wide)
{
    char line[EVENT_LINE_MAX];

    event_line(event, moment_now(), line);
    puts(line);
}

void stream_init(struct stream *stream, const char *verb, enum control_verb asked)
{
    *stream = (struct stream){.verb = verb,
                              .what = "events",
                              .head = EVENT_LINE_HEAD,
                              .print = print_event,
                              .request.verb = asked};
    options_init(&stream->options, FORMAT_TABLE | FORMAT_JSONL);
}

int stream_take_moment(const struct stream *stream, const char *what, const char *text,
                       int64_t *moment)
{
    int64_t parsed;

    if (moment_parse(text, moment_now(), &parsed) == 0 && parsed > 0) {
        *moment = parsed;
        return 0;
    }
    fprintf(stderr, "clrmon %s: %s '%s' is no time and no duration (10s, 5m, 2h, 1d)\n",
            stream->verb, what, text);
    return -EINVAL;
}

bool stream_name_matches(const char *name, const char *wanted)
{
    size_t length = strlen(wanted);

    return strcmp(name, wanted) == 0 ||
           (strncmp(name, wanted, length) == 0 && strcmp(name + length, ".dll") == 0) ||
           (strlen(name) == COMM_LENGTH && strncmp(name, wanted, COMM_LENGTH) == 0);
}

static bool is_wanted(const struct options *options, const json_t *event)
{
    json_int_t pid = json_integer_value(json_object_get(event, "pid"));
    const char *name = json_string_value(json_object_get(event, "name"));

    for (size_t i = 0; i < options->pid_count; i++)
        if (options->pids[i] == pid)
            return true;
    for (size_t i = 0; name && i < options->name_count; i++)
        if (stream_name_matches(name, options->names[i]))
            return true;
    return !options->pid_count && !options->name_count;
}

static void print_row(struct stream *stream, const json_t *item)
{
    if (!stream->headed)
        puts(stream->head);
    stream->headed = true;
    stream->print(item, stream->options.format == FORMAT_WIDE);
}

static int take_item(void *context, json_t *item)
{
    struct stream *stream = context;

    if (!is_wanted(&stream->options, item))
        return 0;
    if (stream->options.format == FORMAT_JSONL) {
        json_dumpf(item, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        print_row(stream, item);
    }
    stream->printed = true;
    stream->closed = fflush(stdout) != 0;
    return stream->closed;
}

static void tell_dropped(void *context, uint64_t count)
{
    const struct stream *stream = context;

    fprintf(stderr, "clrmon %s: %llu %s are missing here: they came faster than we read\n",
            stream->verb, (unsigned long long)count, stream->what);
}

int stream_run(struct stream *stream)
{
    struct ask ask = {.request = stream->request,
                      .deadline_ms = ASK_DEADLINE_MS,
                      .take = take_item,
                      .context = stream,
                      .dropped = tell_dropped};
    struct reason why = {""};

    if (stream->options.pid_count == 1 && !stream->options.name_count)
        ask.request.pid = stream->options.pids[0];
    if (ask_daemon(&ask, &why) < 0) {
        fprintf(stderr, "clrmon %s: %s\n", stream->verb, why.text);
        return EXIT_CANNOT_TELL;
    }
    if (!stream->printed && !stream->request.follow && stream->options.format == FORMAT_TABLE)
        fprintf(stderr, "clrmon %s: no %s\n", stream->verb, stream->what);
    return 0;
}
