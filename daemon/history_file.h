/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/reason.h"

/*
 * The file under history: opened, made, recognised, replaced; its statements, run in transactions.
 * Every function that can fail returns a negative errno and leaves what it has to say in @trouble.
 *
 *   events    id, time_us, kind, pid, name, cause (NULL: has none), json
 *   progress  one row: the last id, and until when the daemon was watching
 *
 * events.time_us orders the rows as they came: an event that is told up to a second late counts as
 * of the moment of the one before it. Its own time is in json.
 */

enum history_statement {
    INSERT_EVENT,   /* id, time_us, kind, pid, name, cause, json */
    READ_PROGRESS,  /* gives last_id, watched_us */
    WRITE_PROGRESS, /* last_id, watched_us */
    COUNT_PAGES,    /* gives it */
    COUNT_FREE,     /* of these pages, those without content */
    DELETE_OLDEST,  /* how many */
    DELETE_BEFORE,  /* how many, time_us */
    GIVE_BACK,      /* some of the free pages, to the file system */
    SELECT_ALL,     /* after time_us, after id, before time_us, how many; gives id, time_us, json */
    SELECT_PID,     /* the same, and pid */
    HISTORY_STATEMENT_MAX,
};

#define HISTORY_PAGE_SIZE 4096

struct history_progress {
    uint64_t last_id;
    int64_t watched_us;
};

struct history_file {
    char folder[PATH_MAX];
    char path[PATH_MAX];
    int checkpoint_pages; /* so many in the log, and it is written back */

    sqlite3 *db; /* NULL: not open */
    sqlite3_stmt *statements[HISTORY_STATEMENT_MAX];
    dev_t device;
    ino_t inode;
    struct history_progress progress;

    struct reason trouble; /* of the last failure */
    struct reason note;    /* "", or that a file was moved aside */
};

/* -ENAMETOOLONG: @folder leaves no room for names in it. Opens nothing. */
_must_check_ int history_file_init(struct history_file *file, const char *folder,
                                   int checkpoint_pages);

/*
 * Open when it returns 0. Opens or makes the file where it is not, or no longer, the one that is
 * open; replaces one that is damaged or not ours. -ENOTSUP: of a newer version, untouched.
 */
_must_check_ int history_file_ready(struct history_file *file);

/* Moves the file aside, says so in @note, and makes a new one, which is open when it returns 0. */
_must_check_ int history_file_replace(struct history_file *file);

/* May be closed already. Writes the log back. */
void history_file_close(struct history_file *file);

/* What SQLite has just refused, as an error and as the trouble. */
int history_file_failure(struct history_file *file);

/* Runs a statement whose parameters are bound; @number (may be NULL) takes the last row's first
 * column. */
_must_check_ int history_file_run(struct history_file *file, enum history_statement which,
                                  int64_t *number);

/* With the numbers that are its first two parameters, or one. */
_must_check_ int history_file_run_with(struct history_file *file, enum history_statement which,
                                       int64_t first, int64_t second);

/* All that @work does, or nothing of it. */
typedef int history_work(struct history_file *file, void *context);
_must_check_ int history_file_transact(struct history_file *file, history_work *work,
                                       void *context);

/* Writes the log back and shortens it. -EBUSY: somebody else is reading. */
_must_check_ int history_file_checkpoint(struct history_file *file);

uint64_t history_file_log_size(const struct history_file *file);
uint64_t history_file_size(const struct history_file *file); /* with the log */
