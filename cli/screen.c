/* SPDX-License-Identifier: Apache-2.0 */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#include "moment.h"

#define LINE_MAX_BYTES 1024
#define LEVEL_MAX      24
#define COLUMNS_MIN    20
#define OTHERS_WIDTH   68 /* all columns but NAME, and the blanks between */
#define NAME_WIDTH_MIN 4
#define NAME_WIDTH_MAX 40

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
    return (a->pid > b->pid) - (a->pid < b->pid);
}

void screen_sort(struct screen *screen)
{
    if (screen->count)
        qsort(screen->rows, screen->count, sizeof(*screen->rows), compare);
}

/* Bytes of the first @width characters of @text, and how many those are. */
static size_t cut(const char *text, size_t width, size_t *characters)
{
    size_t bytes = 0;

    *characters = 0;
    while (text[bytes]) {
        bool begins = ((unsigned char)text[bytes] & 0xc0) != 0x80;

        if (begins && *characters == width)
            break;
        *characters += begins;
        bytes++;
    }
    return bytes;
}

/* @text in exactly @width columns. */
static void put_column(char *line, const char *text, size_t width)
{
    size_t characters, length = strlen(line), bytes = cut(text, width, &characters);

    snprintf(line + length, LINE_MAX_BYTES - length, "%.*s%*s", (int)bytes, text,
             (int)(width - characters), "");
}

static void put_line(struct canvas *canvas, const char *text, const char *style)
{
    size_t characters, bytes = cut(text, canvas->columns, &characters);

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
    char line[LINE_MAX_BYTES];

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

/* The level's short name: a column is 10 wide. */
static void format_level(const struct screen_row *row, char text[static LEVEL_MAX])
{
    static const char *const names[] = {"Always",  "Critical", "Error",
                                        "Warning", "Info",     "Verbose"};

    if (!row->gc_known)
        snprintf(text, LEVEL_MAX, "-");
    else if (row->level == 0)
        snprintf(text, LEVEL_MAX, "None(0)");
    else
        snprintf(text, LEVEL_MAX, "%.7s(%u)",
                 row->level < ARRAY_SIZE(names) ? names[row->level] : "Level", row->level);
}

static void put_columns(char line[static LINE_MAX_BYTES], unsigned columns,
                        const char *const *texts)
{
    unsigned name =
        columns > OTHERS_WIDTH + NAME_WIDTH_MIN ? columns - OTHERS_WIDTH : NAME_WIDTH_MIN;
    const unsigned widths[] = {8, 0, 9, 11, 11, 9, 12, 8};

    line[0] = 0;
    if (name > NAME_WIDTH_MAX)
        name = NAME_WIDTH_MAX;
    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
        unsigned width = widths[i] ? widths[i] : name + 1;

        put_column(line, texts[i], width - 1);
        if (i + 1 < ARRAY_SIZE(widths))
            put_column(line, "", 1);
    }
}

static void put_head(struct canvas *canvas)
{
    static const char *const heads[] = {"PID",      "NAME",     "VERSION",     "LEVEL",
                                        "KEYWORDS", "SESSIONS", "VERBOSE-FOR", "VERDICT"};
    char line[LINE_MAX_BYTES];

    put_columns(line, canvas->columns, heads);
    put_line(canvas, line, REVERSE);
}

static void put_row(struct canvas *canvas, const struct screen_row *row)
{
    static const char *const styles[VERDICT_MAX] = {
        [VERDICT_OFF] = "",         [VERDICT_INFORMATIONAL] = "", [VERDICT_UNKNOWN] = "",
        [VERDICT_VERBOSE] = YELLOW, [VERDICT_LEAKED] = BOLD_RED,
    };
    char pid[16], level[LEVEL_MAX], sessions[16] = "-", lasting[DURATION_TEXT_MAX] = "-";
    char line[LINE_MAX_BYTES];

    snprintf(pid, sizeof(pid), "%d", (int)row->pid);
    format_level(row, level);
    if (row->sessions >= 0)
        snprintf(sessions, sizeof(sessions), "%d", row->sessions);
    if (row->verbose_seconds)
        duration_format(row->verbose_seconds, lasting);
    put_columns(line, canvas->columns,
                (const char *const[]){
                    pid, row->name[0] ? row->name : "-", row->version[0] ? row->version : "-",
                    level, row->gc_known ? row->keywords : "-", sessions, lasting,
                    row->verdict == VERDICT_INFORMATIONAL ? "info" : verdict_name(row->verdict)});
    put_line(canvas, line, styles[row->verdict]);
}

static void put_rows(struct canvas *canvas, const struct screen *screen)
{
    size_t shown = screen->count;
    char line[64];

    if (canvas->lines && shown > canvas->lines - canvas->used)
        shown = canvas->lines > canvas->used ? canvas->lines - canvas->used - 1 : 0;
    for (size_t i = 0; i < shown; i++)
        put_row(canvas, &screen->rows[i]);
    if (shown < screen->count) {
        snprintf(line, sizeof(line), "... and %zu more", screen->count - shown);
        put_line(canvas, line, "");
    }
}

char *screen_render(const struct screen *screen, unsigned columns, unsigned lines)
{
    char *text = NULL;
    size_t size = 0;
    _fclose_ FILE *out = open_memstream(&text, &size);
    struct canvas canvas = {
        .out = out, .columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns, .lines = lines};

    if (!out)
        return NULL;
    if (canvas.columns > LINE_MAX_BYTES / 4)
        canvas.columns = LINE_MAX_BYTES / 4;
    if (lines)
        fputs(HOME, out);
    put_summary(&canvas, screen);
    put_head(&canvas);
    put_rows(&canvas, screen);
    if (canvas.used < lines)
        fputs(TO_BOTTOM, out);
    if (fclose(TAKE_PTR(out)) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
