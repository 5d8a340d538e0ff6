/* SPDX-License-Identifier: Apache-2.0 */
#include "event_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "moment.h"
#include "report/json.h"
#include "state/event_set.h"
#include "util/cleanup.h"
#include "util/number.h"

#define WHAT_MAX 400

struct what {
    char text[WHAT_MAX];
};

void event_time(const char *time, int64_t now_us, char text[static EVENT_TIME_MAX])
{
    int64_t moment_us = 0;
    struct tm date, today;
    time_t moment, now = now_us / 1000000;
    size_t used;

    if (moment_parse(time, now_us, &moment_us) < 0) {
        snprintf(text, EVENT_TIME_MAX, "%.14s", time);
        return;
    }
    moment = moment_us / 1000000;
    localtime_r(&moment, &date);
    localtime_r(&now, &today);
    if (date.tm_yday != today.tm_yday || date.tm_year != today.tm_year) {
        strftime(text, EVENT_TIME_MAX, "%m-%d %H:%M:%S", &date);
        return;
    }
    used = strftime(text, EVENT_TIME_MAX, "%H:%M:%S", &date);
    snprintf(text + used, EVENT_TIME_MAX - used, ".%03d", (int)(moment_us / 1000 % 1000));
}

static struct event_set set_of(const json_t *event, const char *field)
{
    const json_t *set = json_object_get(event, field);
    struct event_set out = {.level = (uint32_t)json_integer_value(json_object_get(set, "level"))};

    if (number_hex(json_text_at(set, "keywords"), UINT64_MAX, &out.keywords) < 0)
        out.keywords = 0;
    return out;
}

/* "public 0->Verbose(5) 0x8001 dotnet app.dll(1234)", or the cause where there is no client. */
static void say_change(const json_t *event, struct what *out)
{
    const json_t *client = json_object_get(event, "client");
    struct event_set old = set_of(event, "old"), new = set_of(event, "new");
    char level[LEVEL_TEXT_MAX], who[64];

    level_format(new, level);
    if (json_is_object(client))
        snprintf(who, sizeof(who), "%.30s(%d)", json_text_at(client, "command"),
                 (int)json_integer_value(json_object_get(client, "pid")));
    else
        snprintf(who, sizeof(who), "%.40s", json_text_at(event, "cause"));
    snprintf(out->text, WHAT_MAX, "%s%.16s %u->%s 0x%llx %s",
             strcmp(json_text_at(event, "kind"), "provider") == 0 ? "provider " : "",
             json_text_at(event, "provider"), old.level, level, (unsigned long long)new.keywords,
             who);
}

static void say_process(const json_t *event, struct what *out)
{
    snprintf(out->text, WHAT_MAX, "%.20s %.40s %.40s",
             json_text_at(event, "kind") + strlen("process."), json_text_at(event, "version"),
             json_text_at(event, "flavour"));
}

static void say_verdict(const json_t *event, struct what *out)
{
    snprintf(out->text, WHAT_MAX, "%.20s->%.20s %.300s", json_text_at(event, "old_verdict"),
             json_text_at(event, "new_verdict"), json_text_at(event, "reason"));
}

static void say_loss(const json_t *event, struct what *out)
{
    snprintf(out->text, WHAT_MAX, "%lld records were lost; state was read again %.200s",
             (long long)json_integer_value(json_object_get(event, "lost")),
             json_text_at(event, "reason"));
}

static void say_gap(const json_t *event, struct what *out)
{
    char time[EVENT_TIME_MAX];

    event_time(json_text_at(event, "since"), 0, time); /* with its date */
    snprintf(out->text, WHAT_MAX, "nobody was watching since %s", time);
}

/* "reset 5->Informational(4) 0x1 put back: Runtime" */
static void say_reset(const json_t *event, struct what *out)
{
    struct event_set old = set_of(event, "old"), new = set_of(event, "new");
    char level[LEVEL_TEXT_MAX], change[64] = "";

    level_format(new, level);
    if (!event_set_equal(old, new))
        snprintf(change, sizeof(change), "%u->%s 0x%llx ", old.level, level,
                 (unsigned long long)new.keywords);
    snprintf(out->text, WHAT_MAX, "reset %s%.300s", change, json_text_at(event, "reason"));
}

static const struct {
    const char *kind;
    void (*say)(const json_t *event, struct what *out);
} kinds[] = {
    {"gc.events", say_change},
    {"provider", say_change},
    {"process.start", say_process},
    {"process.exit", say_process},
    {"verdict", say_verdict},
    {"loss", say_loss},
    {"gap", say_gap},
    {"reset", say_reset},
};

void event_line(const json_t *event, int64_t now_us, char line[static EVENT_LINE_MAX])
{
    const char *kind = json_text_at(event, "kind"), *name = json_text_at(event, "name");
    struct what what = {""};
    char time[EVENT_TIME_MAX], pid[16] = "-";
    size_t length;

    event_time(json_text_at(event, "time"), now_us, time);
    snprintf(what.text, WHAT_MAX, "%.40s", kind);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            kinds[i].say(event, &what);
    if (json_integer_value(json_object_get(event, "pid")))
        snprintf(pid, sizeof(pid), "%d", (int)json_integer_value(json_object_get(event, "pid")));
    snprintf(line, EVENT_LINE_MAX, "%14s %7s %-12.15s %s", time, pid, *name ? name : "-",
             what.text);
    length = strlen(line);
    while (length && line[length - 1] == ' ')
        line[--length] = 0;
}
