/* SPDX-License-Identifier: Apache-2.0 */
#include "history_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "history.h"
#include "util/text.h"

#define FILE_NAME      "history.db"
#define BROKEN_PREFIX  FILE_NAME ".broken-"
#define SUFFIX_MAX     32 /* of the files beside it */
#define SCHEMA_VERSION 1
#define APPLICATION_ID 0x636c726d /* "clrm" */
#define BUSY_MS        20

/* Of SQLite's file format: where a file begins. */
#define HEADER_SIZE    100
#define HEADER_MAGIC   "SQLite format 3"
#define HEADER_VERSION 60

static const char create_sql[] =
    "PRAGMA page_size = 4096;"
    "PRAGMA auto_vacuum = INCREMENTAL;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE events(id INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, kind TEXT NOT NULL,"
    "                    pid INTEGER NOT NULL, name TEXT NOT NULL, cause TEXT, json TEXT NOT NULL);"
    "CREATE INDEX events_time ON events(time_us);"
    "CREATE INDEX events_pid_time ON events(pid, time_us);"
    "CREATE TABLE progress(last_id INTEGER NOT NULL, watched_us INTEGER NOT NULL);"
    "INSERT INTO progress VALUES(0, 0);"
    "PRAGMA application_id = 0x636c726d;"
    "PRAGMA user_version = 1;"
    "COMMIT";

static const char settings_sql[] = "PRAGMA journal_mode = WAL;"
                                   "PRAGMA synchronous = NORMAL;"
                                   "PRAGMA journal_size_limit = 4194304;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA cache_size = -2048";

static const char identity_sql[] =
    "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
    " FROM pragma_application_id, pragma_user_version";

#define SELECT_EVENTS "SELECT id, time_us, json FROM events WHERE "
#define SELECT_PAGE   "(time_us, id) > (?1, ?2) AND time_us < ?3 ORDER BY time_us, id LIMIT ?4"

static const char *const statements_sql[HISTORY_STATEMENT_MAX] = {
    [INSERT_EVENT] = "INSERT INTO events VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [READ_PROGRESS] = "SELECT max(last_id, (SELECT ifnull(max(id), 0) FROM events)), watched_us"
                      " FROM progress",
    [WRITE_PROGRESS] = "UPDATE progress SET last_id = ?1, watched_us = ?2",
    [COUNT_PAGES] = "PRAGMA page_count",
    [COUNT_FREE] = "PRAGMA freelist_count",
    [DELETE_OLDEST] = "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ?1)",
    [DELETE_BEFORE] = "DELETE FROM events WHERE id IN"
                      " (SELECT id FROM events WHERE time_us < ?2 ORDER BY time_us LIMIT ?1)",
    [GIVE_BACK] = "PRAGMA incremental_vacuum(256)",
    [SELECT_ALL] = SELECT_EVENTS SELECT_PAGE,
    [SELECT_PID] = SELECT_EVENTS "pid = ?5 AND " SELECT_PAGE,
};

static void path_with(const struct history_file *file, const char *suffix,
                      char path[static PATH_MAX])
{
    snprintf(path, PATH_MAX, "%.*s%s", PATH_MAX - SUFFIX_MAX, file->path, suffix);
}

static uint64_t file_size(const struct history_file *file, const char *suffix)
{
    char path[PATH_MAX];
    struct stat status;

    path_with(file, suffix, path);
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static int error_of(int code)
{
    static const struct {
        int code;
        int error;
    } table[] = {
        {SQLITE_FULL, -ENOSPC},  {SQLITE_CORRUPT, -EBADMSG}, {SQLITE_NOTADB, -EBADMSG},
        {SQLITE_BUSY, -EBUSY},   {SQLITE_LOCKED, -EBUSY},    {SQLITE_READONLY, -EROFS},
        {SQLITE_NOMEM, -ENOMEM}, {SQLITE_PERM, -EACCES},     {SQLITE_CANTOPEN, -EACCES},
        {SQLITE_TOOBIG, -EFBIG},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].code == (code & 0xff))
            return table[i].error;
    }
    return -EIO;
}

int history_file_failure(struct history_file *file)
{
    return reason_set(&file->trouble, error_of(sqlite3_errcode(file->db)), "%.100s: %.80s",
                      file->path, sqlite3_errmsg(file->db));
}

static int system_failure(struct history_file *file, int error)
{
    return reason_set(&file->trouble, error, "%.100s: %.80s", file->path, strerror(-error));
}

static int execute(struct history_file *file, const char *sql)
{
    return sqlite3_exec(file->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                      : history_file_failure(file);
}

int history_file_run(struct history_file *file, enum history_statement which, int64_t *number)
{
    sqlite3_stmt *statement = file->statements[which];
    int code, r = 0;

    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (number)
            *number = sqlite3_column_int64(statement, 0);
    }
    if (code != SQLITE_DONE)
        r = history_file_failure(file);
    sqlite3_reset(statement);
    return r;
}

int history_file_run_with(struct history_file *file, enum history_statement which, int64_t first,
                          int64_t second)
{
    sqlite3_stmt *statement = file->statements[which];

    sqlite3_bind_int64(statement, 1, first);
    if (sqlite3_bind_parameter_count(statement) > 1)
        sqlite3_bind_int64(statement, 2, second);
    return history_file_run(file, which, NULL);
}

int history_file_transact(struct history_file *file, history_work *work, void *context)
{
    int r = execute(file, "BEGIN IMMEDIATE");

    if (r < 0)
        return r;
    r = work(file, context);
    if (r == 0)
        r = execute(file, "COMMIT");
    if (r < 0)
        sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

void history_file_close(struct history_file *file)
{
    for (size_t i = 0; i < HISTORY_STATEMENT_MAX; i++) {
        sqlite3_finalize(file->statements[i]);
        file->statements[i] = NULL;
    }
    sqlite3_close(file->db);
    file->db = NULL;
}

/* SQLite is not to see a file that a newer version has left: it would write back its log. */
static int check_header(struct history_file *file, int fd)
{
    unsigned char header[HEADER_SIZE];
    const unsigned char *version = header + HEADER_VERSION;
    struct stat status;

    if (fstat(fd, &status) < 0)
        return system_failure(file, -errno);
    if (!S_ISREG(status.st_mode))
        return reason_set(&file->trouble, -EINVAL, "%.100s: is no file", file->path);
    file->device = status.st_dev;
    file->inode = status.st_ino;
    if (pread(fd, header, sizeof(header), 0) != sizeof(header) ||
        memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) != 0)
        return 0;
    if (version[0] || version[1] || version[2] || version[3] > SCHEMA_VERSION)
        return reason_set(&file->trouble, -ENOTSUP,
                          "%.100s: of a newer version; left alone, nothing is stored", file->path);
    return 0;
}

static int make_file(struct history_file *file)
{
    _close_ int fd = -1;

    if (mkdir(file->folder, 0750) < 0 && errno != EEXIST)
        return system_failure(file, -errno);
    fd = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd >= 0 && fchmod(fd, 0640) < 0)
        return system_failure(file, -errno);
    if (fd < 0 && errno == EEXIST)
        fd = open(file->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return system_failure(file, -errno);
    return check_header(file, fd);
}

static int check_identity(struct history_file *file)
{
    sqlite3_stmt *statement = NULL;
    int64_t id = 0, version = 0, objects = 0;
    int code = sqlite3_prepare_v2(file->db, identity_sql, -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        id = sqlite3_column_int64(statement, 0);
        version = sqlite3_column_int64(statement, 1);
        objects = sqlite3_column_int64(statement, 2);
    }
    sqlite3_finalize(statement);
    if (code != SQLITE_ROW)
        return history_file_failure(file);
    if (version == 0 && objects == 0)
        return execute(file, create_sql);
    if (id != APPLICATION_ID || version != SCHEMA_VERSION)
        return reason_set(&file->trouble, -EBADMSG, "%.100s: not a history", file->path);
    return 0;
}

static int prepare_statements(struct history_file *file)
{
    for (size_t i = 0; i < HISTORY_STATEMENT_MAX; i++) {
        if (sqlite3_prepare_v3(file->db, statements_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &file->statements[i], NULL) != SQLITE_OK) {
            bool lacks_tables = sqlite3_errcode(file->db) == SQLITE_ERROR;
            int r = history_file_failure(file);

            return lacks_tables ? -EBADMSG : r;
        }
    }
    return 0;
}

static int read_progress(struct history_file *file)
{
    sqlite3_stmt *statement = file->statements[READ_PROGRESS];
    int code = sqlite3_step(statement), r = 0;

    if (code == SQLITE_ROW)
        file->progress = (struct history_progress){(uint64_t)sqlite3_column_int64(statement, 0),
                                                   sqlite3_column_int64(statement, 1)};
    else if (code == SQLITE_DONE)
        r = reason_set(&file->trouble, -EBADMSG, "%.100s: not a history", file->path);
    else
        r = history_file_failure(file);
    sqlite3_reset(statement);
    return r;
}

static int open_database(struct history_file *file)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int r = make_file(file);

    if (r < 0)
        return r;
    if (sqlite3_open_v2(file->path, &file->db, flags, NULL) != SQLITE_OK)
        return file->db ? history_file_failure(file) : system_failure(file, -ENOMEM);
    sqlite3_extended_result_codes(file->db, 1);
    sqlite3_busy_timeout(file->db, BUSY_MS);
    sqlite3_wal_autocheckpoint(file->db, file->checkpoint_pages);
    r = check_identity(file);
    if (r == 0)
        r = execute(file, settings_sql);
    if (r == 0)
        r = prepare_statements(file);
    return r == 0 ? read_progress(file) : r;
}

static int is_broken_file(const struct dirent *entry)
{
    return text_starts_with(entry->d_name, BROKEN_PREFIX) && !text_ends_with(entry->d_name, "-wal");
}

/* Leaves room for one more. Their names sort by time. */
static void remove_broken_files(const struct history_file *file)
{
    struct dirent **entries = NULL;
    int count = scandir(file->folder, &entries, is_broken_file, alphasort);

    for (int i = 0; i < count; i++) {
        char path[PATH_MAX + sizeof(entries[i]->d_name) + SUFFIX_MAX];

        for (int log = 0; log < 2 && i <= count - HISTORY_BROKEN_KEPT; log++) {
            snprintf(path, sizeof(path), "%s/%s%s", file->folder, entries[i]->d_name,
                     log ? "-wal" : "");
            unlink(path);
        }
        free(entries[i]);
    }
    free(entries);
}

static int move_file(struct history_file *file, const char *suffix, const char *to)
{
    char from_path[PATH_MAX], to_path[PATH_MAX];

    path_with(file, suffix, from_path);
    path_with(file, to, to_path);
    return rename(from_path, to_path) == 0 ? 0 : system_failure(file, -errno);
}

/* The damaged file goes, its log first. */
int history_file_replace(struct history_file *file)
{
    char suffix[SUFFIX_MAX], log[SUFFIX_MAX + 8], path[PATH_MAX];
    struct reason damage = file->trouble;
    time_t now = time(NULL);
    struct tm date;
    int r;

    history_file_close(file);
    remove_broken_files(file);
    strftime(suffix, sizeof(suffix), ".broken-%Y%m%dT%H%M%SZ", gmtime_r(&now, &date));
    snprintf(log, sizeof(log), "%s-wal", suffix);
    if (file_size(file, "-wal"))
        (void)move_file(file, "-wal", log);
    r = move_file(file, "", suffix);
    if (r < 0)
        return r;
    path_with(file, "-shm", path);
    unlink(path);
    path_with(file, "-journal", path);
    unlink(path);
    r = open_database(file);
    if (r == 0)
        reason_set(&file->note, 0, "%.150s; moved to %s%s", damage.text, FILE_NAME, suffix);
    return r;
}

static bool same_file(const struct history_file *file)
{
    struct stat status;

    return stat(file->path, &status) == 0 && status.st_dev == file->device &&
           status.st_ino == file->inode;
}

int history_file_ready(struct history_file *file)
{
    int r;

    if (file->db && !same_file(file))
        history_file_close(file);
    if (file->db)
        return 0;
    r = open_database(file);
    if (r == -EBADMSG)
        r = history_file_replace(file);
    if (r < 0)
        history_file_close(file);
    return r;
}

int history_file_init(struct history_file *file, const char *folder, int checkpoint_pages)
{
    if (strlen(folder) + sizeof("/" FILE_NAME) > PATH_MAX - SUFFIX_MAX)
        return reason_set(&file->trouble, -ENAMETOOLONG, "%.100s...: too long a path", folder);
    memset(file, 0, sizeof(*file));
    file->checkpoint_pages = checkpoint_pages;
    text_copy(file->folder, sizeof(file->folder), folder);
    snprintf(file->path, sizeof(file->path), "%.*s/%s", PATH_MAX - SUFFIX_MAX, folder, FILE_NAME);
    return 0;
}

int history_file_checkpoint(struct history_file *file)
{
    if (sqlite3_wal_checkpoint_v2(file->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) ==
        SQLITE_OK)
        return 0;
    return reason_set(&file->trouble, error_of(sqlite3_errcode(file->db)),
                      "%.100s: its log can't be written back: %.60s", file->path,
                      sqlite3_errmsg(file->db));
}

uint64_t history_file_log_size(const struct history_file *file)
{
    return file_size(file, "-wal");
}

uint64_t history_file_size(const struct history_file *file)
{
    return file_size(file, "") + file_size(file, "-wal");
}
