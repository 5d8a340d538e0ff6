/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ask.h"
#include "options.h"
#include "report/json.h"
#include "rows.h"
#include "util/text.h"
#include "verbs.h"

static const struct option long_options[] = {
    {"pid", required_argument, NULL, 'p'},
    OPTIONS_OUTPUT,
    {0},
};

static int take_family(void *context, json_t *family)
{
    return json_array_append(context, family);
}

static void print_except(const json_t *pids, const char *what)
{
    if (json_array_size(pids))
        printf("%*s%s:", ROW_INDENT, "", what);
    for (size_t i = 0; i < json_array_size(pids); i++)
        printf(" %lld", (long long)json_integer_value(json_array_get(pids, i)));
    if (json_array_size(pids))
        putchar('\n');
}

static void print_table(const json_t *families)
{
    printf("%-15s %-5s %6s %6s\n", "FAMILY", "STATE", "IMAGES", "PROBES");
    for (size_t i = 0; i < json_array_size(families); i++) {
        const json_t *family = json_array_get(families, i);

        printf("%-15.15s %-5s %6lld %6lld\n", json_text_at(family, "family"),
               json_is_true(json_object_get(family, "on")) ? "on" : "off",
               (long long)json_integer_value(json_object_get(family, "images")),
               (long long)json_integer_value(json_object_get(family, "probes")));
        print_folded(json_text_at(family, "why"), ROW_INDENT);
        print_except(json_object_get(family, "off_pids"), "off for");
    }
}

/* FAMILY on|off. */
static int take_switch(char **arguments, int count, struct control_request *request)
{
    if (count == 0)
        return 0;
    if (count != 2 || (strcmp(arguments[1], "on") != 0 && strcmp(arguments[1], "off") != 0))
        return -EINVAL;
    if (!*arguments[0] || strlen(arguments[0]) >= sizeof(request->family))
        return fprintf(stderr, "clrmon probes: '%s' is not the name of a family\n", arguments[0]),
               -EINVAL;
    text_copy(request->family, sizeof(request->family), arguments[0]);
    request->on = strcmp(arguments[1], "on") == 0;
    return 0;
}

static int take_pid(const struct options *options, struct control_request *request)
{
    if (options->pid_count > 1 || (options->pid_count && !request->family[0]))
        return fprintf(stderr, "clrmon probes: -p is for one process, of a family that is "
                               "switched\n"),
               -EINVAL;
    request->pid = options->pid_count ? options->pids[0] : 0;
    return 0;
}

static int run(struct ask *ask, const struct options *options)
{
    json_t *families = json_array();
    struct reason why = {"no memory"};
    int r;

    ask->context = families;
    r = ask_daemon(ask, &why);
    if (r == 0 && options->format == FORMAT_JSON)
        json_print(json_pack("{s:s, s:O}", "schema", "clrmon.probes/1", "families", families),
                   false);
    else if (r == 0)
        print_table(families);
    else
        fprintf(stderr, "clrmon probes: %s\n", why.text);
    json_decref(families);
    return r == 0 ? 0 : EXIT_CANNOT_TELL;
}

int verb_probes(int argc, char **argv)
{
    struct options options;
    struct ask ask = {
        .request.verb = CONTROL_PROBES, .deadline_ms = ASK_DEADLINE_MS, .take = take_family};
    int option;

    options_init(&options, FORMAT_TABLE | FORMAT_JSON);
    while ((option = getopt_long(argc, argv, "p:o:j", long_options, NULL)) != -1)
        if (options_take(&options, "probes", option) < 0)
            return usage_of("probes");
    if (take_switch(argv + optind, argc - optind, &ask.request) < 0 ||
        take_pid(&options, &ask.request) < 0)
        return usage_of("probes");
    return run(&ask, &options);
}
