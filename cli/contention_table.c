/* SPDX-License-Identifier: Apache-2.0 */
#include "contention_table.h"

#include <string.h>

#include "columns.h"
#include "moment.h"
#include "rows.h"

#define CELL_MAX    32
#define NS_PER_MS   1e6
#define NS_PER_S    1e9
#define PIDS_NAMED  3
#define FRAME_BLANK 8

enum contention_table contention_table_of_name(const char *name)
{
    enum contention_table table = 0;

    if (strcmp(name, "process") == 0)
        return TABLE_PROCESS;
    while (table < TABLE_PROCESS &&
           strcmp(contention_by_name((enum contention_by)table), name) != 0)
        table++;
    return table < TABLE_PROCESS ? table : TABLE_MAX;
}

const struct contended *contention_worst(const struct contention *contention)
{
    const struct contended_list *list = &contention->lists[CONTENTION_BY_LOCK];
    const struct contended *worst = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct contended *line = &list->items[i];

        if (!worst || line->sum.wait_ns > worst->sum.wait_ns ||
            (line->sum.wait_ns == worst->sum.wait_ns && line->waiters > worst->waiters))
            worst = line;
    }
    return worst;
}

/* "OrderCache" of "Contoso.Orders.OrderCache"; what stands in <> or [] stays. */
static const char *short_type(const char *type)
{
    const char *end = type + strcspn(type, "<[`"), *start = type;

    for (const char *at = type; at < end; at++)
        if (*at == '.' || *at == '+')
            start = at + 1;
    return *start ? start : type;
}

/* An object of no other type than that says nothing. */
void contended_lock(const struct contended *lock, char text[static CONTENDED_TEXT_MAX])
{
    if (lock->type[0] && strcmp(lock->type, "System.Object") != 0)
        snprintf(text, CONTENDED_TEXT_MAX, "%s", short_type(lock->type));
    else if (lock->key)
        snprintf(text, CONTENDED_TEXT_MAX, "0x%llx", (unsigned long long)lock->key);
    else
        snprintf(text, CONTENDED_TEXT_MAX, "%s", lock->managed ? "Lock" : "unknown");
}

void contended_thread(const struct contended *line, char text[static CONTENDED_TEXT_MAX])
{
    if (line->tid)
        snprintf(text, CONTENDED_TEXT_MAX, "%d%s%s", (int)line->tid, line->thread[0] ? " " : "",
                 line->thread);
    else
        snprintf(text, CONTENDED_TEXT_MAX, "unknown");
}

/* Cells */

struct sums {
    char waits[CELL_MAX], time[CELL_MAX];
};

static void format_sums(const struct contention *of, const struct contention_view *view,
                        struct wait_sum sum, struct sums *out)
{
    double seconds = (double)(of->now_ns - of->since_ns) / NS_PER_S;

    *out = (struct sums){"-", "-"};
    if (!of->is_on)
        return;
    if (view->total) {
        snprintf(out->waits, CELL_MAX, "%llu", (unsigned long long)sum.waits);
        duration_format_ns(sum.wait_ns, out->time);
        return;
    }
    seconds = seconds > 0 ? seconds : 1;
    columns_rate((double)sum.waits / seconds, out->waits);
    columns_rate((double)sum.wait_ns / NS_PER_MS / seconds, out->time);
}

static void format_time(uint64_t ns, char text[static CELL_MAX])
{
    snprintf(text, CELL_MAX, "-");
    if (ns)
        duration_format_ns(ns, text);
}

static void format_count(unsigned count, char text[static CELL_MAX])
{
    snprintf(text, CELL_MAX, "%u", count);
}

/* Tables */

#define SUM_COLUMNS                                                                                \
    {"WAITS/s", .width = 7},                                                                       \
    {                                                                                              \
        "MS/s", .width = 6                                                                         \
    }
#define OTHER_COLUMN 4 /* behind the process and its sums */

/* Everything is printed twice: first to see what there is need of, then into the room there is. */
struct table {
    FILE *out; /* NULL: the first time */
    const struct contention_view *view;
    struct column columns[COLUMNS_MAX];
    unsigned needs[COLUMNS_MAX], widths[COLUMNS_MAX];
    size_t count;
};

static void measure(struct table *table, const char *const *texts)
{
    for (size_t i = 0; i < table->count; i++) {
        unsigned length = (unsigned)columns_length(texts[i]);

        table->needs[i] = length > table->needs[i] ? length : table->needs[i];
    }
}

static void print_texts(struct table *table, const char *const *texts)
{
    char line[COLUMNS_LINE];
    size_t length;

    if (!table->out)
        return measure(table, texts);
    columns_format(table->columns, table->widths, table->count, texts, line);
    length = strlen(line);
    while (length && line[length - 1] == ' ')
        line[--length] = 0;
    fprintf(table->out, "%s\n", line);
}

static struct table begin_table(const struct contention_view *view, const struct column *columns,
                                size_t count)
{
    struct table table = {.view = view, .count = count};

    memcpy(table.columns, columns, count * sizeof(*columns));
    for (size_t i = 0; i < count; i++) {
        if (view->total && strcmp(columns[i].head, "WAITS/s") == 0)
            table.columns[i].head = "WAITS";
        if (view->total && strcmp(columns[i].head, "MS/s") == 0)
            table.columns[i].head = "WAITED";
        table.needs[i] = (unsigned)columns_length(table.columns[i].head);
    }
    return table;
}

/* What one column has no need of is another's; numbers keep their width. */
static void fit(struct table *table, FILE *out)
{
    unsigned room = table->view->columns < COLUMNS_WIDEST ? table->view->columns : COLUMNS_WIDEST;

    for (size_t i = 0; i < table->count; i++) {
        struct column *column = &table->columns[i];

        if (!column->most)
            continue;
        column->width = column->width < table->needs[i] ? column->width : table->needs[i];
        column->most = column->most < table->needs[i] ? column->most : table->needs[i];
        column->least = column->least < column->width ? column->least : column->width;
    }
    columns_fit(table->columns, table->count, room, table->widths);
    table->out = out;
    print_texts(table, NULL);
}

/* The present, and what is worst: of a process that is watched. */
struct state {
    char p99[DURATION_TEXT_MAX + 1], waiters[CELL_MAX], longest[CELL_MAX];
    char lock[CONTENDED_TEXT_MAX], owner[CONTENDED_TEXT_MAX];
};

static void format_state(const struct contention *process, struct state *out)
{
    const struct contended *worst = contention_worst(process);
    uint64_t quantile = contention_quantile(process, 0.99);

    *out = (struct state){"-", "-", "-", "-", "-"};
    if (!process->is_on)
        return;
    format_count(process->waiters, out->waiters);
    format_time(process->longest_wait_ns, out->longest);
    if (quantile)
        bound_format(quantile, out->p99);
    if (!worst)
        return;
    contended_lock(worst, out->lock);
    contended_thread(worst, out->owner);
}

static void print_process(struct table *table, const struct contention *process)
{
    char pid[CELL_MAX];
    struct state state;
    struct sums sums;

    snprintf(pid, CELL_MAX, "%d", (int)process->pid);
    format_sums(process, table->view, process->sum, &sums);
    format_state(process, &state);
    print_texts(table,
                (const char *const[]){pid, process->name, sums.waits, sums.time, state.p99,
                                      state.waiters, state.longest, state.lock, state.owner});
}

static void print_lock(struct table *table, const struct contention *of, const char *pid,
                       const struct contended *line, const struct sums *sums)
{
    char address[CELL_MAX], longest[CELL_MAX], waiters[CELL_MAX], owner[CONTENDED_TEXT_MAX];

    snprintf(address, CELL_MAX, line->key ? "0x%llx" : "-", (unsigned long long)line->key);
    format_time(line->longest_ns, longest);
    format_count(line->waiters, waiters);
    contended_thread(line, owner);
    print_texts(table, (const char *const[]){pid, of->name, sums->waits, sums->time, waiters,
                                             longest, address,
                                             line->type[0]   ? line->type
                                             : line->managed ? "System.Threading.Lock"
                                                             : "-",
                                             owner});
}

static void print_thread(struct table *table, const struct contention *of, const char *pid,
                         const struct contended *line, const struct sums *sums)
{
    char tid[CELL_MAX] = "unknown";

    if (line->tid)
        snprintf(tid, CELL_MAX, "%d", (int)line->tid);
    print_texts(table, (const char *const[]){pid, of->name, sums->waits, sums->time, tid,
                                             line->thread[0] ? line->thread : "-"});
}

static void print_stack(struct table *table, const struct contention *of, const char *pid,
                        const struct contended *line, const struct sums *sums)
{
    char longest[CELL_MAX];

    format_time(line->longest_ns, longest);
    print_texts(table, (const char *const[]){pid, of->name, sums->waits, sums->time, longest,
                                             line->managed ? "System.Threading.Lock" : "Monitor"});
    for (size_t i = 0; i < line->frame_count && table->out; i++)
        fprintf(table->out, "%*s%s\n", FRAME_BLANK, "", line->frames[i].text);
    if (!line->complete && table->out)
        fprintf(table->out, "%*s...\n", FRAME_BLANK, "");
}

/* A row of what is in none of the others: its place is where the rows have theirs. */
static void print_other(struct table *table, const struct contention *of, const char *pid,
                        struct wait_sum other)
{
    const char *texts[COLUMNS_MAX] = {pid, of->name};
    struct sums sums;

    if (!other.waits && !other.wait_ns)
        return;
    format_sums(of, table->view, other, &sums);
    texts[2] = sums.waits;
    texts[3] = sums.time;
    for (size_t i = OTHER_COLUMN; i < table->count; i++)
        texts[i] = i == OTHER_COLUMN ? "other" : "";
    print_texts(table, texts);
}

static const struct {
    struct column columns[COLUMNS_MAX];
    void (*print)(struct table *table, const struct contention *of, const char *pid,
                  const struct contended *line, const struct sums *sums);
} tables[TABLE_MAX] = {
    [TABLE_LOCK] = {{{"PID", .width = 7},
                     {"NAME", .width = 8, .least = 4, .most = 16},
                     SUM_COLUMNS,
                     {"WAITERS", .width = 7, .rank = 2},
                     {"LONGEST", .width = 7, .rank = 3},
                     {"LOCK", .width = 14, .most = 18},
                     {"TYPE", .width = 13, .rank = 1, .most = 28},
                     {"OWNER", .width = 11, .most = 40}},
                    print_lock},
    [TABLE_STACK] = {{{"PID", .width = 7},
                      {"NAME", .width = 15, .least = 4, .most = 24},
                      SUM_COLUMNS,
                      {"LONGEST", .width = 7},
                      {"KIND", .width = 21, .rank = 1}},
                     print_stack},
    [TABLE_OWNER] = {{{"PID", .width = 7},
                      {"NAME", .width = 15, .least = 4, .most = 24},
                      SUM_COLUMNS,
                      {"OWNER", .width = 8},
                      {"THREAD", .width = 16, .most = 40}},
                     print_thread},
    [TABLE_THREAD] = {{{"PID", .width = 7},
                       {"NAME", .width = 15, .least = 4, .most = 24},
                       SUM_COLUMNS,
                       {"TID", .width = 8},
                       {"THREAD", .width = 16, .most = 40}},
                      print_thread},
    [TABLE_PROCESS] = {{{"PID", .width = 7},
                        {"NAME", .width = 9, .least = 4, .most = 40},
                        SUM_COLUMNS,
                        {"P99", .width = 6, .rank = 4},
                        {"WAITERS", .width = 7, .rank = 1},
                        {"LONGEST", .width = 7, .rank = 3},
                        {"WORST LOCK", .width = 14, .rank = 2, .most = 40},
                        {"OWNER", .width = 9, .rank = 5, .most = 40}},
                       NULL},
};

static size_t count_columns(enum contention_table table)
{
    size_t count = 0;

    while (count < COLUMNS_MAX && tables[table].columns[count].head)
        count++;
    return count;
}

static void print_lines(struct table *table, const struct contention *of)
{
    const struct contended_list *list = &of->lists[table->view->table];
    struct sums sums;
    char pid[CELL_MAX];

    snprintf(pid, CELL_MAX, "%d", (int)of->pid);
    for (size_t i = 0; i < list->count; i++) {
        format_sums(of, table->view, list->items[i].sum, &sums);
        tables[table->view->table].print(table, of, pid, &list->items[i], &sums);
    }
    print_other(table, of, pid, list->other);
}

static bool is_idle(const struct contention *process)
{
    return !process->sum.waits && !process->sum.wait_ns && !process->waiters;
}

/* What can't be seen, once for all of whom the same is said. */
static void print_reason(FILE *out, const struct contention *all, size_t count, size_t first)
{
    const char *why = all[first].why;
    char text[CONTENTION_WHY_MAX + 128];
    size_t used = 0, processes = 0;

    for (size_t i = 0; i < first; i++)
        if (strcmp(all[i].why, why) == 0)
            return;
    for (size_t i = first; i < count; i++) {
        if (strcmp(all[i].why, why) != 0)
            continue;
        if (processes++ < PIDS_NAMED)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d", used ? ", " : "",
                                     (int)all[i].pid);
    }
    if (processes > PIDS_NAMED)
        used += (size_t)snprintf(text + used, sizeof(text) - used, " and %zu more",
                                 processes - PIDS_NAMED);
    snprintf(text + used, sizeof(text) - used, ": %s", why);
    print_folded_to(out, text, 0);
}

/* How many are left out, since nobody waits in them. */
static size_t print_rows(struct table *table, const struct contention *all, size_t count)
{
    size_t idle = 0;

    for (size_t i = 0; i < count; i++) {
        bool hidden = !table->view->idle && is_idle(&all[i]);

        idle += hidden && all[i].is_on;
        if (!hidden && table->view->table == TABLE_PROCESS)
            print_process(table, &all[i]);
        else if (!hidden)
            print_lines(table, &all[i]);
    }
    return idle;
}

void contention_print(FILE *out, const struct contention *all, size_t count,
                      const struct contention_view *view)
{
    struct table table = begin_table(view, tables[view->table].columns, count_columns(view->table));
    size_t idle;

    (void)print_rows(&table, all, count);
    fit(&table, out);
    idle = print_rows(&table, all, count);
    if (idle)
        fprintf(out, "nobody waits in %zu%s process%s\n", idle, idle < count ? " other" : "",
                idle == 1 ? "" : "es");
    for (size_t i = 0; i < count; i++)
        if (all[i].why[0])
            print_reason(out, all, count, i);
}
