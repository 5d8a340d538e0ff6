/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "cure/stop.h"
#include "report/json.h"
#include "sessions_text.h"
#include "subject.h"
#include "util/interrupts.h"
#include "util/number.h"
#include "util/text.h"
#include "verbs.h"

enum { OPTION_SESSION = OPTION_VERB, OPTION_YES };

static const struct option long_options[] = {
    OPTIONS_SELECTION,
    OPTIONS_OUTPUT,
    OPTIONS_LOCATING,
    {"session", required_argument, NULL, OPTION_SESSION},
    {"yes", no_argument, NULL, OPTION_YES},
    {0},
};

struct command {
    struct subject subject;
    const char *session;
    uint64_t number;
    bool is_id; /* else an index */
    bool yes;
};

static void release(struct command *command)
{
    subject_close(&command->subject);
}

static int take_session(struct command *command, const char *text)
{
    int r;

    command->is_id = text_starts_with(text, "0x");
    r = command->is_id ? number_hex(text, UINT64_MAX, &command->number)
                       : number_decimal(text, SESSIONS_MAX - 1, &command->number);
    if (r < 0)
        fprintf(stderr, "clrmon stop: session '%s' is no index (0 to %d) and no id (0x...)\n", text,
                SESSIONS_MAX - 1);
    command->session = text;
    return r;
}

static int take(struct command *command, int option)
{
    switch (option) {
    case OPTION_SESSION:
        return take_session(command, optarg);
    case OPTION_YES:
        command->yes = true;
        return 0;
    default:
        return options_take(&command->subject.options, "stop", option);
    }
}

static const struct session *find(const struct sessions *sessions, const struct command *command)
{
    for (size_t i = 0; i < sessions->count; i++) {
        const struct session *session = &sessions->items[i];

        if ((command->is_id ? session->address : session->index) == command->number)
            return session;
    }
    return NULL;
}

struct stopping {
    struct survey before, after;
    struct session session;
    enum stop_answer answer;
    int result; /* 0: it has gone */
    struct reason why;
};

/* Which session is meant; -ENOENT, having said which there are. */
static int choose(struct command *command, struct stopping *stopping)
{
    const struct sessions *sessions = &stopping->before.seen.sessions;
    const struct session *session;
    int r = stop_look(&command->subject.target, &stopping->before, &stopping->why);

    if (r < 0)
        return r;
    session = find(sessions, command);
    if (!session)
        return reason_set(&stopping->why, -ENOENT, "it has no session %s (it has %zu)",
                          command->session, sessions->count);
    stopping->session = *session;
    return 0;
}

static json_t *encode(const struct command *command, const struct stopping *stopping)
{
    json_t *item = json_process(&command->subject.target.process);

    json_object_set_new(item, "schema", json_string("clrmon.stop/1"));
    json_object_set_new(item, "session", json_integer(stopping->session.index));
    json_object_set_new(item, "id", json_hex(stopping->session.address));
    json_object_set_new(item, "stopped", json_boolean(stopping->result == 0));
    json_object_set_new(item, "reason", json_text_or_null(stopping->why.text));
    json_object_set_new(item, "before", sessions_survey_json(&stopping->before));
    json_object_set_new(item, "after", sessions_survey_json(&stopping->after));
    return item;
}

static void print(const struct command *command, const struct stopping *stopping)
{
    char subject[SUBJECT_TEXT_MAX];

    subject_text(&command->subject.target, subject);
    printf("%s: session %u has ended; %zu left\n", subject, stopping->session.index,
           stopping->after.seen.sessions.count);
    survey_print(&stopping->after);
    if (survey_seems_left_on(&stopping->after))
        printf("    what it asked for is still on: clrmon reset -p %d puts it back\n",
               (int)command->subject.target.process.pid);
}

/* May it be, as the operator has it? Else nothing is done. */
static bool is_allowed(const struct command *command, struct stopping *stopping)
{
    const struct layout *layout = &command->subject.target.image->inspection.findings.layout;

    stopping->answer = stop_judge(&stopping->before.seen, &stopping->session,
                                  layout->session_start_time == SESSION_START_3, &stopping->why);
    return stopping->answer == STOP_MAY || (stopping->answer == STOP_CONFIRM && command->yes);
}

static void stop(struct command *command, struct stopping *stopping)
{
    stopping->why = (struct reason){0};
    stopping->result = stop_session(&command->subject.target, &stopping->session, &stopping->after,
                                    &stopping->why);
    if (command->subject.options.format == FORMAT_JSON)
        json_print(encode(command, stopping), false);
    else if (stopping->result == 0)
        print(command, stopping);
    else
        subject_say(&command->subject, "stop", "session %u: %s", stopping->session.index,
                    stopping->why.text);
}

static int refuse(const struct command *command, struct stopping *stopping)
{
    stopping->result = -EPERM;
    stopping->after = stopping->before;
    if (command->subject.options.format == FORMAT_JSON)
        json_print(encode(command, stopping), false);
    else
        subject_say(&command->subject, "stop", "session %u is left alone: %s%s",
                    stopping->session.index, stopping->why.text,
                    stopping->answer == STOP_CONFIRM ? " (--yes ends it)" : "");
    return EXIT_REFUSED;
}

static int run(struct command *command)
{
    _free_ struct stopping *stopping = calloc(1, sizeof(*stopping));
    sigset_t before;

    if (!stopping)
        return EXIT_USAGE;
    if (choose(command, stopping) < 0)
        return subject_say(&command->subject, "stop", "%s", stopping->why.text), EXIT_CANNOT_TELL;
    if (!is_allowed(command, stopping))
        return refuse(command, stopping);
    interrupts_hold(&before);
    stop(command, stopping);
    fflush(stdout);
    interrupts_release(&before);
    return stopping->result == 0 ? 0 : EXIT_NOT_DONE;
}

int verb_stop(int argc, char **argv)
{
    _cleanup_(release) struct command command = {0};
    int option, status;

    options_init(&command.subject.options, FORMAT_TABLE | FORMAT_JSON);
    while ((option = getopt_long(argc, argv, "p:o:j", long_options, NULL)) != -1)
        if (take(&command, option) < 0)
            return usage_of("stop");
    if (optind < argc || !command.session)
        return usage_of("stop");
    options_finish(&command.subject.options);
    status = subject_open(&command.subject, "stop");
    return status ? status : run(&command);
}
