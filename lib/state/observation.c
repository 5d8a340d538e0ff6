/* SPDX-License-Identifier: Apache-2.0 */
#include "state/observation.h"

const char *sink_name(enum sink sink)
{
    static const char *const names[SINK_MAX] = {
        [SINK_EVENTPIPE] = "EventPipe",
        [SINK_LTTNG] = "LTTng",
        [SINK_USER_EVENTS] = "user_events",
    };

    return names[sink];
}

const char *client_name(enum client client)
{
    static const char *const names[CLIENT_MAX] = {
        [CLIENT_NONE] = "none", [CLIENT_ALIVE] = "alive",   [CLIENT_STOPPED] = "stopped",
        [CLIENT_GONE] = "gone", [CLIENT_HIDDEN] = "hidden", [CLIENT_UNKNOWN] = "unknown",
    };

    return names[client];
}

static size_t sessions_of_clients(const struct observation *observation)
{
    size_t count = 0;

    for (size_t i = 0; i < observation->sessions.count; i++)
        count += observation->sessions.items[i].type == SESSION_IPC_STREAM;
    return count;
}

static const struct diagnostics_connection *only_connection(const struct observation *observation)
{
    const struct diagnostics *clients = &observation->clients;
    const struct diagnostics_connection *only = clients->connections;

    if (sessions_of_clients(observation) != 1 || clients->connection_count != 1)
        return NULL;
    return only->far == FAR_PEER && clients->peers[only->peer].reverse ? NULL : only;
}

struct session_client session_client_of(const struct observation *observation,
                                        const struct session *session)
{
    const struct diagnostics_connection *connection;
    const struct peer *peer;

    if (session->type != SESSION_IPC_STREAM)
        return (struct session_client){.client = CLIENT_NONE};
    if (!observation->clients_readable)
        return (struct session_client){.client = CLIENT_UNKNOWN};
    connection = session->socket ? diagnostics_find(&observation->clients, session->socket)
                                 : only_connection(observation);
    if (!connection)
        return (struct session_client){.client = CLIENT_UNKNOWN};
    if (connection->far == FAR_CLOSED)
        return (struct session_client){.client = CLIENT_GONE};
    if (connection->far == FAR_UNSEEN)
        return (struct session_client){.client = CLIENT_HIDDEN, .unread = connection->unread};
    peer = &observation->clients.peers[connection->peer];
    return (struct session_client){
        .client = peer_is_stopped(peer) ? CLIENT_STOPPED : CLIENT_ALIVE,
        .peer = peer,
        .unread = connection->unread,
    };
}

const char *session_asked_by(const struct observation *observation, const struct session *session)
{
    const struct asked_by_environment *asked = &observation->environment;
    bool file = session->type == SESSION_FILE || session->type == SESSION_FILE_STREAM;

    return file && asked->event_pipe ? asked->event_pipe_knob : NULL;
}

bool observation_is_active(const struct observation *observation, enum provider provider,
                           enum sink sink)
{
    const struct observed_context *seen = &observation->contexts[provider][sink];
    bool trusts_enabled = observation->context_has_enabled || sink != SINK_EVENTPIPE;

    if (!seen->readable || (trusts_enabled && !seen->context.enabled))
        return false;
    return seen->context.set.level > 0 && seen->context.set.keywords != 0;
}
