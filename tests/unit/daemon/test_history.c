/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "history.h"

#define MONTH (30 * 86400)
#define MIB   ((uint64_t)1 << 20)
#define START 1795501800000000 /* 2026-11-24T06:30:00Z */

/* A folder of its own for every test. */
struct place {
    char folder[64];
    char file[96];
    struct history *history;
    struct reason why;
    uint64_t added;
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    strcpy(place->folder, "/tmp/clrmon-history.XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->file, sizeof(place->file), "%s/history.db", place->folder);
    *state = place;
    return 0;
}

static int drop_place(void **state)
{
    struct place *place = *state;
    struct dirent **entries = NULL;
    int count;

    history_close(&place->history);
    umount2(place->folder, MNT_DETACH);
    count = scandir(place->folder, &entries, NULL, NULL);
    for (int i = 0; i < count; i++) {
        char path[sizeof(place->folder) + 256];

        snprintf(path, sizeof(path), "%s/%s", place->folder, entries[i]->d_name);
        if (unlink(path) < 0)
            rmdir(path);
        free(entries[i]);
    }
    free(entries);
    rmdir(place->folder);
    free(place);
    return 0;
}

static void open_with(struct place *place, uint64_t max_age_s, uint64_t max_bytes)
{
    place->why = (struct reason){""};
    assert_int_equal(
        history_open(&place->history, place->folder, max_age_s, max_bytes, &place->why), 0);
}

static void open_place(struct place *place)
{
    open_with(place, MONTH, 256 * MIB);
}

static void add_at(struct place *place, uint64_t id, int64_t time_us, pid_t pid)
{
    struct event event = {
        .id = id,
        .time_us = time_us,
        .kind = EVENT_GC_EVENTS,
        .pid = pid,
        .name = "dotnet",
        .cause = CAUSE_CLIENT,
    };
    char json[400];

    snprintf(json, sizeof(json), "{\"id\":%llu,\"padding\":\"%0340d\"}", (unsigned long long)id, 0);
    history_add(place->history, &event, json);
    place->added++;
}

/* One event a millisecond, with ids that go on; pids 1 to 10. Full batches are written. */
static void add_more(struct place *place, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t id = place->added + 1;

        add_at(place, id, START + (int64_t)id * 1000, (pid_t)(id % 10 + 1));
        if (id % HISTORY_BATCH == 0)
            (void)history_flush(place->history, NULL);
    }
}

struct rows {
    uint64_t count, first, last;
    bool ordered;
    int64_t last_us;
    char json[64];
};

static void take_row(void *context, uint64_t id, int64_t time_us, const char *json)
{
    struct rows *rows = context;

    if (!rows->count) {
        rows->first = id;
        rows->ordered = true;
    } else if (time_us < rows->last_us) {
        rows->ordered = false;
    }
    rows->last = id;
    rows->last_us = time_us;
    rows->count++;
    snprintf(rows->json, sizeof(rows->json), "%s", json);
}

static struct rows read_rows(struct place *place, struct history_query query, int page)
{
    struct rows rows = {0};
    int n;

    do {
        uint64_t before = rows.count;

        n = history_query(place->history, &query, page, take_row, &rows, &place->why);
        assert_true(n >= 0 && n <= page);
        assert_int_equal(rows.count - before, n);
    } while (n == page);
    return rows;
}

static struct rows read_all(struct place *place)
{
    return read_rows(place, (struct history_query){.until_us = INT64_MAX}, 1000);
}

static struct history_report report_of(struct place *place)
{
    struct history_report report;

    history_report(place->history, &report);
    return report;
}

static void flush_all(struct place *place)
{
    int r;

    while ((r = history_flush(place->history, &place->why)) > 0)
        ;
    assert_int_equal(r, 0);
}

/* What another program sees in the file. */
static sqlite3 *connect_to(const char *path)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void say(sqlite3 *db, const char *sql, char *answer, size_t size)
{
    sqlite3_stmt *statement = NULL;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW && answer)
        snprintf(answer, size, "%s", (const char *)sqlite3_column_text(statement, 0));
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

static void assert_answer(const char *path, const char *sql, const char *expected)
{
    sqlite3 *db = connect_to(path);
    char answer[128] = "";

    say(db, sql, answer, sizeof(answer));
    sqlite3_close(db);
    assert_string_equal(answer, expected);
}

static size_t count_broken(const struct place *place)
{
    DIR *folder = opendir(place->folder);
    struct dirent *entry;
    size_t count = 0;

    while ((entry = readdir(folder)))
        count += strstr(entry->d_name, "history.db.broken-") == entry->d_name &&
                 !strstr(entry->d_name, "-wal");
    closedir(folder);
    return count;
}

static void stores_and_gives_back(void **state)
{
    struct place *place = *state;
    struct event start = {.id = 1, .time_us = START, .kind = EVENT_PROCESS_START, .pid = 7};
    struct stat status;
    struct rows rows;
    mode_t mask = umask(0077);
    uint64_t id;
    int64_t until;

    open_place(place);
    umask(mask);
    assert_string_equal(place->why.text, "");
    assert_int_equal(history_last(place->history, &id, &until), -ENOENT);
    memcpy(start.name, "a\xff'\"", 5);
    history_add(place->history, &start, "{\"it's\": \"'); DROP TABLE events; --\"}");
    assert_int_equal(report_of(place).pending, 1);
    flush_all(place);
    place->added = 1;
    add_more(place, 1);
    rows = read_all(place); /* writes what waits */
    assert_int_equal(rows.count, 2);
    assert_int_equal(report_of(place).stored, 2);
    assert_int_equal(report_of(place).dropped, 0);
    assert_int_equal(stat(place->file, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_true(report_of(place).bytes >= (uint64_t)status.st_size);
    assert_answer(place->file, "SELECT kind||pid||name||ifnull(cause,'-') FROM events WHERE id=1",
                  "process.start7a?'\"-");
    assert_answer(place->file, "SELECT json FROM events WHERE id=1",
                  "{\"it's\": \"'); DROP TABLE events; --\"}");
    assert_answer(place->file, "SELECT cause FROM events WHERE id=2", "client");
    assert_answer(place->file, "PRAGMA user_version", "1");
    assert_answer(place->file, "PRAGMA auto_vacuum", "2");
    assert_answer(place->file, "PRAGMA journal_mode", "wal");
}

static void goes_on_after_a_restart(void **state)
{
    struct place *place = *state;
    struct timespec now;
    uint64_t id = 0;
    int64_t until = 0;

    open_place(place);
    add_more(place, 700);
    history_close(&place->history);
    assert_null(place->history);
    history_close(&place->history);
    clock_gettime(CLOCK_REALTIME, &now);
    open_place(place);
    assert_int_equal(history_last(place->history, &id, &until), 0);
    assert_int_equal(id, 700);
    assert_true(until / 1000000 <= now.tv_sec && until / 1000000 > now.tv_sec - 600);
    assert_int_equal(read_all(place).count, 700);

    assert_int_equal(history_expire(place->history, START + 900000000, NULL), 0);
    assert_int_equal(history_last(place->history, &id, &until), 0);
    assert_int_equal(until, START + 900000000);
    add_at(place, 701, START + 950000000, 1);
    flush_all(place);
    assert_int_equal(history_last(place->history, &id, &until), 0);
    assert_int_equal(id, 701);
    assert_int_equal(until, START + 950000000);
}

static void ids_go_on_when_all_has_expired(void **state)
{
    struct place *place = *state;
    uint64_t id = 0;
    int64_t until = 0;

    open_place(place);
    add_more(place, 10);
    flush_all(place);
    assert_int_equal(history_expire(place->history, START + 86400000000 * 40, NULL), 0);
    assert_int_equal(read_all(place).count, 0);
    history_close(&place->history);
    open_place(place);
    assert_int_equal(history_last(place->history, &id, &until), 0);
    assert_int_equal(id, 10);
}

static void an_id_that_is_taken_becomes_the_next(void **state)
{
    struct place *place = *state;

    open_place(place);
    add_at(place, 100, START, 1);
    flush_all(place);
    add_at(place, 1, START + 2000000, 1);
    add_at(place, 2, START + 2000001, 1);
    add_at(place, 200, START + 2000002, 1);
    flush_all(place);
    assert_answer(place->file, "SELECT group_concat(id) FROM (SELECT id FROM events ORDER BY id)",
                  "100,101,102,200");
    assert_int_equal(report_of(place).dropped, 0);
}

static void late_events_keep_their_order(void **state)
{
    struct place *place = *state;

    open_place(place);
    add_at(place, 1, START + 5000000, 1);
    add_at(place, 2, START + 4000000, 1); /* late */
    add_at(place, 3, START + 3999999, 1); /* the clock was set back */
    flush_all(place);
    assert_answer(place->file,
                  "SELECT group_concat(time_us) FROM (SELECT * FROM events ORDER BY id)",
                  "1795501805000000,1795501805000000,1795501803999999");
}

static void pages(void **state)
{
    struct place *place = *state;
    const int64_t end = INT64_MAX;
    const struct {
        struct history_query query;
        uint64_t count, first, last;
    } table[] = {
        {{0, end, 0, 0, 0}, 1000, 1, 1000},
        {{START + 500000, end, 0, 0, 0}, 501, 500, 1000},
        {{START + 500001, end, 0, 0, 0}, 500, 501, 1000},
        {{0, START + 500000, 0, 0, 0}, 499, 1, 499},
        {{0, START + 500001, 0, 0, 0}, 500, 1, 500},
        {{0, end, 3, 0, 0}, 100, 2, 992},
        {{START + 2000, START + 992000, 3, 0, 0}, 99, 2, 982},
        {{0, end, 11, 0, 0}, 0, 0, 0},
        {{START + 1000001, end, 0, 0, 0}, 0, 0, 0},
        {{START + 500000, START + 500000, 0, 0, 0}, 0, 0, 0},
    };
    static const int sizes[] = {1, 7, 100, 1000, 5000};

    open_place(place);
    add_more(place, 1000);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        for (size_t n = 0; n < ARRAY_SIZE(sizes); n++) {
            struct rows rows = read_rows(place, table[i].query, sizes[n]);

            assert_int_equal(rows.count, table[i].count);
            assert_int_equal(rows.first, table[i].first);
            assert_int_equal(rows.last, table[i].last);
            assert_true(rows.ordered || !rows.count);
        }
    }
}

static void pages_of_one_moment(void **state)
{
    struct place *place = *state;
    struct history_query query = {.since_us = START, .until_us = START + 1};
    struct rows rows;

    open_place(place);
    for (uint64_t id = 1; id <= 25; id++)
        add_at(place, id, START, 1);
    rows = read_rows(place, query, 10);
    assert_int_equal(rows.count, 25);
    assert_int_equal(rows.last, 25);
}

static void what_comes_meanwhile_is_given(void **state)
{
    struct place *place = *state;
    struct history_query query = {.until_us = INT64_MAX};
    struct rows rows = {0};

    open_place(place);
    add_more(place, 20);
    assert_int_equal(history_query(place->history, &query, 15, take_row, &rows, NULL), 15);
    assert_int_equal(history_expire(place->history, START + 86400000000 * 40, NULL), 0);
    add_more(place, 3);
    assert_int_equal(history_query(place->history, &query, 15, take_row, &rows, NULL), 3);
    assert_int_equal(rows.first, 1);
    assert_int_equal(rows.last, 23);
    assert_true(strstr(rows.json, "{\"id\":23,") == rows.json);
}

/* However slow the disk is: what cannot be written in time waits, and is dropped in the end. */
static void a_burst_is_stored_or_counted(void **state)
{
    struct place *place = *state;
    struct history_report report;

    open_place(place);
    for (uint64_t id = 1; id <= 100000; id++)
        add_at(place, id, START + (int64_t)id, 1);
    report = report_of(place);
    assert_true(report.pending <= HISTORY_PENDING_MAX);
    assert_true(report.dropped > 0);
    assert_true(report.stored > HISTORY_BATCH);
    assert_int_equal(report.stored + report.pending + report.dropped, 100000);
    assert_string_equal(report.trouble.text, "");
    assert_int_equal(read_all(place).count, report.stored + report.pending);
    assert_int_equal(report_of(place).pending, 0);
}

static void too_much_is_dropped_and_counted(void **state)
{
    struct place *place = *state;
    struct event event = {.id = 1, .time_us = START};
    char *json = malloc(HISTORY_JSON_MAX + 1);

    open_place(place);
    memset(json, 'x', HISTORY_JSON_MAX);
    json[HISTORY_JSON_MAX] = 0;
    history_add(place->history, &event, json);
    assert_int_equal(report_of(place).dropped, 1);
    json[HISTORY_JSON_MAX - 1] = 0;
    history_add(place->history, &event, json);
    assert_int_equal(report_of(place).dropped, 1);
    assert_int_equal(read_all(place).count, 1);
    free(json);
}

/* A mount of our own; false when we may not. */
static bool mount_small(const struct place *place, const char *options)
{
    static bool separate;

    if (!separate &&
        (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))) {
        print_message("not root: without a full disk and a read-only folder\n");
        return false;
    }
    separate = true;
    return mount("clrmon-test", place->folder, "tmpfs", 0, options) == 0;
}

static void fill(const struct place *place)
{
    static const char zeros[4096];
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/filler", place->folder);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    while (write(fd, zeros, sizeof(zeros)) > 0)
        ;
    close(fd);
}

static void make_room(const struct place *place)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/filler", place->folder);
    assert_int_equal(unlink(path), 0);
}

static void a_full_disk(void **state)
{
    struct place *place = *state;
    struct history_report report;
    uint64_t stored;

    if (!mount_small(place, "size=8m"))
        return;
    open_place(place);
    add_more(place, 600);
    flush_all(place);
    fill(place);
    add_more(place, 20000);
    assert_int_equal(history_flush(place->history, &place->why), -ENOSPC);
    assert_non_null(strstr(place->why.text, "full"));
    report = report_of(place);
    stored = report.stored;
    assert_string_equal(report.trouble.text, place->why.text);
    assert_int_equal(report.pending, HISTORY_PENDING_MAX);
    assert_int_equal(report.stored + report.pending + report.dropped, 20600);
    assert_true(stored >= 600 && report.dropped > 0);
    assert_int_equal(read_all(place).count, stored); /* goes on serving */
    assert_true(history_expire(place->history, START, &place->why) <= 0);

    make_room(place);
    flush_all(place);
    report = report_of(place);
    assert_string_equal(report.trouble.text, "");
    assert_int_equal(report.pending, 0);
    assert_int_equal(report.stored, stored + HISTORY_PENDING_MAX);
    assert_int_equal(read_all(place).count, report.stored);
    add_more(place, 1);
    assert_int_equal(read_all(place).last, 20601);
    assert_int_equal(count_broken(place), 0);
    history_close(&place->history);
    assert_answer(place->file, "PRAGMA integrity_check", "ok");
}

static void a_disk_that_is_full_from_the_start(void **state)
{
    struct place *place = *state;
    uint64_t id;
    int64_t until;

    if (!mount_small(place, "size=512k"))
        return;
    fill(place);
    open_place(place);
    assert_string_not_equal(place->why.text, "");
    assert_int_equal(history_last(place->history, &id, &until), -ENOENT);
    add_more(place, 5);
    assert_true(history_flush(place->history, NULL) < 0);
    make_room(place);
    assert_int_equal(read_all(place).count, 0); /* it does not try while it fails */
    flush_all(place);
    assert_int_equal(read_all(place).count, 5);
    assert_string_equal(report_of(place).trouble.text, "");
    assert_int_equal(count_broken(place), 0);
}

static void a_read_only_folder(void **state)
{
    struct place *place = *state;

    if (!mount_small(place, "size=1m"))
        return;
    assert_int_equal(mount("", place->folder, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    open_place(place);
    assert_non_null(strstr(place->why.text, "Read-only"));
    add_more(place, 3);
    assert_int_equal(history_flush(place->history, &place->why), -EROFS);
    assert_int_equal(mount("", place->folder, NULL, MS_REMOUNT, NULL), 0);
    flush_all(place);
    assert_int_equal(read_all(place).count, 3);
}

static void no_folder(void **state)
{
    struct place *place = *state, inner = {0};
    char outer[sizeof(inner.folder) + 16];

    snprintf(outer, sizeof(outer), "%s/a", place->folder);
    snprintf(inner.folder, sizeof(inner.folder), "%.50s/a/b", place->folder);
    open_place(&inner);
    assert_non_null(strstr(inner.why.text, "No such file"));
    add_more(&inner, 1);
    assert_int_equal(history_flush(inner.history, NULL), -ENOENT);
    assert_int_equal(mkdir(outer, 0755), 0);
    flush_all(&inner);
    assert_int_equal(read_all(&inner).count, 1);
    history_close(&inner.history);
    snprintf(outer, sizeof(outer), "%s/history.db", inner.folder);
    assert_int_equal(unlink(outer), 0);
    assert_int_equal(rmdir(inner.folder), 0);
}

static void too_long_a_folder(void **state)
{
    struct history *history = NULL;
    struct reason why = {""};
    char folder[PATH_MAX];

    memset(folder, 'a', sizeof(folder));
    folder[0] = '/';
    folder[PATH_MAX - 1] = 0;
    assert_int_equal(history_open(&history, folder, MONTH, MIB, &why), -ENAMETOOLONG);
    assert_null(history);
    assert_non_null(strstr(why.text, "too long"));
}

static void write_over(const char *path, off_t from, const char *with, size_t times)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0640);

    assert_true(fd >= 0);
    assert_int_equal(lseek(fd, from, SEEK_SET), from);
    for (size_t i = 0; i < times; i++)
        assert_int_equal(write(fd, with, strlen(with)), strlen(with));
    close(fd);
}

static void spoil_with_text(const struct place *place)
{
    unlink(place->file);
    write_over(place->file, 0, "This is no database, it only has its name.\n", 500);
}

static void spoil_with_foreign_tables(const struct place *place)
{
    sqlite3 *db;

    unlink(place->file);
    db = connect_to(place->file);
    say(db, "CREATE TABLE events(x)", NULL, 0);
    sqlite3_close(db);
}

static void spoil_version(const struct place *place)
{
    sqlite3 *db;

    spoil_with_foreign_tables(place);
    db = connect_to(place->file);
    say(db, "PRAGMA user_version = 1", NULL, 0);
    sqlite3_close(db);
}

static void spoil_owner(const struct place *place)
{
    sqlite3 *db = connect_to(place->file);

    say(db, "PRAGMA application_id = 7", NULL, 0);
    sqlite3_close(db);
}

static void spoil_tables(const struct place *place)
{
    sqlite3 *db = connect_to(place->file);

    say(db, "DROP TABLE events", NULL, 0);
    sqlite3_close(db);
}

static void spoil_progress(const struct place *place)
{
    sqlite3 *db = connect_to(place->file);

    say(db, "DELETE FROM progress", NULL, 0);
    sqlite3_close(db);
}

static void spoil_by_cutting(const struct place *place)
{
    assert_int_equal(truncate(place->file, 8192), 0);
}

static void spoil_pages(const struct place *place)
{
    write_over(place->file, 4096, "!", 200000);
}

static void a_damaged_file(void **state)
{
    static void (*const spoils[])(const struct place *place) = {
        spoil_with_text, spoil_with_foreign_tables, spoil_version, spoil_owner, spoil_tables,
        spoil_progress,  spoil_by_cutting,          spoil_pages,
    };

    for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
        struct place *place;
        struct rows rows;

        assert_int_equal(make_place((void **)&place), 0);
        open_place(place);
        add_more(place, 1000);
        history_close(&place->history);
        spoils[i](place);
        open_place(place);
        add_at(place, 5000, START + 5000000, 1);
        if (history_flush(place->history, &place->why) < 0) /* seen when it was written to */
            flush_all(place);
        rows = read_all(place);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.last, 5000);
        assert_int_equal(count_broken(place), 1);
        assert_non_null(strstr(report_of(place).trouble.text, "moved to history.db.broken-"));
        assert_int_equal(report_of(place).dropped, 0);
        assert_int_equal(drop_place((void **)&place), 0);
    }
}

static void damage_that_a_reader_finds(void **state)
{
    struct place *place = *state;
    struct history_query query = {.until_us = INT64_MAX};
    struct rows rows = {0};

    open_place(place);
    add_more(place, 1000);
    history_close(&place->history);
    open_place(place);
    spoil_pages(place);
    assert_int_equal(history_query(place->history, &query, 1000, take_row, &rows, &place->why),
                     -EBADMSG);
    assert_string_not_equal(place->why.text, "");
    assert_int_equal(count_broken(place), 1);
    assert_int_equal(read_all(place).count, 0);
    add_more(place, 1);
    assert_int_equal(read_all(place).count, 1);
}

static void only_the_newest_broken_files_are_kept(void **state)
{
    struct place *place = *state;
    char path[128];

    for (int i = 1; i <= 4; i++) {
        snprintf(path, sizeof(path), "%s.broken-2020010%cT000000Z", place->file, '0' + i);
        write_over(path, 0, "x", 1);
        strcat(path, "-wal");
        write_over(path, 0, "x", 1);
    }
    spoil_with_text(place);
    open_place(place);
    assert_int_equal(count_broken(place), HISTORY_BROKEN_KEPT);
    snprintf(path, sizeof(path), "%s.broken-20200104T000000Z", place->file);
    assert_int_equal(access(path, F_OK), 0);
    snprintf(path, sizeof(path), "%s.broken-20200103T000000Z-wal", place->file);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_file_of_a_newer_version(void **state)
{
    struct place *place = *state;
    char before[100], after[100];
    struct stat first, second;
    sqlite3 *db;
    int fd;

    open_place(place);
    add_more(place, 10);
    history_close(&place->history);
    db = connect_to(place->file);
    say(db, "PRAGMA user_version = 2", NULL, 0);
    sqlite3_close(db);
    fd = open(place->file, O_RDONLY);
    assert_int_equal(pread(fd, before, sizeof(before), 0), sizeof(before));
    assert_int_equal(fstat(fd, &first), 0);
    open_place(place);
    assert_non_null(strstr(place->why.text, "newer version"));
    add_more(place, 1000);
    assert_int_equal(history_flush(place->history, NULL), -ENOTSUP);
    history_close(&place->history);
    assert_int_equal(pread(fd, after, sizeof(after), 0), sizeof(after));
    assert_memory_equal(before, after, sizeof(before));
    assert_int_equal(stat(place->file, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);
    assert_int_equal(first.st_mtim.tv_nsec, second.st_mtim.tv_nsec);
    assert_int_equal(first.st_mtim.tv_sec, second.st_mtim.tv_sec);
    assert_int_equal(count_broken(place), 0);
    close(fd);
}

static void what_is_no_file(void **state)
{
    struct place *place = *state;
    char target[128];

    snprintf(target, sizeof(target), "%s/target", place->folder);
    assert_int_equal(symlink(target, place->file), 0);
    write_over(target, 0, "precious", 1);
    open_place(place);
    assert_string_not_equal(place->why.text, "");
    add_more(place, 1);
    assert_int_equal(history_flush(place->history, NULL), -ELOOP);
    assert_int_equal(unlink(place->file), 0);
    assert_int_equal(mkfifo(place->file, 0600), 0);
    assert_int_equal(history_flush(place->history, NULL), -EINVAL);
    assert_int_equal(unlink(place->file), 0);
    flush_all(place);
    assert_int_equal(read_all(place).count, 1);
    assert_int_equal(count_broken(place), 0);
}

static void a_file_that_is_removed_is_made_again(void **state)
{
    struct place *place = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    open_place(place);
    add_more(place, 10);
    flush_all(place);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char path[128];

        snprintf(path, sizeof(path), "%s%s", place->file, suffixes[i]);
        unlink(path);
    }
    add_more(place, 5);
    flush_all(place);
    assert_int_equal(read_all(place).count, 5);
    assert_answer(place->file, "SELECT count(*) FROM events", "5");
}

static void somebody_holds_the_file(void **state)
{
    struct place *place = *state;
    sqlite3 *other;

    open_place(place);
    other = connect_to(place->file);
    say(other, "BEGIN IMMEDIATE", NULL, 0);
    add_more(place, 10);
    assert_int_equal(history_flush(place->history, &place->why), -EBUSY);
    assert_int_equal(report_of(place).pending, 10);
    assert_int_equal(read_all(place).count, 0);
    say(other, "COMMIT", NULL, 0);
    flush_all(place);
    assert_int_equal(read_all(place).count, 10);
    sqlite3_close(other);
}

static void somebody_has_written_too(void **state)
{
    struct place *place = *state;
    sqlite3 *other;

    open_place(place);
    add_more(place, 10);
    flush_all(place);
    other = connect_to(place->file);
    say(other, "INSERT INTO events VALUES(11, 1, 'gap', 0, '', NULL, '{}')", NULL, 0);
    sqlite3_close(other);
    add_more(place, 1);
    assert_int_equal(history_flush(place->history, &place->why), -EIO);
    flush_all(place);
    assert_int_equal(read_all(place).count, 12);
    assert_int_equal(read_all(place).last, 12);
}

static void somebody_reads_without_end(void **state)
{
    struct place *place = *state;
    struct history_report report;
    sqlite3 *other;

    open_with(place, MONTH, 4 * MIB);
    add_more(place, 512);
    other = connect_to(place->file);
    say(other, "BEGIN", NULL, 0);
    say(other, "SELECT * FROM events", NULL, 0);
    add_more(place, 20000);
    assert_int_equal(history_flush(place->history, &place->why), -EBUSY);
    assert_non_null(strstr(place->why.text, "log can't be written back"));
    report = report_of(place);
    assert_true(report.bytes < 5 * MIB);
    assert_int_equal(report.stored + report.pending + report.dropped, 20512);
    say(other, "COMMIT", NULL, 0);
    flush_all(place);
    assert_string_equal(report_of(place).trouble.text, "");
    assert_true(report_of(place).bytes <= 4 * MIB);
    sqlite3_close(other);
}

static void bounded_by_size(void **state)
{
    struct place *place = *state;
    uint64_t large, most = 0;
    struct rows rows;
    int r;

    open_with(place, MONTH, 4 * MIB);
    for (int i = 0; i < 1000; i++) {
        uint64_t bytes;

        add_more(place, 100);
        bytes = report_of(place).bytes;
        most = bytes > most ? bytes : most;
    }
    flush_all(place);
    assert_true(most <= 4 * MIB);
    rows = read_all(place);
    assert_int_equal(rows.last, 100000);
    assert_int_equal(rows.count, rows.last - rows.first + 1);
    assert_true(rows.count > 3000);
    assert_int_equal(report_of(place).stored, 100000);
    history_close(&place->history);

    open_with(place, MONTH, 64 * MIB);
    add_more(place, 50000);
    history_close(&place->history);
    open_with(place, MONTH, 4 * MIB);
    large = report_of(place).bytes;
    assert_true(large > 16 * MIB);
    while ((r = history_expire(place->history, START, &place->why)) > 0)
        ;
    assert_int_equal(r, 0);
    history_close(&place->history);
    open_with(place, MONTH, 4 * MIB);
    assert_true(report_of(place).bytes <= 4 * MIB);
    assert_int_equal(read_all(place).last, 150000);
    history_close(&place->history);
    assert_answer(place->file, "PRAGMA integrity_check", "ok");
}

static void bounded_by_age(void **state)
{
    struct place *place = *state;
    uint64_t before;
    int slices = 0;

    open_with(place, 60, 256 * MIB);
    add_more(place, 100000); /* of 100 seconds */
    flush_all(place);
    before = report_of(place).bytes;
    while (history_expire(place->history, START + 110000000, &place->why) > 0)
        slices++;
    assert_true(slices >= 49999 / HISTORY_SLICE);
    assert_int_equal(read_all(place).first, 50000);
    assert_int_equal(read_all(place).count, 50001);
    history_close(&place->history);
    open_with(place, 60, 256 * MIB);
    assert_true(report_of(place).bytes < before * 7 / 10);
    while (history_expire(place->history, START + 500000000, &place->why) > 0)
        ;
    history_close(&place->history);
    open_with(place, 60, 256 * MIB);
    assert_true(report_of(place).bytes < 512 << 10);
}

/* Says after each flush how many are safe. */
static void write_until_killed(struct place *place, int report)
{
    open_place(place);
    for (;;) {
        uint64_t safe;

        add_more(place, 37);
        flush_all(place);
        safe = place->added;
        if (write(report, &safe, sizeof(safe)) != sizeof(safe))
            _exit(1);
    }
}

static void killed_at_any_time(void **state)
{
    struct place *place = *state;
    unsigned seed = 4;
    uint64_t last = 0;

    for (int round = 0; round < 15; round++) {
        uint64_t safe = last, id = last;
        int64_t until;
        int ends[2], status;
        pid_t child;

        assert_int_equal(pipe(ends), 0);
        child = fork();
        if (child == 0) {
            close(ends[0]);
            place->added = last;
            write_until_killed(place, ends[1]);
        }
        close(ends[1]);
        for (int i = 0; i < round * 3; i++)
            assert_int_equal(read(ends[0], &safe, sizeof(safe)), sizeof(safe));
        usleep((useconds_t)(rand_r(&seed) % 20000));
        kill(child, SIGKILL);
        while (read(ends[0], &id, sizeof(id)) == sizeof(id))
            safe = id;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        close(ends[0]);

        open_place(place);
        assert_string_equal(place->why.text, "");
        id = 0;
        assert_int_equal(history_last(place->history, &id, &until), safe ? 0 : -ENOENT);
        assert_true(id >= safe);
        assert_int_equal(read_all(place).count, id);
        assert_int_equal(read_all(place).last, id);
        history_close(&place->history);
        last = id;
        assert_answer(place->file, "PRAGMA integrity_check", "ok");
    }
    assert_int_equal(count_broken(place), 0);
    assert_true(last > 15 * 37);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_place, drop_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stores_and_gives_back),
        TEST(goes_on_after_a_restart),
        TEST(ids_go_on_when_all_has_expired),
        TEST(an_id_that_is_taken_becomes_the_next),
        TEST(late_events_keep_their_order),
        TEST(pages),
        TEST(pages_of_one_moment),
        TEST(what_comes_meanwhile_is_given),
        TEST(a_burst_is_stored_or_counted),
        TEST(too_much_is_dropped_and_counted),
        TEST(a_full_disk),
        TEST(a_disk_that_is_full_from_the_start),
        TEST(a_read_only_folder),
        TEST(no_folder),
        TEST(too_long_a_folder),
        TEST(a_damaged_file),
        TEST(damage_that_a_reader_finds),
        TEST(only_the_newest_broken_files_are_kept),
        TEST(a_file_of_a_newer_version),
        TEST(what_is_no_file),
        TEST(a_file_that_is_removed_is_made_again),
        TEST(somebody_holds_the_file),
        TEST(somebody_has_written_too),
        TEST(somebody_reads_without_end),
        TEST(bounded_by_size),
        TEST(bounded_by_age),
        TEST(killed_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
