/* SPDX-License-Identifier: Apache-2.0 */
#include "control_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "util/clock.h"

#define SLICE       32 /* items that are produced in one turn of the loop, and in advance */
#define SLICE_BYTES (QUEUE_BYTES_MAX / 2)
#define RESUME_AT   (QUEUE_PACKETS_MAX / 2) /* after a drop, room for a while first */
#define SLICE_NS    (20 * NS_PER_MS)        /* and no longer: others wait for the loop as well */
#define AGAIN_US    (20 * UINT64_C(1000))
#define TICKS_MAX   5

struct connection {
    struct control_service *service;
    int fd;
    sd_event_source *source;
    uint32_t events; /* what the loop waits for */
    unsigned ticks;  /* without a movement */
    bool may_switch;

    bool answering;
    struct control_request request;
    const struct control_source *producer; /* NULL: none is open */
    void *cursor;
    sd_event_source *again; /* NULL: none was needed so far */
    bool pauses;            /* the producer has nothing yet */
    uint64_t given;         /* items, for the limit */

    struct queue queue;
    uint64_t dropped; /* not told yet */

    /* Events that come while history is read for a follower: told afterwards, except for those that
     * were in the history. Those of which there were too many are as good as in it, if it reaches
     * that far. */
    struct queue held;
    uint64_t last_id; /* read from history */
    uint64_t lost, lost_id;
};

static void shut(struct connection *connection)
{
    (void)shutdown(connection->fd, SHUT_RDWR);
}

/* What there is no memory for, or does not fit into a packet, is dropped as well. */
static void drop(struct connection *connection, uint64_t count)
{
    connection->dropped += count;
    connection->service->drops += count;
}

static void push(struct connection *connection, struct packet *packet)
{
    if (packet && queue_push(&connection->queue, packet))
        return;
    packet_release(&packet);
    drop(connection, 1);
}

static void tell_dropped(struct connection *connection)
{
    const struct control_answer answer = {.type = CONTROL_DROPPED, .count = connection->dropped};
    struct packet *packet = connection->dropped ? packet_new(&answer, 0) : NULL;

    if (packet && queue_push(&connection->queue, TAKE_PTR(packet)))
        connection->dropped = 0;
    packet_release(&packet);
}

static void push_last(struct connection *connection, const struct control_answer *answer)
{
    struct packet *packet = packet_new(answer, 0);

    tell_dropped(connection);
    if (!packet || !queue_push(&connection->queue, packet)) {
        packet_release(&packet);
        shut(connection);
    }
}

static void close_producer(struct connection *connection)
{
    if (connection->producer)
        connection->producer->close(connection->service->context, connection->cursor);
    connection->producer = NULL;
    connection->pauses = false;
    (void)sd_event_source_set_enabled(connection->again, SD_EVENT_OFF);
}

static void finish(struct connection *connection)
{
    close_producer(connection);
    queue_clear(&connection->held);
    connection->request.follow = false;
    push_last(connection, &(struct control_answer){.type = CONTROL_END});
}

static void fail(struct connection *connection, const struct reason *why)
{
    close_producer(connection);
    queue_clear(&connection->held);
    connection->request.follow = false;
    push_last(connection, &(struct control_answer){.type = CONTROL_ERROR, .reason = *why});
}

static uint64_t event_id(const json_t *event)
{
    json_int_t id = json_integer_value(json_object_get(event, "id"));

    return id > 0 ? (uint64_t)id : 0;
}

/* Releases @item. */
static void push_item(struct connection *connection, json_t *item)
{
    const struct control_answer answer = {.type = CONTROL_ITEM, .item = item};
    uint64_t id = event_id(item);

    if (id > connection->last_id)
        connection->last_id = id;
    push(connection, item ? packet_new(&answer, id) : NULL);
    json_decref(item);
    connection->given++;
}

static bool is_enough(const struct connection *connection)
{
    return connection->request.limit && connection->given >= connection->request.limit;
}

static void deliver(struct connection *connection, struct packet *event)
{
    if (connection->dropped && connection->queue.count > RESUME_AT)
        return drop(connection, 1);
    tell_dropped(connection);
    push(connection, packet_take(event));
    connection->given++;
    if (is_enough(connection))
        finish(connection);
}

static void transmit(struct connection *connection)
{
    struct packet *packet;

    while ((packet = queue_peek(&connection->queue))) {
        if (send(connection->fd, packet->text, packet->size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            if (errno != EAGAIN)
                shut(connection);
            return;
        }
        packet = queue_pop(&connection->queue);
        packet_release(&packet);
        connection->ticks = 0;
        if (connection->dropped && !connection->queue.count)
            tell_dropped(connection);
    }
    connection->answering = connection->producer || connection->request.follow;
}

/* The follower has read its history: now what has happened meanwhile. */
static void catch_up(struct connection *connection)
{
    struct packet *event;

    close_producer(connection);
    if (connection->lost_id > connection->last_id)
        drop(connection, connection->lost);
    while ((event = queue_pop(&connection->held))) {
        if (event->id > connection->last_id && connection->request.follow) {
            deliver(connection, event);
            transmit(connection);
        }
        packet_release(&event);
    }
}

static int on_again(sd_event_source *source, uint64_t time, void *data);

static int pause_producer(struct connection *connection)
{
    int r;

    if (!connection->again)
        r = sd_event_add_time_relative(connection->service->loop, &connection->again,
                                       CLOCK_MONOTONIC, AGAIN_US, 0, on_again, connection);
    else
        r = sd_event_source_set_time_relative(connection->again, AGAIN_US);
    if (r >= 0)
        r = sd_event_source_set_enabled(connection->again, SD_EVENT_ONESHOT);
    connection->pauses = r >= 0;
    return r;
}

static void produce(struct connection *connection)
{
    const struct control_service *service = connection->service;
    uint64_t until = clock_monotonic_ns() + SLICE_NS;
    struct queue *queue = &connection->queue;
    struct reason why = {"no memory"};

    for (unsigned i = 0; i < SLICE && connection->producer && !connection->pauses; i++) {
        json_t *item = NULL;
        int r;

        if (queue->count >= SLICE || queue->bytes >= SLICE_BYTES || clock_monotonic_ns() > until)
            return;
        r = connection->producer->next(service->context, connection->cursor, &item, &why);
        if (r == -EAGAIN && pause_producer(connection) >= 0)
            return;
        if (r > 0)
            push_item(connection, item);
        if (r < 0)
            fail(connection, &why);
        else if (is_enough(connection) || (r == 0 && !connection->request.follow))
            finish(connection);
        else if (r == 0 && queue->count)
            return; /* asks again when there is room for all that was held */
        else if (r == 0)
            catch_up(connection);
    }
}

static void await(struct connection *connection)
{
    bool sends = connection->queue.count || (connection->producer && !connection->pauses);
    uint32_t events = (sends ? EPOLLOUT : 0) | (connection->answering ? 0 : EPOLLIN);

    if (events != connection->events &&
        sd_event_source_set_io_events(connection->source, events) >= 0)
        connection->events = events;
}

static int on_again(sd_event_source *source, uint64_t time, void *data)
{
    struct connection *connection = data;

    connection->pauses = false;
    connection->ticks = 0;
    produce(connection);
    transmit(connection);
    await(connection);
    return 0;
}

static void answer_status(struct connection *connection)
{
    const struct control_service *service = connection->service;

    push_item(connection, service->handlers->status(service->context));
    finish(connection);
}

static void open_producer(struct connection *connection, const struct control_source *source)
{
    struct reason why = {"no memory"};
    int r =
        source->open(connection->service->context, &connection->request, &connection->cursor, &why);

    if (r < 0)
        return fail(connection, &why);
    connection->producer = source;
}

static void begin_events(struct connection *connection)
{
    if (!connection->request.follow || connection->request.since_us)
        open_producer(connection, &connection->service->handlers->history);
}

static void begin_contention(struct connection *connection)
{
    if (!connection->request.follow)
        open_producer(connection, &connection->service->handlers->contention);
    else if (!connection->request.min_wait_ns)
        connection->request.min_wait_ns = connection->service->min_wait_ns;
}

static void begin_probes(struct connection *connection)
{
    if (connection->request.family[0] && !connection->may_switch)
        return fail(connection, &(struct reason){"only root may switch probes"});
    open_producer(connection, &connection->service->handlers->probes);
}

static void begin_check(struct connection *connection)
{
    open_producer(connection, &connection->service->handlers->check);
}

static void begin(struct connection *connection)
{
    static void (*const beginnings[CONTROL_VERB_MAX])(struct connection * connection) = {
        [CONTROL_STATUS] = answer_status,        [CONTROL_CHECK] = begin_check,
        [CONTROL_EVENTS] = begin_events,         [CONTROL_HISTORY] = begin_events,
        [CONTROL_CONTENTION] = begin_contention, [CONTROL_PROBES] = begin_probes,
    };

    connection->given = connection->last_id = connection->lost = connection->lost_id = 0;
    beginnings[connection->request.verb](connection);
}

static void take_request(struct connection *connection)
{
    char bytes[CONTROL_REQUEST_MAX];
    struct reason why;
    ssize_t size = recv(connection->fd, bytes, sizeof(bytes), MSG_TRUNC | MSG_DONTWAIT);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0)
        return shut(connection);
    connection->ticks = 0;
    connection->answering = true;
    if (control_request_parse(bytes, (size_t)size, &connection->request, &why) < 0)
        fail(connection, &why);
    else
        begin(connection);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *data)
{
    struct connection *connection = data;

    if (revents & (EPOLLHUP | EPOLLERR)) {
        connection->service->gone(connection->service->server, connection);
        return 0;
    }
    if (revents & EPOLLIN && !connection->answering)
        take_request(connection);
    produce(connection);
    transmit(connection);
    await(connection);
    connection->service->turn(connection->service->server);
    return 0;
}

int connection_new(struct connection **out, struct control_service *service, int fd,
                   bool may_switch)
{
    _cleanup_(connection_free) struct connection *connection = calloc(1, sizeof(*connection));
    const int room = CONTROL_ANSWER_MAX; /* which the kernel doubles */
    int r;

    if (!connection) {
        close(fd);
        return -ENOMEM;
    }
    connection->service = service;
    connection->fd = fd;
    connection->events = EPOLLIN;
    connection->may_switch = may_switch;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    r = sd_event_add_io(service->loop, &connection->source, fd, EPOLLIN, on_io, connection);
    if (r < 0)
        return r;
    *out = TAKE_PTR(connection);
    return 0;
}

void connection_free(struct connection **held)
{
    struct connection *connection = TAKE_PTR(*held);

    if (!connection)
        return;
    close_producer(connection);
    sd_event_source_disable_unref(connection->source);
    sd_event_source_disable_unref(connection->again);
    close(connection->fd);
    queue_clear(&connection->queue);
    queue_clear(&connection->held);
    free(connection);
}

bool connection_follows(const struct connection *connection, enum control_verb verb)
{
    return connection->request.follow && connection->request.verb == verb;
}

uint64_t connection_min_wait_ns(const struct connection *connection)
{
    return connection_follows(connection, CONTROL_CONTENTION) ? connection->request.min_wait_ns
                                                              : UINT64_MAX;
}

bool connection_wants(const struct connection *connection, const struct publication *publication)
{
    const struct control_request *request = &connection->request;

    if (!connection_follows(connection, publication->verb))
        return false;
    if (publication->verb == CONTROL_CONTENTION && publication->wait_ns < request->min_wait_ns)
        return false;
    return !request->pid || request->pid == publication->pid;
}

/* In the order in which history is read, what is lost first is what it will reach first. */
static void hold(struct connection *connection, struct packet *event)
{
    struct packet *oldest;

    while (!queue_has_room(&connection->held, event->size)) {
        oldest = queue_pop(&connection->held);
        if (oldest->id > connection->last_id) {
            connection->lost++;
            connection->lost_id = oldest->id;
        }
        packet_release(&oldest);
    }
    (void)!queue_push(&connection->held, packet_take(event));
}

void connection_publish(struct connection *connection, const struct publication *publication,
                        struct packet *packet)
{
    if (!connection_wants(connection, publication))
        return;
    if (connection->producer)
        return hold(connection, packet);
    deliver(connection, packet);
    transmit(connection);
    await(connection);
}

void connection_tick(struct connection *connection)
{
    bool waits_for_events =
        connection->request.follow && !connection->producer && !connection->queue.count;

    if (waits_for_events || ++connection->ticks < TICKS_MAX)
        return;
    if (connection->request.follow)
        drop(connection, connection->queue.count);
    shut(connection);
}

void connection_refuse(int fd, const char *text)
{
    struct control_answer answer = {.type = CONTROL_ERROR};
    _free_ char *packet = NULL;
    _close_ int owned = fd;
    size_t size;

    reason_set(&answer.reason, 0, "%s", text);
    packet = control_answer_format(&answer, &size);
    if (packet)
        (void)send(fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}
