/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ask.h"
#include "moment.h"
#include "options.h"
#include "report/json.h"
#include "rows.h"
#include "verbs.h"

#define CAUSES_MAX     400
#define LINE_MAX_BYTES (CAUSES_MAX + 200)
#define COUNTS_INDENT  10

static const struct option long_options[] = {OPTIONS_OUTPUT, {0}};

static long long count_at(const json_t *object, const char *field)
{
    return json_integer_value(json_object_get(object, field));
}

static double number_at(const json_t *object, const char *field)
{
    return json_number_value(json_object_get(object, field));
}

/* "ring_full 3, read 1", and the sum. */
static long long list_counts(json_t *counts, char *text, size_t size)
{
    const char *name;
    json_t *value;
    long long sum = 0;
    size_t used = 0;

    text[0] = 0;
    json_object_foreach(counts, name, value)
    {
        sum += json_integer_value(value);
        if (json_integer_value(value) && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s %lld", used ? ", " : "", name,
                                     (long long)json_integer_value(value));
    }
    return sum;
}

static void print_head(const json_t *status)
{
    const json_t *watching = json_object_get(status, "watching");
    char uptime[DURATION_TEXT_MAX];

    duration_format((uint64_t)number_at(status, "uptime_seconds"), uptime);
    printf("clrmond %s, up %s, watching by %s", json_text_at(status, "version"), uptime,
           json_text_at(watching, "by"));
    if (strcmp(json_text_at(watching, "by"), "polling") == 0)
        printf(" every %g s", number_at(watching, "poll_seconds"));
    putchar('\n');
    print_folded(json_text_at(watching, "reason"), ROW_INDENT);
}

/* The counts, and what they are made of behind them or below. */
_printf_(3, 4) static void print_counts(const char *what, const char *causes, const char *format,
                                        ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    int used;

    va_start(args, format);
    used = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (*causes)
        snprintf(line + used, sizeof(line) - (size_t)used, " (%s)", causes);
    if (strlen(line) + COUNTS_INDENT <= 80) {
        printf("%-9s %s\n", what, line);
        return;
    }
    line[used] = 0;
    printf("%-9s %s\n", what, line);
    print_folded(causes, COUNTS_INDENT);
}

/* "gc on, contention off" */
static void print_families(json_t *families)
{
    const char *name, *comma = "";
    json_t *is_on;

    if (json_object_size(families))
        printf("%-9s ", "families");
    json_object_foreach(families, name, is_on)
    {
        printf("%s%s %s", comma, name, json_is_true(is_on) ? "on" : "off");
        comma = ", ";
    }
    if (json_object_size(families))
        putchar('\n');
}

static void print_watching(const json_t *status)
{
    const json_t *records = json_object_get(status, "records");
    const json_t *cost = json_object_get(status, "cost");
    char causes[CAUSES_MAX];
    long long sum = list_counts(json_object_get(records, "lost"), causes, sizeof(causes));

    printf("%-9s %lld\n", "events", count_at(status, "events"));
    print_counts("records", causes, "%lld received, %lld lost", count_at(records, "received"), sum);
    sum = list_counts(json_object_get(status, "hits"), causes, sizeof(causes));
    print_counts("probes", causes, "%lld hits", sum);
    printf("%-9s about %.3f s of CPU for them, %.0f ns each\n", "", number_at(cost, "seconds"),
           number_at(cost, "seconds_per_hit") * 1e9);
    print_families(json_object_get(status, "families"));
}

static void print_resets(const json_t *resets)
{
    if (!json_is_object(resets))
        return;
    printf("%-9s %s, %lld put back, %lld refused, %lld failed\n", "reset",
           json_text_at(resets, "setting"), count_at(resets, "put_back"),
           count_at(resets, "refused"), count_at(resets, "failed"));
}

static void print_daemon(const json_t *status)
{
    const json_t *history = json_object_get(status, "history");
    const json_t *clients = json_object_get(status, "clients");
    const json_t *process = json_object_get(status, "process");

    printf("%-9s %.1f MiB, %lld events dropped\n", "history",
           number_at(history, "bytes") / (1 << 20), count_at(history, "dropped"));
    print_folded(json_text_at(history, "trouble"), ROW_INDENT);
    print_resets(json_object_get(status, "auto_reset"));
    printf("%-9s %lld connected, %lld events dropped\n", "clients", count_at(clients, "connected"),
           count_at(clients, "dropped"));
    printf("%-9s %.1f MiB resident, %.1f s of CPU, longest turn of the loop %.1f ms\n", "process",
           number_at(process, "resident_bytes") / (1 << 20), number_at(process, "cpu_seconds"),
           number_at(json_object_get(status, "loop"), "longest_seconds") * 1e3);
}

static void print_family_troubles(json_t *families)
{
    const char *name;
    json_t *family;

    json_object_foreach(families, name, family)
    {
        char line[300];

        snprintf(line, sizeof(line), "%.30s: %.200s", name, json_text_at(family, "trouble"));
        if (*json_text_at(family, "trouble"))
            print_folded(line, ROW_INDENT);
    }
}

static void print_images(const json_t *status)
{
    const json_t *images = json_object_get(status, "images");

    if (json_array_size(images))
        printf("\n%-10s %-10s %6s %9s %s\n", "VERSION", "SOURCE", "PROBES", "PROCESSES",
               "BUILD ID");
    for (size_t i = 0; i < json_array_size(images); i++) {
        const json_t *image = json_array_get(images, i);
        const char *version = json_text_at(image, "version"),
                   *build_id = json_text_at(image, "build_id");

        printf("%-10.10s %-10.10s %6lld %9lld %.40s\n", *version ? version : "-",
               json_text_at(image, "source"), count_at(image, "probes"),
               count_at(image, "processes"), *build_id ? build_id : "-");
        print_folded(json_text_at(image, "path"), ROW_INDENT);
        print_folded(json_text_at(image, "trouble"), ROW_INDENT);
        print_family_troubles(json_object_get(image, "families"));
    }
    if (count_at(status, "more_images"))
        printf("and %lld more\n", count_at(status, "more_images"));
}

static int take_status(void *context, json_t *status)
{
    const struct options *options = context;

    if (options->format == FORMAT_JSON) {
        json_print(json_incref(status), false);
        return 0;
    }
    print_head(status);
    print_watching(status);
    print_daemon(status);
    print_images(status);
    return 0;
}

int verb_status(int argc, char **argv)
{
    struct options options;
    struct ask ask = {.request.verb = CONTROL_STATUS,
                      .deadline_ms = ASK_DEADLINE_MS,
                      .take = take_status,
                      .context = &options};
    struct reason why = {""};
    int option;

    options_init(&options, FORMAT_TABLE | FORMAT_JSON);
    while ((option = getopt_long(argc, argv, "o:j", long_options, NULL)) != -1)
        if (options_take(&options, "status", option) < 0)
            return usage_of("status");
    if (optind < argc)
        return usage_of("status");
    if (ask_daemon(&ask, &why) == 0 && !ask.missing)
        return 0;
    fprintf(stderr, "clrmon status: %s\n", ask.missing ? "the answer is incomplete" : why.text);
    return EXIT_CANNOT_TELL;
}
