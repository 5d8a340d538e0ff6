/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"
#include "report/json.h"
#include "report/sessions.h"

static json_t *encode_set(enum provider provider, struct event_set set)
{
    char level[LEVEL_TEXT_MAX], keywords[KEYWORDS_TEXT_MAX];

    level_format(set, level);
    keywords_format(provider, set.keywords, keywords);
    return json_pack("{s:i, s:o, s:s, s:s}", "level", (int)set.level, "keywords",
                     json_hex(set.keywords), "level_name", level, "keyword_names", keywords);
}

static json_t *encode_gc(const struct observation *seen)
{
    if (!seen->gc_readable)
        return json_pack("{s:n, s:n, s:n, s:s}", "public", "private", "source", "reason",
                         seen->gc_why.text);
    return json_pack("{s:o, s:o, s:s}", "public", encode_set(PROVIDER_RUNTIME, seen->gc.public),
                     "private", encode_set(PROVIDER_PRIVATE, seen->gc.private), "source",
                     seen->gc_source);
}

static json_t *encode_contexts(const struct observation *seen)
{
    json_t *all = json_array();

    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        for (enum sink sink = 0; sink < SINK_MAX; sink++) {
            const struct observed_context *context = &seen->contexts[provider][sink];
            json_t *item;

            if (!context->readable)
                continue;
            item = encode_set(provider, context->context.set);
            json_object_set_new(item, "name", json_string(provider_name(provider)));
            json_object_set_new(item, "sink", json_string(sink_name(sink)));
            json_object_set_new(item, "enabled", json_boolean(context->context.enabled));
            json_array_append_new(all, item);
        }
    return all;
}

static json_t *encode_sessions(const struct observation *seen)
{
    json_t *all;

    if (!seen->sessions_readable)
        return json_null();
    all = json_array();
    for (size_t i = 0; i < seen->sessions.count; i++)
        json_array_append_new(all, session_json(seen, &seen->sessions.items[i], "started"));
    return all;
}

/* The provider object: its mask has a bit for each session that gets its events. */
static json_t *encode_provider(const struct observation *seen)
{
    if (!seen->provider_readable)
        return json_null();
    return json_pack("{s:i, s:o, s:o}", "level", (int)seen->provider.level, "keywords",
                     json_hex(seen->provider.keywords), "sessions_mask",
                     json_hex(seen->provider_sessions));
}

static json_t *encode_clients(const struct observation *seen)
{
    json_t *all = json_array();

    for (size_t i = 0; seen->clients_readable && i < seen->clients.peer_count; i++) {
        const struct peer *peer = &seen->clients.peers[i];

        json_array_append_new(all, json_pack("{s:i, s:s, s:s, s:b}", "pid", (int)peer->pid, "name",
                                             peer->name, "command", peer->command, "reverse",
                                             peer->reverse));
    }
    return all;
}

static json_t *encode_reasons(const struct report *report)
{
    json_t *all = json_array();

    if (!report->opened)
        json_array_append_new(all, json_string(report->why.text));
    for (size_t i = 0; i < report->judgement.reason_count; i++)
        json_array_append_new(all, json_string(report->judgement.reasons[i]));
    return all;
}

/* What could not be read, beside the GC's state, which has its own place. */
static json_t *encode_unread(const struct observation *seen)
{
    json_t *all = json_array();

    if (seen->contexts_why.text[0])
        json_array_append_new(all, json_sprintf("contexts: %s", seen->contexts_why.text));
    if (!seen->sessions_readable)
        json_array_append_new(all, json_sprintf("sessions: %s", seen->sessions_why.text));
    if (!seen->clients_readable)
        json_array_append_new(all, json_sprintf("clients: %s", seen->clients_why.text));
    return all;
}

json_t *report_json(const struct report *report)
{
    const struct observation *seen = &report->observation;
    json_t *item = json_process(&report->target.process);

    json_object_set_new(item, "pid", json_integer(report->pid));
    json_object_set_new(item, "runtime",
                        report->opened ? json_runtime(&report->target) : json_null());
    if (report->opened) {
        json_object_set_new(item, "gc", encode_gc(seen));
        json_object_set_new(item, "providers", encode_contexts(seen));
        json_object_set_new(item, "eventpipe_provider", encode_provider(seen));
        json_object_set_new(item, "sessions", encode_sessions(seen));
        json_object_set_new(item, "clients", encode_clients(seen));
        json_object_set_new(item, "not_read", encode_unread(seen));
    } else {
        json_object_set_new(item, "gc", json_null());
        json_object_set_new(item, "providers", json_array());
        json_object_set_new(item, "clients", json_array());
    }
    json_object_set_new(item, "verdict", json_string(verdict_name(report->judgement.verdict)));
    json_object_set_new(item, "reasons", encode_reasons(report));
    return item;
}

enum verdict summary_worst(const struct summary *summary)
{
    enum verdict worst = VERDICT_MAX - 1;

    while (worst > VERDICT_OFF && !summary->counts[worst])
        worst--;
    return worst;
}

json_t *report_document_of(json_t *processes, const struct summary *summary)
{
    json_t *sums = json_object();

    json_object_set_new(sums, "processes", json_integer((json_int_t)summary->processes));
    for (enum verdict verdict = 0; verdict < VERDICT_MAX; verdict++)
        json_object_set_new(sums, verdict_name(verdict),
                            json_integer((json_int_t)summary->counts[verdict]));
    json_object_set_new(sums, "not_examined", json_integer(summary->hidden));
    json_object_set_new(sums, "worst", json_string(verdict_name(summary_worst(summary))));
    return json_pack("{s:s, s:o, s:o}", "schema", "clrmon.check/1", "processes", processes,
                     "summary", sums);
}

json_t *report_document(struct report *const *reports, size_t count, const struct summary *summary)
{
    json_t *processes = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(processes, report_json(reports[i]));
    return report_document_of(processes, summary);
}
