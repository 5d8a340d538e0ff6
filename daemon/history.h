/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event.h"

/*
 * The events that were, in SQLite: STATE_DIR/history.db, bounded by age and by size. Made for a
 * loop that must not wait: events are buffered and written in transactions of at most
 * HISTORY_BATCH, and whatever the disk does, the caller goes on. While nothing can be written, up
 * to HISTORY_PENDING_MAX events wait; those after them are dropped and counted. The file is tried
 * again with every history_flush(), so it comes back by itself when there is room.
 *
 * The file survives kill -9 (WAL): what a flush has written stays; after a loss of power the last
 * moments may be missing. A file that is damaged or not ours is moved aside, to
 * history.db.broken-TIME, and a new one begun; the newest HISTORY_BROKEN_KEPT of those are kept. A
 * file of a newer version is left alone, and nothing is stored. A file that somebody removes or
 * replaces meanwhile is noticed, and opened or made again.
 */

#define HISTORY_BATCH       512
#define HISTORY_PENDING_MAX 8192
#define HISTORY_JSON_MAX    2048 /* a longer event is dropped and counted */
#define HISTORY_SLICE       1024 /* rows that are deleted at a time */
#define HISTORY_BROKEN_KEPT 2

struct history;

/* For health. */
struct history_report {
    uint64_t stored;  /* events written since history_open() */
    uint64_t dropped; /* events lost since then */
    size_t pending;   /* events that wait */
    uint64_t bytes;   /* on disk, with the log */
    struct reason
        trouble; /* why nothing can be stored now, or that a file was moved aside; "": none */
};

/*
 * Opens or makes the file, mode 0640, in @folder, which is made too where only it is missing. 0,
 * and
 * @why is "" or tells of a file that was moved aside or why there is none for now, which is no
 * failure. -ENOMEM and -ENAMETOOLONG leave @out alone. Ends with history_close().
 */
_must_check_ int history_open(struct history **out, const char *folder, uint64_t max_age_s,
                              uint64_t max_bytes, struct reason *why);

/* Writes what waits, notes that it was watched until now, and frees. NULL-safe; *@history: NULL. */
void history_close(struct history **history);

/*
 * @json: of @event, in one line; copied. Writes when a batch is full, but for at most a fifth of
 * the time, so that neither a burst nor a slow disk takes the loop: what comes faster than that is
 * dropped and counted in the end. An id that is not above all before it (there was no file to ask
 * when the daemon began) is stored as the next one.
 */
void history_add(struct history *history, const struct event *event, const char *json);

/*
 * Writes one batch, and holds the file to its size. To be called by a timer, about once a second.
 * 1: more waits; 0; negative: it could not be written, @why (may be NULL) has it, and it goes on
 * waiting.
 */
int history_flush(struct history *history, struct reason *why);

/*
 * Notes that the daemon is watching at @now_us, and deletes a slice of what is too old. To be
 * called once a minute, and again while it returns 1: more is too old. 0 or negative as
 * history_flush().
 */
int history_expire(struct history *history, int64_t now_us, struct reason *why);

/*
 * Where history goes on after a restart: the last id, and until when (CLOCK_REALTIME) the daemon
 * was watching as far as was written: the last event, history_expire() or history_close(). Ids go
 * on even when every event has expired. -ENOENT: nothing yet, or there is no file.
 */
_must_check_ int history_last(const struct history *history, uint64_t *id, int64_t *until_us);

/* What is asked for, and how far it has been answered. Begin with the last two fields 0. */
struct history_query {
    int64_t since_us; /* at or after */
    int64_t until_us; /* before; INT64_MAX: no end */
    pid_t pid;        /* 0: any */
    int64_t after_us; /* the last row that was given */
    uint64_t after_id;
};

/* @json is borrowed for the call. May not call history. */
typedef void history_row(void *context, uint64_t id, int64_t time_us, const char *json);

/*
 * Gives at most @limit rows in order of time, after those that @query was given before. No lock is
 * held between calls. Where the file ends, events that wait are written and given too, so that none
 * is missed between history and what is streamed; those that can't be written are not. Returns how
 * many rows were given, less than @limit at the end, or negative.
 */
_must_check_ int history_query(struct history *history, struct history_query *query, int limit,
                               history_row *row, void *context, struct reason *why);

void history_report(const struct history *history, struct history_report *out);
