/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <string.h>

#include "history_file.h"
#include "util/clock.h"
#include "util/text.h"

#define CHECKPOINT_PAGES_MAX 1000
#define LATE_US              1000000
#define SPARE_BYTES          (256 << 10)
#define SHARE                4 /* of the time at most one part in five is spent on full batches */

struct waiting {
    uint64_t id;
    int64_t time_us;
    const char *kind;
    const char *cause; /* NULL: has none */
    pid_t pid;
    char name[PROCESS_NAME_MAX];
    char *json;
};

struct history {
    struct history_file file;
    uint64_t max_age_s;
    uint64_t max_bytes;

    struct waiting ring[HISTORY_PENDING_MAX];
    size_t first, count;
    uint64_t stored, dropped;
    bool failing;        /* file.trouble says why */
    uint64_t rest_until; /* CLOCK_MONOTONIC, ns */
};

/* Ends what is done for the caller: a file may have to be opened anew next time, or replaced. */
static int finish(struct history *history, int result, struct reason *why)
{
    struct history_file *file = &history->file;

    history->failing = result < 0;
    if (result >= 0)
        return result;
    reason_set(why, 0, "%s", file->trouble.text);
    if (result == -EBADMSG && file->db && history_file_replace(file) == 0)
        history->failing = false;
    else if (result != -EBUSY && result != -ENOSPC)
        history_file_close(file);
    return result;
}

static struct waiting *waiting_at(struct history *history, size_t i)
{
    return &history->ring[(history->first + i) % HISTORY_PENDING_MAX];
}

static void forget_waiting(struct history *history, size_t count)
{
    for (; count; count--) {
        free(history->ring[history->first].json);
        history->first = (history->first + 1) % HISTORY_PENDING_MAX;
        history->count--;
    }
    if (!history->count)
        history->first = 0;
}

/* Writing */

static int insert_event(struct history_file *file, const struct waiting *event)
{
    sqlite3_stmt *insert = file->statements[INSERT_EVENT];

    if (sqlite3_bind_int64(insert, 1, (int64_t)file->progress.last_id) ||
        sqlite3_bind_int64(insert, 2, file->progress.watched_us) ||
        sqlite3_bind_text(insert, 3, event->kind, -1, SQLITE_STATIC) ||
        sqlite3_bind_int64(insert, 4, event->pid) ||
        sqlite3_bind_text(insert, 5, event->name, -1, SQLITE_STATIC) ||
        sqlite3_bind_text(insert, 6, event->cause, -1, SQLITE_STATIC) ||
        sqlite3_bind_text(insert, 7, event->json, -1, SQLITE_STATIC))
        return history_file_failure(file);
    return history_file_run(file, INSERT_EVENT, NULL);
}

static int write_progress(struct history_file *file)
{
    return history_file_run_with(file, WRITE_PROGRESS, (int64_t)file->progress.last_id,
                                 file->progress.watched_us);
}

static void advance(struct history_progress *progress, const struct waiting *event)
{
    int64_t late = progress->watched_us - event->time_us;

    progress->last_id = event->id > progress->last_id ? event->id : progress->last_id + 1;
    if (late < 0 || late > LATE_US)
        progress->watched_us = event->time_us;
}

static size_t batch_size(const struct history *history)
{
    return history->count < HISTORY_BATCH ? history->count : HISTORY_BATCH;
}

static int insert_batch(struct history_file *file, void *context)
{
    struct history *history = context;
    size_t count = batch_size(history);

    for (size_t i = 0; i < count; i++) {
        const struct waiting *event = waiting_at(history, i);
        int r;

        advance(&file->progress, event);
        r = insert_event(file, event);
        if (r < 0)
            return r;
    }
    return write_progress(file);
}

static int write_batch(struct history *history)
{
    struct history_progress before = history->file.progress;
    size_t count = batch_size(history);
    int r = history_file_transact(&history->file, insert_batch, history);

    if (r < 0) {
        history->file.progress = before;
        return r;
    }
    forget_waiting(history, count);
    history->stored += count;
    return 0;
}

/* Somebody who reads without end keeps the log from being written back, and so from being short. */
static int hold_log(struct history *history)
{
    bool is_short = history_file_log_size(&history->file) <= history->max_bytes / 2;

    return is_short ? 0 : history_file_checkpoint(&history->file);
}

struct room {
    uint64_t used, free; /* bytes; the file has both */
    uint64_t log;
};

static int measure(struct history *history, struct room *room)
{
    struct history_file *file = &history->file;
    int64_t pages = 0, unused = 0;
    int r = history_file_run(file, COUNT_PAGES, &pages);

    if (r == 0)
        r = history_file_run(file, COUNT_FREE, &unused);
    *room = (struct room){
        .used = (uint64_t)(pages - unused) * HISTORY_PAGE_SIZE,
        .free = (uint64_t)unused * HISTORY_PAGE_SIZE,
        .log = history_file_log_size(file),
    };
    return r;
}

static int delete_oldest(struct history_file *file, void *unused)
{
    return history_file_run_with(file, DELETE_OLDEST, HISTORY_SLICE, 0);
}

static int give_back(struct history_file *file, void *unused)
{
    return history_file_run(file, GIVE_BACK, NULL);
}

/*
 * At its full size the file stays as it is: what is new takes the pages of what is oldest, of which
 * an eighth is kept free. It is shortened, which costs more, when much of it is free.
 * 1: something was done, and there may be more to do.
 */
static int hold_size(struct history *history)
{
    uint64_t most = history->max_bytes;
    struct room room;
    int r = measure(history, &room);

    if (r < 0)
        return r;
    if (room.used + room.log > most - most / 8) {
        r = history_file_transact(&history->file, delete_oldest, NULL);
        return r < 0 ? r : sqlite3_changes(history->file.db) > 0;
    }
    if (!room.free ||
        (room.used + room.free + room.log <= most && room.free <= room.used / 4 + SPARE_BYTES))
        return 0;
    r = history_file_transact(&history->file, give_back, NULL);
    return r < 0 ? r : 1;
}

int history_flush(struct history *history, struct reason *why)
{
    int r = history_file_ready(&history->file);

    if (r == 0 && history->count) {
        r = hold_log(history);
        if (r == 0)
            r = write_batch(history);
        if (r == 0)
            r = hold_size(history);
    }
    return finish(history, r < 0 ? r : history->count > 0, why);
}

static int delete_before(struct history_file *file, void *context)
{
    int r = write_progress(file);

    if (r == 0)
        r = history_file_run_with(file, DELETE_BEFORE, HISTORY_SLICE, *(int64_t *)context);
    return r;
}

int history_expire(struct history *history, int64_t now_us, struct reason *why)
{
    struct history_file *file = &history->file;
    int64_t limit = now_us - (int64_t)history->max_age_s * 1000000;
    int r = history_file_ready(file);
    bool more = false;

    if (r == 0) {
        file->progress.watched_us = now_us;
        r = history_file_transact(file, delete_before, &limit);
    }
    if (r == 0) {
        more = sqlite3_changes(file->db) == HISTORY_SLICE;
        r = hold_size(history);
    }
    return finish(history, r < 0 ? r : more || r, why);
}

static bool keep_event(struct history *history, const struct event *event, const char *json)
{
    struct waiting *waiting = waiting_at(history, history->count);
    bool has_cause = event->kind == EVENT_GC_EVENTS || event->kind == EVENT_PROVIDER;

    if (history->count == HISTORY_PENDING_MAX ||
        strnlen(json, HISTORY_JSON_MAX) == HISTORY_JSON_MAX)
        return false;
    *waiting = (struct waiting){
        .id = event->id,
        .time_us = event->time_us,
        .kind = event_kind_name(event->kind),
        .pid = event->pid,
        .cause = has_cause ? event_cause_name(event->cause) : NULL,
        .json = strdup(json),
    };
    text_copy(waiting->name, sizeof(waiting->name), event->name);
    text_printable(waiting->name);
    return waiting->json != NULL;
}

/* A slow disk, or too many events, must not take the loop's time. */
static void write_when_rested(struct history *history)
{
    uint64_t start = clock_monotonic_ns(), end;

    if (history->failing || start < history->rest_until)
        return;
    (void)history_flush(history, NULL);
    end = clock_monotonic_ns();
    history->rest_until = end + SHARE * (end - start);
}

void history_add(struct history *history, const struct event *event, const char *json)
{
    if (history->count >= HISTORY_BATCH)
        write_when_rested(history);
    if (keep_event(history, event, json))
        history->count++;
    else
        history->dropped++;
}

/* Reading */

static void bind_query(sqlite3_stmt *select, const struct history_query *query, int limit)
{
    sqlite3_bind_int64(select, 1, query->after_id ? query->after_us : query->since_us);
    sqlite3_bind_int64(select, 2, (int64_t)query->after_id);
    sqlite3_bind_int64(select, 3, query->until_us);
    sqlite3_bind_int(select, 4, limit);
    if (query->pid)
        sqlite3_bind_int64(select, 5, query->pid);
}

static int give_rows(struct history *history, struct history_query *query, int limit,
                     history_row *row, void *context)
{
    sqlite3_stmt *select = history->file.statements[query->pid ? SELECT_PID : SELECT_ALL];
    int code, given = 0;

    bind_query(select, query, limit);
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        query->after_id = (uint64_t)sqlite3_column_int64(select, 0);
        query->after_us = sqlite3_column_int64(select, 1);
        row(context, query->after_id, query->after_us,
            (const char *)sqlite3_column_text(select, 2));
        given++;
    }
    if (code != SQLITE_DONE)
        given = history_file_failure(&history->file);
    sqlite3_reset(select);
    return given;
}

/* False: nothing more has come into the file. */
static bool write_all(struct history *history)
{
    uint64_t before = history->stored;

    while (!history->failing && history->count && history_flush(history, NULL) >= 0)
        ;
    return history->file.db && history->stored != before;
}

int history_query(struct history *history, struct history_query *query, int limit, history_row *row,
                  void *context, struct reason *why)
{
    int given = history_file_ready(&history->file), more = 0;

    if (given == 0)
        given = give_rows(history, query, limit, row, context);
    if (given >= 0 && given < limit && write_all(history))
        more = give_rows(history, query, limit - given, row, context);
    if (given < 0 || more < 0)
        return finish(history, given < 0 ? given : more, why);
    return given + more;
}

int history_last(const struct history *history, uint64_t *id, int64_t *until_us)
{
    const struct history_progress *progress = &history->file.progress;

    if (!history->file.db || !progress->watched_us)
        return -ENOENT;
    *id = progress->last_id;
    *until_us = progress->watched_us;
    return 0;
}

void history_report(const struct history *history, struct history_report *out)
{
    *out = (struct history_report){
        .stored = history->stored,
        .dropped = history->dropped,
        .pending = history->count,
        .bytes = history_file_size(&history->file),
        .trouble = history->failing ? history->file.trouble : history->file.note,
    };
}

/* Life */

int history_open(struct history **out, const char *folder, uint64_t max_age_s, uint64_t max_bytes,
                 struct reason *why)
{
    uint64_t pages = max_bytes / 8 / HISTORY_PAGE_SIZE;
    struct history *history = calloc(1, sizeof(*history));
    struct history_report report;
    int r;

    if (!history)
        return reason_set(why, -ENOMEM, "no memory");
    history->max_age_s = max_age_s;
    history->max_bytes = max_bytes;
    r = history_file_init(&history->file, folder,
                          pages < CHECKPOINT_PAGES_MAX ? (int)pages : CHECKPOINT_PAGES_MAX);
    if (r < 0) {
        reason_set(why, 0, "%s", history->file.trouble.text);
        free(history);
        return r;
    }
    (void)finish(history, history_file_ready(&history->file), NULL);
    history_report(history, &report);
    reason_set(why, 0, "%s", report.trouble.text);
    *out = history;
    return 0;
}

static int note_watching(struct history_file *file, void *unused)
{
    file->progress.watched_us = clock_realtime_us();
    return write_progress(file);
}

void history_close(struct history **history)
{
    struct history *old = *history;

    if (!old)
        return;
    while (old->count && history_flush(old, NULL) > 0)
        ;
    if (old->file.db)
        (void)finish(old, history_file_transact(&old->file, note_watching, NULL), NULL);
    history_file_close(&old->file);
    forget_waiting(old, old->count);
    free(old);
    *history = NULL;
}
