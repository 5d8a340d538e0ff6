/* SPDX-License-Identifier: Apache-2.0 */
#include "wait_line.h"

#include "contention_table.h"
#include "event_line.h"
#include "moment.h"
#include "report/json.h"
#include "util/number.h"
#include "util/text.h"

static long long number_of(const json_t *object, const char *field)
{
    return json_integer_value(json_object_get(object, field));
}

static void name_lock(const json_t *wait, char text[static CONTENDED_TEXT_MAX])
{
    struct contended lock = {0};

    if (number_hex(json_text_at(wait, "lock"), UINT64_MAX, &lock.key) < 0)
        lock.key = 0;
    text_copy(lock.type, sizeof(lock.type), json_text_at(wait, "type"));
    contended_lock(&lock, text);
}

static void name_thread(long long tid, const char *name, char text[static CONTENDED_TEXT_MAX])
{
    struct contended thread = {.tid = tid > 0 && tid <= INT32_MAX ? (pid_t)tid : 0};

    text_copy(thread.thread, sizeof(thread.thread), name);
    contended_thread(&thread, text);
}

void wait_line(const json_t *wait, int64_t now_us, char line[static WAIT_LINE_MAX])
{
    char time[EVENT_TIME_MAX], waited[DURATION_TEXT_MAX];
    char thread[CONTENDED_TEXT_MAX], lock[CONTENDED_TEXT_MAX], owner[CONTENDED_TEXT_MAX];
    long long wait_ns = number_of(wait, "wait_ns");

    event_time(json_text_at(wait, "time"), now_us, time);
    duration_format_ns(wait_ns > 0 ? (uint64_t)wait_ns : 0, waited);
    name_thread(number_of(wait, "tid"), json_text_at(wait, "thread"), thread);
    name_thread(number_of(wait, "owner_tid"), json_text_at(wait, "owner_name"), owner);
    name_lock(wait, lock);
    snprintf(line, WAIT_LINE_MAX, "%14s %7d %-12.15s %-16.20s %6s %-14.30s %.40s%s", time,
             (int)number_of(wait, "pid"), json_text_at(wait, "name"), thread, waited, lock, owner,
             json_is_true(json_object_get(wait, "thrown")) ? ", broken off" : "");
}
