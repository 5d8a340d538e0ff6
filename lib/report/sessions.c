/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sessions.h"

#include "report/json.h"
#include "util/timestamp.h"

static json_t *encode_provider(const struct session_provider *asked)
{
    char names[KEYWORDS_TEXT_MAX];

    keywords_format(provider_of_name(asked->name), asked->set.keywords, names);
    return json_pack("{s:s, s:o, s:i, s:o, s:o}", "name", asked->name, "keywords",
                     json_hex(asked->set.keywords), "level", (int)asked->set.level, "keyword_names",
                     json_text_or_null(names), "filter", json_text_or_null(asked->filter));
}

static json_t *encode_client(const struct peer *peer)
{
    return peer ? json_pack("{s:i, s:s, s:s, s:I, s:o}", "pid", (int)peer->pid, "name", peer->name,
                            "command", peer->command, "uid", (json_int_t)peer->uid, "container",
                            json_text_or_null(peer->container))
                : json_null();
}

static json_t *encode_providers(const struct session *session)
{
    json_t *all = json_array();

    for (size_t i = 0; i < session->provider_count; i++)
        json_array_append_new(all, encode_provider(&session->providers[i]));
    return all;
}

json_t *session_json(const struct observation *seen, const struct session *session,
                     const char *start_field)
{
    struct session_client client = session_client_of(seen, session);
    char start[TIMESTAMP_TEXT_MAX];

    timestamp_format(session_started_us(session), start);
    return json_pack(
        "{s:i, s:o, s:s, s:s, s:b, s:o, s:i, s:b, s:o, s:o, s:o, s:s, s:I, s:o}", "index",
        (int)session->index, "id", json_hex(session->address), "type",
        session_type_name(session->type), start_field, start, "ending", session->in_rundown,
        "providers", encode_providers(session), "more_providers", (int)session->more_providers,
        "everything", session->everything, "rundown",
        session->rundown_known ? json_boolean(session->wants_rundown) : json_null(), "buffer_bytes",
        session->buffer_bytes ? json_integer((json_int_t)session->buffer_bytes) : json_null(),
        "client", encode_client(client.peer), "client_state", client_name(client.client),
        "unread_bytes", (json_int_t)client.unread, "asked_by",
        json_text_or_null(session_asked_by(seen, session)));
}

static json_t *encode_account(const struct survey *survey, const struct provider_account *account)
{
    struct event_set excess = account_excess(account);
    json_t *item, *by = json_array();

    for (size_t i = 0; i < survey->seen.sessions.count; i++) {
        const struct session *session = &survey->seen.sessions.items[i];
        struct event_set part = account_part(account, session);

        if (account->sessions >> session->index & 1)
            json_array_append_new(by, json_pack("{s:i, s:o, s:i}", "session", (int)session->index,
                                                "keywords", json_hex(part.keywords), "level",
                                                (int)part.level));
    }
    item = json_pack(
        "{s:s, s:o, s:o, s:o, s:i, s:o, s:b}", "name", account->name, "keywords",
        account->is_known ? json_hex(account->effective.keywords) : json_null(), "level",
        account->is_known ? json_integer(account->effective.level) : json_null(), "wanted_keywords",
        json_hex(account->wanted.keywords), "wanted_level", (int)account->wanted.level, "by", by,
        "stale", account->is_stale && !survey_is_ending(survey));
    if (account->is_stale)
        json_object_set_new(item, "nobodys",
                            json_pack("{s:o, s:i}", "keywords", json_hex(excess.keywords), "level",
                                      (int)excess.level));
    return item;
}

/* As `clrmon check` has it, unless it was judged by a lower bar and something is left on. */
static enum verdict verdict_of(const struct survey *survey)
{
    struct judgement judgement;

    judge(&survey->seen, LEVEL_VERBOSE, &judgement);
    return survey->judgement.verdict == VERDICT_LEAKED ? VERDICT_LEAKED : judgement.verdict;
}

json_t *sessions_survey_json(const struct survey *survey)
{
    const struct observation *seen = &survey->seen;
    json_t *sessions = json_array(), *effective = json_array();

    for (size_t i = 0; i < seen->sessions.count; i++)
        json_array_append_new(sessions, session_json(seen, &seen->sessions.items[i], "start"));
    for (size_t i = 0; i < survey->account.count; i++)
        json_array_append_new(effective, encode_account(survey, &survey->account.items[i]));
    return json_pack(
        "{s:o, s:o, s:i, s:o, s:s}", "sessions", sessions, "effective", effective, "more_effective",
        (int)survey->account.more, "effective_reason",
        json_text_or_null(survey->providers_readable ? "" : survey->providers_why.text), "verdict",
        verdict_name(verdict_of(survey)));
}

/* Sessions that can't be read: what the sockets say, and what clrmond has seen. */
static json_t *encode_unread(const struct sessions_report *report)
{
    const struct observation *seen = &report->survey.seen;
    json_t *clients = json_array();

    for (size_t i = 0; seen->clients_readable && i < seen->clients.peer_count; i++)
        json_array_append_new(clients, encode_client(&seen->clients.peers[i]));
    return json_pack("{s:s, s:o, s:O?}", "reason", seen->sessions_why.text, "clients", clients,
                     "events", report->record);
}

json_t *sessions_report_json(const struct sessions_report *report)
{
    const struct survey *survey = &report->survey;
    json_t *item = json_process(&report->target.process);

    json_object_set_new(item, "pid", json_integer(report->pid));
    if (!report->opened) {
        json_object_set_new(item, "reason", json_string(report->why.text));
        return item;
    }
    json_object_set_new(item, "runtime", json_runtime(&report->target));
    json_object_update_new(item, sessions_survey_json(survey));
    if (!survey->seen.sessions_readable) {
        json_object_set_new(item, "sessions", json_null());
        json_object_set_new(item, "not_read", encode_unread(report));
    }
    return item;
}
