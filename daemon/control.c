/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "control_connection.h"
#include "control_socket.h"

#define PATIENCE_US      30000000
#define ACCEPT_AT_A_TIME 16

struct control {
    struct control_service service;
    struct control_socket socket;
    gid_t group;
    struct reason notice;
    uint64_t tick_us;
    uint64_t min_wait_ns; /* that was asked for last; UINT64_MAX: none */
    bool ticking;
    sd_event_source *accepting;
    sd_event_source *ticks;
    struct connection *connections[CONTROL_CLIENTS_MAX];
    size_t count;
};

/* Ticks only while there is somebody to be patient with. They are counted, not timed: after the
 * daemon itself stood still, it is nobody's fault. */
static void tick_later(struct control *control)
{
    if (!control->ticking &&
        sd_event_source_set_time_relative(control->ticks, control->tick_us) >= 0 &&
        sd_event_source_set_enabled(control->ticks, SD_EVENT_ONESHOT) >= 0)
        control->ticking = true;
}

static int on_tick(sd_event_source *source, uint64_t now, void *data)
{
    struct control *control = data;

    control->ticking = false;
    (void)sd_event_source_set_enabled(control->accepting, SD_EVENT_ON);
    for (size_t i = 0; i < control->count; i++)
        connection_tick(control->connections[i]);
    if (control->count)
        tick_later(control);
    return 0;
}

/* Whoever wants the shortest waits decides what is asked for. */
static void on_turn(void *server)
{
    struct control *control = server;
    const struct control_service *service = &control->service;
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < control->count; i++) {
        uint64_t wanted = connection_min_wait_ns(control->connections[i]);

        least = wanted < least ? wanted : least;
    }
    if (least == control->min_wait_ns)
        return;
    control->min_wait_ns = least;
    service->handlers->follow_waits(service->context, least);
}

static void on_gone(void *server, struct connection *gone)
{
    struct control *control = server;

    for (size_t i = 0; i < control->count; i++)
        if (control->connections[i] == gone) {
            control->connections[i] = control->connections[--control->count];
            break;
        }
    connection_free(&gone);
    on_turn(server);
}

/* Takes over @fd. */
static void welcome(struct control *control, int fd)
{
    if (!control_peer_may_ask(fd, control->group))
        return connection_refuse(fd, "only root and the group clrmon may ask");
    if (control->count == CONTROL_CLIENTS_MAX)
        return connection_refuse(fd, "clrmond has as many clients as it takes: try later");
    if (connection_new(&control->connections[control->count], &control->service, fd,
                       control_peer_may_switch(fd)) < 0)
        return;
    control->count++;
    tick_later(control);
}

static int on_accept(sd_event_source *source, int listening, uint32_t revents, void *data)
{
    struct control *control = data;

    for (unsigned i = 0; i < ACCEPT_AT_A_TIME; i++) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            welcome(control, fd);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR)
            continue;
        if (errno != EAGAIN) { /* no descriptors left: not again at once */
            (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
            tick_later(control);
        }
        break;
    }
    return 0;
}

static int set_up(struct control *control)
{
    sd_event *loop = control->service.loop;
    int r =
        sd_event_add_io(loop, &control->accepting, control->socket.fd, EPOLLIN, on_accept, control);

    if (r >= 0)
        r = sd_event_add_time_relative(loop, &control->ticks, CLOCK_MONOTONIC, control->tick_us,
                                       control->tick_us / 4, on_tick, control);
    if (r >= 0)
        r = sd_event_source_set_enabled(control->ticks, SD_EVENT_OFF);
    return r;
}

static void note_group(struct control *control, const struct control_setup *setup)
{
    if (control->group == NO_GROUP)
        reason_set(&control->notice, 0, "there is no group %.60s: only root may ask", setup->group);
    else if (!control->socket.shared)
        reason_set(&control->notice, 0,
                   "no rights to give %.80s to group %.30s (SupplementaryGroups=, or a socket "
                   "unit): only root may ask",
                   setup->path, setup->group);
}

int control_new(struct control **out, sd_event *loop, const struct control_setup *setup,
                const struct control_handlers *handlers, void *context, struct reason *why)
{
    _cleanup_(control_free) struct control *control = calloc(1, sizeof(*control));
    int r;

    if (!control)
        return reason_set(why, -ENOMEM, "no memory");
    control->service = (struct control_service){.loop = sd_event_ref(loop),
                                                .handlers = handlers,
                                                .context = context,
                                                .min_wait_ns = setup->min_wait_ns,
                                                .gone = on_gone,
                                                .turn = on_turn,
                                                .server = control};
    control->tick_us = (setup->patience_us ? setup->patience_us : PATIENCE_US) / 4;
    control->min_wait_ns = UINT64_MAX;
    control->socket.fd = -1;
    control->group = control_group(setup->group);
    r = control_socket_open(&control->socket, setup->path, control->group, why);
    if (r < 0)
        return r;
    note_group(control, setup);
    r = set_up(control);
    if (r < 0)
        return reason_set(why, r, "the event loop takes no control socket");
    *out = TAKE_PTR(control);
    return 0;
}

void control_free(struct control **held)
{
    struct control *control = TAKE_PTR(*held);

    if (!control)
        return;
    for (size_t i = 0; i < control->count; i++)
        connection_free(&control->connections[i]);
    sd_event_source_disable_unref(control->accepting);
    sd_event_source_disable_unref(control->ticks);
    control_socket_close(&control->socket);
    sd_event_unref(control->service.loop);
    free(control);
}

const char *control_notice(const struct control *control)
{
    return control->notice.text;
}

static bool is_wanted(const struct control *control, const struct publication *publication)
{
    for (size_t i = 0; i < control->count; i++)
        if (connection_wants(control->connections[i], publication))
            return true;
    return false;
}

/* Encoded once for all. */
static void publish(struct control *control, const struct publication *publication, json_t *item)
{
    const struct control_answer answer = {.type = CONTROL_ITEM, .item = item};
    json_int_t id = json_integer_value(json_object_get(item, "id"));
    struct packet *packet = item ? packet_new(&answer, (uint64_t)id) : NULL;

    if (!packet) {
        control->service.drops++;
        return;
    }
    for (size_t i = 0; i < control->count; i++)
        connection_publish(control->connections[i], publication, packet);
    packet_release(&packet);
}

bool control_is_followed(const struct control *control)
{
    for (size_t i = 0; i < control->count; i++)
        if (connection_follows(control->connections[i], CONTROL_EVENTS))
            return true;
    return false;
}

void control_publish(struct control *control, json_t *event)
{
    const struct publication publication = {
        .verb = CONTROL_EVENTS,
        .pid = (pid_t)json_integer_value(json_object_get(event, "pid")),
    };

    if (is_wanted(control, &publication))
        publish(control, &publication, event);
}

static struct publication wait_of(pid_t pid, uint64_t wait_ns)
{
    return (struct publication){.verb = CONTROL_CONTENTION, .pid = pid, .wait_ns = wait_ns};
}

bool control_wants_wait(const struct control *control, pid_t pid, uint64_t wait_ns)
{
    const struct publication publication = wait_of(pid, wait_ns);

    return is_wanted(control, &publication);
}

void control_publish_wait(struct control *control, pid_t pid, uint64_t wait_ns, json_t *wait)
{
    const struct publication publication = wait_of(pid, wait_ns);

    if (is_wanted(control, &publication))
        publish(control, &publication, wait);
}

void control_health(const struct control *control, struct health *health)
{
    health->clients = control->count;
    health->client_drops = control->service.drops;
}
