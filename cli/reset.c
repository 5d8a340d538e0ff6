/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cure/cure.h"
#include "cure/reset.h"
#include "report/json.h"
#include "rows.h"
#include "sessions_text.h"
#include "subject.h"
#include "util/interrupts.h"
#include "verbs.h"

enum { OPTION_DRY_RUN = OPTION_VERB, OPTION_FORCE };

#define PLAN_TEXT_MAX 256

static const struct option long_options[] = {
    OPTIONS_SELECTION,
    OPTIONS_OUTPUT,
    OPTIONS_LOCATING,
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"force", no_argument, NULL, OPTION_FORCE},
    {0},
};

struct command {
    struct subject subject;
    bool dry_run;
    bool force;
};

static void release(struct command *command)
{
    subject_close(&command->subject);
}

static int take(struct command *command, int option)
{
    switch (option) {
    case OPTION_DRY_RUN:
        command->dry_run = true;
        return 0;
    case OPTION_FORCE:
        command->force = true;
        return 0;
    default:
        return options_take(&command->subject.options, "reset", option);
    }
}

/* EventSources remember the highest level that they were told, whatever becomes of the sessions. */
static bool is_incurable(const struct provider_account *account)
{
    return account->is_stale && provider_of_name(account->name) == PROVIDER_MAX;
}

static json_t *encode(const struct command *command, const struct reset *reset)
{
    json_t *item = json_process(&command->subject.target.process);
    json_t *providers = json_array(), *incurable = json_array();

    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        if (reset->providers & 1u << provider)
            json_array_append_new(providers, json_string(provider_name(provider)));
    for (size_t i = 0; i < reset->after.account.count; i++)
        if (is_incurable(&reset->after.account.items[i]))
            json_array_append_new(incurable, json_string(reset->after.account.items[i].name));
    json_object_set_new(item, "schema", json_string("clrmon.reset/1"));
    json_object_set_new(item, "outcome", json_string(reset_state_name(reset->state)));
    json_object_set_new(item, "dry_run", json_boolean(command->dry_run));
    json_object_set_new(item, "reason", json_text_or_null(reset->why.text));
    json_object_set_new(item, "providers", providers);
    json_object_set_new(item, "not_curable", incurable);
    json_object_set_new(item, "before", sessions_survey_json(&reset->before));
    json_object_set_new(item, "after", sessions_survey_json(&reset->after));
    return item;
}

static void print_gc(const struct observation *seen)
{
    char level[LEVEL_TEXT_MAX];

    level_format(seen->gc.public, level);
    if (seen->gc_readable)
        printf("        the GC builds events at %s, keywords 0x%llx\n", level,
               (unsigned long long)seen->gc.public.keywords);
}

static void print_accounts(const struct survey *survey, const struct reset *reset)
{
    for (size_t i = 0; i < survey->account.count; i++) {
        const struct provider_account *account = &survey->account.items[i];
        enum provider provider = provider_of_name(account->name);

        if (provider < PROVIDER_MAX && reset->providers & 1u << provider)
            account_print(survey, account);
    }
}

static void print_incurable(const struct survey *survey)
{
    for (size_t i = 0; i < survey->account.count; i++)
        if (is_incurable(&survey->account.items[i])) {
            account_print(survey, &survey->account.items[i]);
            print_folded("this can't be put back: an EventSource remembers the highest level it "
                         "was told until the last session that asks for it has ended",
                         12);
        }
}

/* "Microsoft-Windows-DotNETRuntime:0x0:0, ..." */
static void plan_text(unsigned providers, char text[static PLAN_TEXT_MAX])
{
    size_t used = 0;

    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        if (providers & 1u << provider)
            used += (size_t)snprintf(text + used, PLAN_TEXT_MAX - used, "%s%s:0x0:0",
                                     used ? ", " : "", provider_name(provider));
}

static void print_plan(const struct command *command, const struct reset *reset)
{
    char subject[SUBJECT_TEXT_MAX], plan[PLAN_TEXT_MAX], line[2 * PLAN_TEXT_MAX];

    subject_text(&command->subject.target, subject);
    printf("%s\n", subject);
    if (reset->state != RESET_PLANNED)
        return;
    puts("    before");
    print_accounts(&reset->before, reset);
    print_gc(&reset->before.seen);
    plan_text(reset->providers, plan);
    snprintf(line, sizeof(line),
             "%s a session that asks for %s, and %s it, so that the runtime takes the union of "
             "what its live sessions ask for anew",
             command->dry_run ? "would open" : "opens", plan, command->dry_run ? "end" : "ends");
    print_folded(line, 4);
    fflush(stdout);
}

static void print_outcome(const struct reset *reset)
{
    if (reset->state == RESET_PUT_BACK || reset->state == RESET_FAILED) {
        puts("    after");
        print_accounts(&reset->after, reset);
        print_gc(&reset->after.seen);
    }
    print_incurable(&reset->after);
    printf("    %s%s%s\n", reset_state_name(reset->state), reset->why.text[0] ? ": " : "",
           reset->why.text);
}

static int exit_status(const struct reset *reset)
{
    static const int statuses[RESET_MAX] = {
        [RESET_NOTHING] = 0, [RESET_WANTED] = EXIT_REFUSED, [RESET_REFUSED] = EXIT_REFUSED,
        [RESET_PLANNED] = 0, [RESET_PUT_BACK] = 0,          [RESET_FAILED] = EXIT_NOT_DONE,
    };

    return statuses[reset->state];
}

static int run(struct command *command)
{
    _free_ struct reset *reset = calloc(1, sizeof(*reset));
    bool json = command->subject.options.format == FORMAT_JSON;
    sigset_t before;

    if (!reset)
        return EXIT_USAGE;
    reset_plan(&command->subject.target, command->force, reset);
    if (reset->state == RESET_FAILED)
        return subject_say(&command->subject, "reset", "%s", reset->why.text), EXIT_CANNOT_TELL;
    if (!json)
        print_plan(command, reset);
    interrupts_hold(&before);
    if (reset->state == RESET_PLANNED && !command->dry_run)
        reset_run(&command->subject.target, reset);
    if (json)
        json_print(encode(command, reset), false);
    else
        print_outcome(reset);
    fflush(stdout);
    interrupts_release(&before);
    return exit_status(reset);
}

int verb_reset(int argc, char **argv)
{
    _cleanup_(release) struct command command = {0};
    int option, status;

    options_init(&command.subject.options, FORMAT_TABLE | FORMAT_JSON);
    while ((option = getopt_long(argc, argv, "p:o:j", long_options, NULL)) != -1)
        if (take(&command, option) < 0)
            return usage_of("reset");
    if (optind < argc)
        return usage_of("reset");
    options_finish(&command.subject.options);
    status = subject_open(&command.subject, "reset");
    return status ? status : run(&command);
}
