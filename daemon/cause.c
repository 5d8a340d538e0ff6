/* SPDX-License-Identifier: Apache-2.0 */
#include "cause.h"

static bool has_session(const struct observation *seen, enum session_type type)
{
    for (size_t i = 0; i < seen->sessions.count; i++)
        if (seen->sessions.items[i].type == type)
            return true;
    return false;
}

static bool in_rundown(const struct observation *seen)
{
    for (size_t i = 0; i < seen->sessions.count; i++)
        if (seen->sessions.items[i].in_rundown)
            return true;
    return false;
}

/* The newest session is the one that has just come. */
static const struct session *newest(const struct observation *seen)
{
    const struct session *newest = NULL;

    for (size_t i = 0; i < seen->sessions.count; i++)
        if (!newest || seen->sessions.items[i].start > newest->start)
            newest = &seen->sessions.items[i];
    return newest;
}

/* With no session left it was the last one that went, and a client that had it. */
static enum event_cause cause_of_session(const struct cause_facts *facts,
                                         const struct observation *seen)
{
    const struct session *session = newest(seen);

    if (!session)
        return facts->had_client ? CAUSE_CLIENT : CAUSE_UNKNOWN;
    switch (session->type) {
    case SESSION_LISTENER:
        return CAUSE_LISTENER;
    case SESSION_FILE:
    case SESSION_FILE_STREAM:
        return seen->environment.event_pipe ? CAUSE_ENVIRONMENT : CAUSE_UNKNOWN;
    case SESSION_IPC_STREAM:
    case SESSION_USER_EVENTS:
        return CAUSE_CLIENT;
    default:
        return CAUSE_UNKNOWN;
    }
}

enum event_cause cause_of(const struct cause_facts *facts, const struct observation *seen)
{
    if (facts->first && facts->empty)
        return CAUSE_RUNTIME_START;
    if (facts->first && (seen->environment.event_log || has_session(seen, SESSION_FILE) ||
                         has_session(seen, SESSION_FILE_STREAM)))
        return CAUSE_ENVIRONMENT;
    if (!facts->callback && !(facts->more && seen->sessions.count))
        return CAUSE_COLLECTION;
    if (in_rundown(seen))
        return CAUSE_RUNDOWN;
    return cause_of_session(facts, seen);
}

static bool is_among(const struct peer *peers, size_t count, const struct peer *peer)
{
    for (size_t i = 0; i < count; i++)
        if (peers[i].socket == peer->socket && peers[i].pid == peer->pid)
            return true;
    return false;
}

/* The one of @peers that is not among @others; NULL: none, or more than one. */
static const struct peer *only_one(const struct peer *peers, size_t count,
                                   const struct peer *others, size_t other_count)
{
    const struct peer *found = NULL;

    for (size_t i = 0; i < count; i++) {
        if (is_among(others, other_count, &peers[i]))
            continue;
        if (found)
            return NULL;
        found = &peers[i];
    }
    return found;
}

const struct peer *client_of_change(const struct clients *before, const struct diagnostics *now)
{
    const struct peer *come = only_one(now->peers, now->peer_count, before->items, before->count);
    const struct peer *gone = only_one(before->items, before->count, now->peers, now->peer_count);

    if (come)
        return come;
    if (gone)
        return gone;
    return now->peer_count == 1 ? &now->peers[0] : NULL;
}
