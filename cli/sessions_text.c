/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions_text.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "event_line.h"
#include "moment.h"
#include "rows.h"
#include "util/text.h"
#include "util/timestamp.h"

#define USER_TEXT_MAX    64
#define SESSION_LINE_MAX 1024

static void user_text(uid_t uid, char text[static USER_TEXT_MAX])
{
    const struct passwd *user = getpwuid(uid);

    if (user)
        snprintf(text, USER_TEXT_MAX, "%.40s", user->pw_name);
    else
        snprintf(text, USER_TEXT_MAX, "uid %u", uid);
    text_printable(text);
}

static void peer_text(const struct peer *peer, char text[static OWNER_TEXT_MAX])
{
    char user[USER_TEXT_MAX];

    user_text(peer->uid, user);
    snprintf(text, OWNER_TEXT_MAX, "client %s (pid %d, %s%s%.12s)%s", peer->command, (int)peer->pid,
             user, peer->container[0] ? ", container " : "", peer->container,
             peer_is_stopped(peer) ? ", which is stopped" : "");
}

static void client_text(const struct session_client *client, char text[static OWNER_TEXT_MAX])
{
    size_t used;

    peer_text(client->peer, text);
    used = strlen(text);
    if (client->unread >= CLIENT_UNREAD_MAX)
        snprintf(text + used, OWNER_TEXT_MAX - used, ", %u KB unread", client->unread >> 10);
}

void session_owner_text(const struct observation *seen, const struct session *session,
                        char text[static OWNER_TEXT_MAX])
{
    static const char *const clients[] = {
        [CLIENT_GONE] = "its client is gone",
        [CLIENT_HIDDEN] = "its client is a process that can't be seen from here",
        [CLIENT_UNKNOWN] = "which client is its can't be told",
    };
    static const char *const types[SESSION_TYPE_MAX] = {
        [SESSION_FILE] = "the program itself",
        [SESSION_FILE_STREAM] = "the program itself",
        [SESSION_LISTENER] = "an EventListener in the program itself",
        [SESSION_SYNCHRONOUS] = "a profiler in the process",
    };
    struct session_client client = session_client_of(seen, session);
    const char *knob = session_asked_by(seen, session);

    if (client.peer)
        client_text(&client, text);
    else if (client.client != CLIENT_NONE)
        snprintf(text, OWNER_TEXT_MAX, "%s", clients[client.client]);
    else if (knob)
        snprintf(text, OWNER_TEXT_MAX, "asked for by %s", knob);
    else
        snprintf(text, OWNER_TEXT_MAX, "%s", types[session->type] ? types[session->type] : "");
}

void subject_text(const struct target *target, char text[static SUBJECT_TEXT_MAX])
{
    const char *version = target_version(target);

    snprintf(text, SUBJECT_TEXT_MAX, "%s (pid %d, .NET %s)", process_title(&target->process),
             (int)target->process.pid, *version ? version : "of an unknown version");
}

void provider_text(const char *name, struct event_set set, char text[static PROVIDER_TEXT_MAX])
{
    snprintf(text, PROVIDER_TEXT_MAX, "%s:0x%llx:%u", name, (unsigned long long)set.keywords,
             set.level);
}

static void print_asked(const struct session_provider *asked)
{
    char names[KEYWORDS_TEXT_MAX], text[PROVIDER_TEXT_MAX], line[SESSION_LINE_MAX];

    keywords_format(provider_of_name(asked->name), asked->set.keywords, names);
    provider_text(asked->name, asked->set, text);
    snprintf(line, sizeof(line), "%s%s%s%s%s", text, names[0] ? "  " : "", names,
             asked->filter[0] ? "  filter " : "", asked->filter);
    print_folded(line, 8);
}

static void print_session(const struct observation *seen, const struct session *session)
{
    char owner[OWNER_TEXT_MAX], age[DURATION_TEXT_MAX], start[TIMESTAMP_TEXT_MAX],
        time[EVENT_TIME_MAX], line[SESSION_LINE_MAX], buffer[48] = "";
    int64_t now = moment_now(), started = session_started_us(session);

    session_owner_text(seen, session, owner);
    duration_format(now > started ? (uint64_t)(now - started) / 1000000 : 0, age);
    timestamp_format(started, start);
    event_time(start, now, time);
    if (session->buffer_bytes)
        snprintf(buffer, sizeof(buffer), ", buffer %llu MB",
                 (unsigned long long)(session->buffer_bytes >> 20));
    snprintf(line, sizeof(line), "session %u, %s, id 0x%llx, since %s (%s)%s%s%s; %s",
             session->index, session_type_name(session->type), (unsigned long long)session->address,
             time, age, buffer, session->wants_rundown ? ", rundown at its end" : "",
             session->in_rundown ? ", ending now" : "", owner);
    print_folded(line, 4);
    if (session->everything)
        puts("        everything, of all providers");
    for (size_t i = 0; i < session->provider_count; i++)
        print_asked(&session->providers[i]);
    if (session->more_providers)
        printf("        and %zu more providers\n", session->more_providers);
}

/* "session 0 asks for 0x1:4, session 2 for 0x8000:2" */
static size_t say_parts(const struct survey *survey, const struct provider_account *account,
                        char *line, size_t size)
{
    const char *verb = " asks for", *join = "";
    size_t used = 0;

    for (size_t i = 0; i < survey->seen.sessions.count && used < size; i++) {
        const struct session *session = &survey->seen.sessions.items[i];
        struct event_set part = account_part(account, session);

        if (!(account->sessions >> session->index & 1))
            continue;
        used +=
            (size_t)snprintf(line + used, size - used, "%ssession %u%s 0x%llx:%u", join,
                             session->index, verb, (unsigned long long)part.keywords, part.level);
        verb = " for";
        join = ", ";
    }
    if (!used)
        used = (size_t)snprintf(line, size, "no session asks for it");
    return used < size ? used : size;
}

static void say_excess(const struct provider_account *account, char *line, size_t size)
{
    struct event_set excess = account_excess(account);
    char level[LEVEL_TEXT_MAX], keywords[32];

    level_format(excess, level);
    snprintf(keywords, sizeof(keywords), "0x%llx", (unsigned long long)excess.keywords);
    snprintf(line, size, "; left on, asked for by nobody: %s%s%s%s", excess.level ? level : "",
             excess.level && excess.keywords ? ", " : "", excess.keywords ? "keywords " : "",
             excess.keywords ? keywords : "");
}

void account_print(const struct survey *survey, const struct provider_account *account)
{
    bool is_on = account->effective.level || account->effective.keywords;
    char text[PROVIDER_TEXT_MAX], line[SESSION_LINE_MAX];
    size_t used;

    provider_text(account->name, account->effective, text);
    if (!account->is_known)
        printf("        %s, what of it is on can't be told\n", account->name);
    else if (is_on)
        printf("        %s\n", text);
    else
        printf("        %s, off (not there yet)\n", account->name);
    used = say_parts(survey, account, line, sizeof(line));
    if (account->is_stale && survey_is_ending(survey))
        snprintf(line + used, sizeof(line) - used, "; a session is ending, see what stays");
    else if (account->is_stale)
        say_excess(account, line + used, sizeof(line) - used);
    print_folded(line, 12);
}

void survey_print(const struct survey *survey)
{
    const struct observation *seen = &survey->seen;

    for (size_t i = 0; i < seen->sessions.count; i++)
        print_session(seen, &seen->sessions.items[i]);
    if (survey->account.count)
        puts("    on by all of them together");
    for (size_t i = 0; i < survey->account.count; i++)
        account_print(survey, &survey->account.items[i]);
    if (survey->account.more)
        puts("        and more providers");
    if (!survey->providers_readable && survey->account.count)
        print_folded(survey->providers_why.text, 4);
}

static void print_unread(const struct sessions_report *report)
{
    const struct observation *seen = &report->survey.seen;
    char text[OWNER_TEXT_MAX], line[EVENT_LINE_MAX];
    json_t *event;
    size_t i;

    print_folded(seen->sessions_why.text, 4);
    for (i = 0; seen->clients_readable && i < seen->clients.peer_count; i++) {
        peer_text(&seen->clients.peers[i], text);
        printf("    connected: %s\n", text);
    }
    if (!report->record)
        puts("    clrmond can't be asked what it has seen");
    else if (json_array_size(report->record))
        puts("    what clrmond has seen of it");
    json_array_foreach(report->record, i, event)
    {
        event_line(event, moment_now(), line);
        printf("        %s\n", line);
    }
}

void sessions_print(const struct sessions_report *report)
{
    const struct observation *seen = &report->survey.seen;
    char subject[SUBJECT_TEXT_MAX];

    if (!report->opened) {
        printf("%s (pid %d): %s\n", report->target.process.name, (int)report->pid,
               report->why.text);
        return;
    }
    subject_text(&report->target, subject);
    if (!seen->sessions_readable) {
        printf("%s: its sessions can't be read\n", subject);
        print_unread(report);
        return;
    }
    printf("%s: %zu session%s\n", subject, seen->sessions.count,
           seen->sessions.count == 1 ? "" : "s");
    survey_print(&report->survey);
}
