/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "listener.h"

#define ACCURACY_US 1000
#define WINDOW_US   (100 * 1000)
#define TURNS_MAX   200 /* in a window */
#define US_PER_S    1000000
#define TEXT_TYPE   "text/plain; charset=utf-8"

struct client {
    int fd; /* libmicrohttpd's; -1: none */
    uint64_t deadline;
    size_t unread; /* bytes of its answer */
};

struct http {
    struct http_service service;
    struct MHD_Daemon *daemon;
    int fd; /* listens */
    sd_event_source *io;
    sd_event_source *timer;
    bool has_room; /* a connection has ended: the library accepts again at its next turn */
    struct client clients[HTTP_CONNECTIONS_MAX];
};

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / 1000;
}

static struct client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static size_t unread(const struct http *http)
{
    size_t sum = 0;

    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        sum += http->clients[i].unread;
    return sum;
}

/* @data is taken over with MHD_RESPMEM_MUST_FREE, also on failure. */
static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type,
                               char *data, size_t size, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(size, data, mode);
    struct client *client = client_of(connection);
    enum MHD_Result r = MHD_NO;

    if (!response) {
        if (mode == MHD_RESPMEM_MUST_FREE)
            free(data);
        return MHD_NO;
    }
    if (client && mode == MHD_RESPMEM_MUST_FREE)
        client->unread = size;
    if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") &&
        (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
         MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD")))
        r = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return r;
}

static enum MHD_Result respond_line(struct MHD_Connection *connection, unsigned status,
                                    const char *line)
{
    char text[sizeof(struct reason) + 1];
    int size = snprintf(text, sizeof(text), "%s\n", line);

    return respond(connection, status, TEXT_TYPE, text, (size_t)size, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result answer_metrics(struct http *http, struct MHD_Connection *connection)
{
    enum exposition_format format = exposition_format_of_accept(
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
    struct reason why = {"no metrics"};
    char *text = NULL;
    size_t size = 0;

    if (unread(http) > HTTP_UNREAD_MAX)
        return respond_line(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                            "too many answers that nobody reads");
    if (http->service.metrics(http->service.context, format, &text, &size, &why) < 0)
        return respond_line(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, why.text);
    return respond(connection, MHD_HTTP_OK, exposition_content_type(format), text, size,
                   MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result answer_health(struct http *http, struct MHD_Connection *connection)
{
    struct reason why = {"not healthy"};

    if (http->service.health(http->service.context, &why) < 0)
        return respond_line(connection, MHD_HTTP_SERVICE_UNAVAILABLE, why.text);
    return respond_line(connection, MHD_HTTP_OK, "ok");
}

static enum MHD_Result answer_root(struct http *http, struct MHD_Connection *connection)
{
    return respond_line(connection, MHD_HTTP_OK,
                        "clrmond " CLRMON_VERSION ": GC event state of .NET processes\n"
                        "/metrics for Prometheus, /healthz");
}

static const struct {
    const char *path;
    enum MHD_Result (*answer)(struct http *http, struct MHD_Connection *connection);
} pages[] = {
    {"/", answer_root},
    {"/metrics", answer_metrics},
    {"/healthz", answer_health},
};

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *body, size_t *body_size, void **state)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return respond_line(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only");
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        if (strcmp(path, pages[i].path) == 0)
            return pages[i].answer(context, connection);
    }
    return respond_line(connection, MHD_HTTP_NOT_FOUND, "no such page");
}

static void client_begins(struct http *http, struct MHD_Connection *connection, void **place)
{
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        struct client *client = &http->clients[i];

        if (client->fd >= 0)
            continue;
        *client = (struct client){.fd = fd, .deadline = now_us() + http->service.deadline_us};
        *place = client;
        return;
    }
    shutdown(fd, SHUT_RDWR);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **place,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = context;
    struct client *client = *place;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        client_begins(http, connection, place);
        return;
    }
    http->has_room = true;
    if (client)
        *client = (struct client){.fd = -1};
}

/* libmicrohttpd closes what it finds shut down, and tells on_connection(). */
static void end_late_clients(struct http *http, uint64_t now)
{
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        struct client *client = &http->clients[i];

        if (client->fd < 0 || client->deadline > now)
            continue;
        client->deadline = UINT64_MAX;
        shutdown(client->fd, SHUT_RDWR);
    }
}

static int arm_timer(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    uint64_t next = http->has_room ? 0 : UINT64_MAX;
    int r;

    http->has_room = false;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        if (http->clients[i].fd >= 0 && http->clients[i].deadline < next)
            next = http->clients[i].deadline;
    }
    if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES && now_us() + wait_ms * 1000 < next)
        next = now_us() + wait_ms * 1000;
    if (next == UINT64_MAX)
        return sd_event_source_set_enabled(http->timer, SD_EVENT_OFF);
    r = sd_event_source_set_time(http->timer, next);
    return r < 0 ? r : sd_event_source_set_enabled(http->timer, SD_EVENT_ONESHOT);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct http *http = context;

    MHD_run(http->daemon);
    return arm_timer(http);
}

static int on_timer(sd_event_source *source, uint64_t time, void *context)
{
    struct http *http = context;

    end_late_clients(http, now_us());
    MHD_run(http->daemon);
    return arm_timer(http);
}

/* The limit of turns is for what the library cannot put right itself: accept() without descriptors.
 */
static int join_loop(struct http *http, sd_event *event)
{
    int fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int r = sd_event_add_io(event, &http->io, fd, EPOLLIN, on_readable, http);

    if (r < 0 || (r = sd_event_source_set_ratelimit(http->io, WINDOW_US, TURNS_MAX)) < 0 ||
        (r = sd_event_add_time(event, &http->timer, CLOCK_MONOTONIC, 0, ACCURACY_US, on_timer,
                               http)) < 0)
        return r;
    return 0;
}

static int start(struct http *http, sd_event *event, struct reason *why)
{
    int r;

    http->daemon =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET,
                         http->fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
                         MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_PER_ADDRESS_MAX,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_MAX,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
    if (!http->daemon)
        return reason_set(why, -EIO, "libmicrohttpd does not start");
    r = join_loop(http, event);
    if (r < 0)
        return reason_set(why, r, "the server for metrics cannot join the loop: %s",
                          strerrordesc_np(-r));
    return 0;
}

int http_new(struct http **out, sd_event *event, const char *listen_text, int fd,
             const struct http_service *service, struct reason *why)
{
    _close_ int listener = fd;
    _http_free_ struct http *http = NULL;
    int r;

    *out = NULL;
    if (fd < 0 && listen_text[0] == '\0')
        return 0;
    r = fd < 0 ? listener_open(listen_text, &listener, why) : listener_inherit(fd, why);
    if (r < 0)
        return r;
    http = calloc(1, sizeof(*http));
    if (!http)
        return reason_set(why, -ENOMEM, "no memory for the server for metrics");
    http->service = *service;
    http->service.deadline_us = service->deadline_us ? service->deadline_us : HTTP_DEADLINE_US;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        http->clients[i].fd = -1;
    http->fd = TAKE_FD(listener);
    r = start(http, event, why);
    if (r < 0)
        return r;
    *out = TAKE_PTR(http);
    return 0;
}

/* libmicrohttpd closes the listening socket too. */
void http_free(struct http **http)
{
    if (!*http)
        return;
    sd_event_source_disable_unref((*http)->io);
    sd_event_source_disable_unref((*http)->timer);
    if ((*http)->daemon)
        MHD_stop_daemon((*http)->daemon);
    else
        close((*http)->fd);
    free(*http);
    *http = NULL;
}

void http_address(const struct http *http, char text[static LISTENER_TEXT_MAX])
{
    listener_address(http->fd, text);
}
