/* SPDX-License-Identifier: Apache-2.0 */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#include "columns.h"
#include "moment.h"

#define CELL_MAX    24
#define COLUMNS_MIN 20

#define HOME      "\033[H"
#define PLAIN     "\033[0m"
#define REVERSE   "\033[7m"
#define BOLD_RED  "\033[1;31m"
#define YELLOW    "\033[33m"
#define CLEAR     "\033[K" /* before the text: after a full line the last column would go */
#define TO_BOTTOM "\r\n\033[J"

struct canvas {
    FILE *out;
    unsigned columns;
    unsigned lines; /* 0: no terminal */
    unsigned used;
};

static int compare(const void *left, const void *right)
{
    const struct screen_row *a = left, *b = right;

    if (a->verdict != b->verdict)
        return a->verdict > b->verdict ? -1 : 1;
    if (a->level != b->level)
        return a->level > b->level ? -1 : 1;
    if (a->verbose_seconds != b->verbose_seconds)
        return a->verbose_seconds > b->verbose_seconds ? -1 : 1;
    if (a->wait_ms != b->wait_ms)
        return a->wait_ms > b->wait_ms ? -1 : 1;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

void screen_sort(struct screen *screen)
{
    if (screen->count)
        qsort(screen->rows, screen->count, sizeof(*screen->rows), compare);
}

static void put_line(struct canvas *canvas, const char *text, const char *style)
{
    size_t characters, bytes = columns_cut(text, canvas->columns, &characters);

    if (!canvas->lines) {
        while (bytes && text[bytes - 1] == ' ')
            bytes--;
        fprintf(canvas->out, "%.*s\n", (int)bytes, text);
        return;
    }
    if (canvas->used == canvas->lines)
        return;
    fprintf(canvas->out, "%s%s%s%.*s%s", canvas->used ? "\r\n" : "", CLEAR, style, (int)bytes, text,
            *style ? PLAIN : "");
    canvas->used++;
}

static void put_summary(struct canvas *canvas, const struct screen *screen)
{
    size_t counts[VERDICT_MAX] = {0}, used;
    char line[COLUMNS_LINE];

    for (size_t i = 0; i < screen->count; i++)
        counts[screen->rows[i].verdict]++;
    used = (size_t)snprintf(line, sizeof(line), "clrmon top: %zu .NET process%s", screen->count,
                            screen->count == 1 ? "" : "es");
    for (enum verdict verdict = VERDICT_MAX; verdict-- > VERDICT_UNKNOWN;)
        if (counts[verdict])
            used += (size_t)snprintf(line + used, sizeof(line) - used, ", %zu %s", counts[verdict],
                                     verdict_name(verdict));
    if (canvas->lines)
        snprintf(line + used, sizeof(line) - used, "; every %u s, q quits", screen->interval_s);
    put_line(canvas, line, "");
    if (canvas->lines || screen->trouble.text[0])
        put_line(canvas, screen->trouble.text, YELLOW);
}

/* The cells of a row that are not there as they are shown. */
struct cells {
    char pid[CELL_MAX], level[CELL_MAX], sessions[CELL_MAX], lasting[DURATION_TEXT_MAX];
    char waits[COLUMNS_RATE], wait_ms[COLUMNS_RATE], p99[CELL_MAX + DURATION_TEXT_MAX],
        waiters[CELL_MAX];
};

/* The level's short name: a column is 10 wide. */
static void format_level(const struct screen_row *row, char text[static CELL_MAX])
{
    static const char *const names[] = {"Always",  "Critical", "Error",
                                        "Warning", "Info",     "Verbose"};

    if (!row->gc_known)
        snprintf(text, CELL_MAX, "-");
    else if (row->level == 0)
        snprintf(text, CELL_MAX, "None(0)");
    else
        snprintf(text, CELL_MAX, "%.7s(%u)",
                 row->level < ARRAY_SIZE(names) ? names[row->level] : "Level", row->level);
}

static void format_waits(const struct screen_row *row, struct cells *cells)
{
    if (!row->waits_known)
        return;
    columns_rate(row->waits, cells->waits);
    columns_rate(row->wait_ms, cells->wait_ms);
    snprintf(cells->waiters, CELL_MAX, "%u", row->waiters);
    if (row->p99_ns)
        bound_format(row->p99_ns, cells->p99);
}

static void format_cells(const struct screen_row *row, struct cells *cells)
{
    *cells = (struct cells){"", "", "-", "-", "-", "-", "-", "-"};
    snprintf(cells->pid, CELL_MAX, "%d", (int)row->pid);
    format_level(row, cells->level);
    if (row->sessions >= 0)
        snprintf(cells->sessions, CELL_MAX, "%d", row->sessions);
    if (row->verbose_seconds)
        duration_format(row->verbose_seconds, cells->lasting);
    format_waits(row, cells);
}

enum which {
    PID,
    NAME,
    VERSION,
    LEVEL,
    KEYWORDS,
    SESSIONS,
    VERBOSE_FOR,
    WAITS,
    WAIT_MS,
    P99,
    WAITERS,
    LOCK,
    OWNER,
    VERDICT,
    WHICH_MAX,
};

static const struct column columns_table[WHICH_MAX] = {
    [PID] = {"PID", .width = 7},
    [NAME] = {"NAME", .width = 12, .least = 4, .most = 40},
    [VERSION] = {"VERSION", .width = 8, .rank = 7},
    [LEVEL] = {"LEVEL", .width = 10, .rank = 1},
    [KEYWORDS] = {"KEYWORDS", .width = 10, .rank = 8},
    [SESSIONS] = {"SESSIONS", .width = 8, .rank = 5},
    [VERBOSE_FOR] = {"VERBOSE-FOR", .width = 11, .rank = 4},
    [WAITS] = {"WAITS/s", .width = 7, .rank = 2},
    [WAIT_MS] = {"MS/s", .width = 6, .rank = 3},
    [P99] = {"P99", .width = 6, .rank = 9},
    [WAITERS] = {"WAITERS", .width = 7, .rank = 6},
    [LOCK] = {"WORST LOCK", .width = 14, .rank = 10, .most = 40},
    [OWNER] = {"OWNER", .width = 16, .rank = 11, .most = 32},
    [VERDICT] = {"VERDICT", .width = 7},
};

/* Without those of locks, where they are not watched. */
static void fit(const struct canvas *canvas, const struct screen *screen, unsigned *widths)
{
    struct column columns[WHICH_MAX];

    memcpy(columns, columns_table, sizeof(columns));
    for (enum which i = WAITS; i <= OWNER && !screen->has_waits; i++)
        columns[i] = (struct column){"", .rank = 1};
    columns_fit(columns, WHICH_MAX, canvas->columns, widths);
}

static void put_head(struct canvas *canvas, const unsigned *widths)
{
    char line[COLUMNS_LINE];

    columns_format(columns_table, widths, WHICH_MAX, NULL, line);
    put_line(canvas, line, REVERSE);
}

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

static void put_row(struct canvas *canvas, const unsigned *widths, const struct screen_row *row)
{
    static const char *const styles[VERDICT_MAX] = {
        [VERDICT_OFF] = "",         [VERDICT_INFORMATIONAL] = "", [VERDICT_UNKNOWN] = "",
        [VERDICT_VERBOSE] = YELLOW, [VERDICT_LEAKED] = BOLD_RED,
    };
    char line[COLUMNS_LINE];
    struct cells cells;

    format_cells(row, &cells);
    columns_format(
        columns_table, widths, WHICH_MAX,
        (const char *const[]){
            [PID] = cells.pid,
            [NAME] = or_dash(row->name),
            [VERSION] = or_dash(row->version),
            [LEVEL] = cells.level,
            [KEYWORDS] = row->gc_known ? row->keywords : "-",
            [SESSIONS] = cells.sessions,
            [VERBOSE_FOR] = cells.lasting,
            [WAITS] = cells.waits,
            [WAIT_MS] = cells.wait_ms,
            [P99] = cells.p99,
            [WAITERS] = cells.waiters,
            [LOCK] = or_dash(row->lock),
            [OWNER] = or_dash(row->owner),
            [VERDICT] = row->verdict == VERDICT_INFORMATIONAL ? "info" : verdict_name(row->verdict),
        },
        line);
    put_line(canvas, line, styles[row->verdict]);
}

static void put_rows(struct canvas *canvas, const unsigned *widths, const struct screen *screen)
{
    size_t shown = screen->count;
    char line[64];

    if (canvas->lines && shown > canvas->lines - canvas->used)
        shown = canvas->lines > canvas->used ? canvas->lines - canvas->used - 1 : 0;
    for (size_t i = 0; i < shown; i++)
        put_row(canvas, widths, &screen->rows[i]);
    if (shown < screen->count) {
        snprintf(line, sizeof(line), "... and %zu more", screen->count - shown);
        put_line(canvas, line, "");
    }
}

char *screen_render(const struct screen *screen, unsigned columns, unsigned lines)
{
    unsigned widths[WHICH_MAX];
    char *text = NULL;
    size_t size = 0;
    _fclose_ FILE *out = open_memstream(&text, &size);
    struct canvas canvas = {
        .out = out, .columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns, .lines = lines};

    if (!out)
        return NULL;
    if (canvas.columns > COLUMNS_WIDEST)
        canvas.columns = COLUMNS_WIDEST;
    if (lines)
        fputs(HOME, out);
    put_summary(&canvas, screen);
    fit(&canvas, screen, widths);
    put_head(&canvas, widths);
    put_rows(&canvas, widths, screen);
    if (canvas.used < lines)
        fputs(TO_BOTTOM, out);
    if (fclose(TAKE_PTR(out)) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
