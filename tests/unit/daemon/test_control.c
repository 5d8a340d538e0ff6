/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "control.h"
#include "control/client.h"
#include "control/queue.h"

/*
 * The server and its clients in one process: the loop is turned until it has nothing to do, so that
 * each step sees what a client sees, however slow that one is.
 */

#define HISTORY_MAX 20000
#define DEADLINE_MS 10000

struct fixture {
    char folder[64];
    char path[96];
    sd_event *loop;
    struct control *control;
    uint64_t events; /* that history has */
    uint64_t processes;
    uint64_t fails_at; /* an item that can't be had; 0: none */
    size_t item_size;  /* text in each item */
    unsigned open;     /* cursors */
    uint64_t produced;
    uint64_t min_wait_ns; /* that the server wants */
    unsigned wanted;      /* how often it has said so */
    struct control_request last;
};

struct cursor {
    uint64_t next;
    bool history;
};

static json_t *make_event(const struct fixture *fixture, uint64_t id)
{
    _free_ char *text = calloc(1, fixture->item_size + 1);

    memset(text, 'x', fixture->item_size);
    return json_pack("{s:I, s:i, s:s}", "id", (json_int_t)id, "pid", (int)(id % 2) + 1, "text",
                     text);
}

static json_t *give_status(void *context)
{
    return json_pack("{s:s}", "schema", "clrmon.status/1");
}

static int open_cursor(void *context, const struct control_request *request, void **cursor,
                       struct reason *why)
{
    struct fixture *fixture = context;
    struct cursor *made = calloc(1, sizeof(*made));

    fixture->last = *request;
    if (request->pid == 666) {
        free(made);
        return reason_set(why, -ESRCH, "nobody knows it");
    }
    made->next = 1;
    made->history = request->verb == CONTROL_EVENTS || request->verb == CONTROL_HISTORY;
    fixture->open++;
    *cursor = made;
    return 0;
}

static int next_item(void *context, void *cursor, json_t **item, struct reason *why)
{
    struct fixture *fixture = context;
    struct cursor *at = cursor;

    if (at->next > (at->history ? fixture->events : fixture->processes))
        return 0;
    if (at->next == fixture->fails_at)
        return reason_set(why, -EIO, "the disk is gone");
    *item = make_event(fixture, at->next++);
    fixture->produced++;
    return 1;
}

static void close_cursor(void *context, void *cursor)
{
    struct fixture *fixture = context;

    fixture->open--;
    free(cursor);
}

static void want_waits(void *context, uint64_t min_wait_ns)
{
    struct fixture *fixture = context;

    fixture->min_wait_ns = min_wait_ns;
    fixture->wanted++;
}

static const struct control_handlers handlers = {
    .status = give_status,
    .check = {open_cursor, next_item, close_cursor},
    .history = {open_cursor, next_item, close_cursor},
    .contention = {open_cursor, next_item, close_cursor},
    .probes = {open_cursor, next_item, close_cursor},
    .follow_waits = want_waits,
};

static int start(struct fixture *fixture, const char *group, uint64_t patience_us,
                 struct reason *why)
{
    const struct control_setup setup = {
        .path = fixture->path, .group = group, .patience_us = patience_us, .min_wait_ns = 500};

    return control_new(&fixture->control, fixture->loop, &setup, &handlers, fixture, why);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    strcpy(fixture->folder, "/tmp/clrmon-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/control.sock", fixture->folder);
    assert_true(sd_event_new(&fixture->loop) >= 0);
    assert_int_equal(start(fixture, "root", 0, NULL), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    control_free(&fixture->control);
    control_free(&fixture->control);
    assert_int_equal(fixture->open, 0);
    assert_int_equal(access(fixture->path, F_OK), -1);
    sd_event_unref(fixture->loop);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

/* Until there is nothing to do. */
static void turn(struct fixture *fixture)
{
    int r;

    while ((r = sd_event_run(fixture->loop, 0)) > 0)
        ;
    assert_int_equal(r, 0);
}

static uint64_t clients(const struct fixture *fixture)
{
    struct health health = {0};

    control_health(fixture->control, &health);
    return health.clients;
}

static uint64_t drops(const struct fixture *fixture)
{
    struct health health = {0};

    control_health(fixture->control, &health);
    return health.client_drops;
}

static struct control_client connect_client(struct fixture *fixture)
{
    struct control_client client;

    assert_int_equal(control_connect(&client, fixture->path, DEADLINE_MS, NULL), 0);
    turn(fixture);
    return client;
}

static void send_text(struct fixture *fixture, struct control_client *client, const void *text,
                      size_t size)
{
    assert_int_equal(send(client->fd, text, size, MSG_NOSIGNAL), size);
    turn(fixture);
}

static void ask(struct fixture *fixture, struct control_client *client,
                struct control_request request)
{
    assert_int_equal(control_ask(client, &request, NULL), 0);
    turn(fixture);
}

/* What is there to be read at once: 1, 0 for nothing, or the error. */
static int next(struct control_client *client, struct control_answer *answer, struct reason *why)
{
    int r = control_next(client, 0, answer, why);

    return r == 0 ? 1 : r == -ETIMEDOUT ? 0 : r;
}

struct received {
    uint64_t items, dropped, first, last;
    bool ended;
    int error;
    struct reason why;
};

/* Reads all that comes, and turns the loop as long as more does. Ids must rise. */
static struct received receive(struct fixture *fixture, struct control_client *client)
{
    struct received all = {0};
    struct control_answer answer;
    int r;

    while (!all.ended && (r = next(client, &answer, &all.why)) != 0) {
        if (r < 0) {
            all.error = r;
            break;
        }
        all.ended = answer.type == CONTROL_END;
        all.dropped += answer.type == CONTROL_DROPPED ? answer.count : 0;
        if (answer.type == CONTROL_ITEM) {
            uint64_t id = (uint64_t)json_integer_value(json_object_get(answer.item, "id"));

            assert_true(all.items == 0 || id > all.last);
            all.first = all.items++ ? all.first : id;
            all.last = id;
            json_decref(answer.item);
        }
        turn(fixture);
    }
    return all;
}

static void publish(struct fixture *fixture, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        json_t *event = make_event(fixture, ++fixture->events);

        control_publish(fixture->control, event);
        json_decref(event);
    }
}

static void answers(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);
    struct received all;

    fixture->processes = 3;
    for (int again = 0; again < 3; again++) { /* one after the other on one connection */
        ask(fixture, &client, (struct control_request){.verb = CONTROL_STATUS});
        all = receive(fixture, &client);
        assert_true(all.ended && all.items == 1);
        ask(fixture, &client, (struct control_request){.verb = CONTROL_CHECK, .pid = 7});
        all = receive(fixture, &client);
        assert_true(all.ended && all.items == 3);
        assert_int_equal(fixture->last.pid, 7);
        assert_int_equal(fixture->open, 0);
    }
    assert_int_equal(clients(fixture), 1);
    control_close(&client);
    turn(fixture);
    assert_int_equal(clients(fixture), 0);
}

static void contention_and_probes(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);
    struct received all;

    fixture->processes = 4;
    ask(fixture, &client,
        (struct control_request){.verb = CONTROL_CONTENTION, .top = 5, .bare = true});
    all = receive(fixture, &client);
    assert_true(all.ended && all.items == 4);
    assert_true(fixture->last.top == 5 && fixture->last.bare);
    ask(fixture, &client, (struct control_request){.verb = CONTROL_PROBES});
    all = receive(fixture, &client);
    assert_true(all.ended && all.items == 4);
    ask(fixture, &client,
        (struct control_request){.verb = CONTROL_PROBES, .family = "contention", .on = true});
    all = receive(fixture, &client);
    assert_true(all.ended && all.items == 4); /* we are its own user */
    assert_string_equal(fixture->last.family, "contention");
    assert_int_equal(fixture->wanted, 0);
    control_close(&client);
}

static void publish_wait(struct fixture *fixture, pid_t pid, uint64_t wait_ns)
{
    json_t *wait = json_pack("{s:i, s:I}", "pid", (int)pid, "wait_ns", (json_int_t)wait_ns);

    control_publish_wait(fixture->control, pid, wait_ns, wait);
    json_decref(wait);
    turn(fixture);
}

/* How many items there are; those of waits have no ids. */
static unsigned count_items(struct fixture *fixture, struct control_client *client)
{
    struct control_answer answer;
    unsigned count = 0;

    turn(fixture);
    while (next(client, &answer, NULL) == 1) {
        count += answer.type == CONTROL_ITEM;
        if (answer.type == CONTROL_ITEM)
            json_decref(answer.item);
        turn(fixture);
    }
    return count;
}

static void follow_waits(struct fixture *fixture, struct control_client *client, pid_t pid,
                         uint64_t min_wait_ns)
{
    *client = connect_client(fixture);
    ask(fixture, client,
        (struct control_request){
            .verb = CONTROL_CONTENTION, .follow = true, .pid = pid, .min_wait_ns = min_wait_ns});
}

/* Each gets what it wants, and the server the least of all. */
static void followers_of_waits(void **state)
{
    struct fixture *fixture = *state;
    struct control_client standard, one, short_ones, events;

    follow_waits(fixture, &standard, 0, 0);
    assert_int_equal(fixture->min_wait_ns, 500);
    follow_waits(fixture, &one, 7, 1000);
    assert_int_equal(fixture->min_wait_ns, 500);
    assert_int_equal(fixture->wanted, 1);
    follow_waits(fixture, &short_ones, 0, 1);
    assert_int_equal(fixture->min_wait_ns, 1);
    events = connect_client(fixture);
    ask(fixture, &events, (struct control_request){.verb = CONTROL_EVENTS, .follow = true});
    assert_int_equal(fixture->wanted, 2);

    assert_true(control_wants_wait(fixture->control, 7, 1));
    publish_wait(fixture, 7, 1);
    publish_wait(fixture, 7, 500);
    publish_wait(fixture, 8, 1000);
    publish_wait(fixture, 7, 1000);
    publish(fixture, 2);
    assert_int_equal(count_items(fixture, &short_ones), 4);
    assert_int_equal(count_items(fixture, &standard), 3);
    assert_int_equal(count_items(fixture, &one), 1);
    assert_int_equal(count_items(fixture, &events), 2);

    control_close(&short_ones);
    turn(fixture);
    assert_int_equal(fixture->min_wait_ns, 500);
    assert_false(control_wants_wait(fixture->control, 7, 499));
    control_close(&standard);
    turn(fixture);
    assert_int_equal(fixture->min_wait_ns, 1000);
    assert_false(control_wants_wait(fixture->control, 8, 5000));
    control_close(&one);
    turn(fixture);
    assert_true(fixture->min_wait_ns == UINT64_MAX);
    assert_true(control_is_followed(fixture->control));
    control_close(&events);
    turn(fixture);
}

/* What there is no memory or no room for is told. */
static void waits_that_are_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client;
    struct received all;

    follow_waits(fixture, &client, 0, 1);
    control_publish_wait(fixture->control, 7, 1000, NULL);
    assert_int_equal(drops(fixture), 1);
    for (unsigned i = 0; i < 20000; i++) {
        json_t *wait = json_pack("{s:i, s:i}", "id", (int)i + 1, "wait_ns", 1000);

        control_publish_wait(fixture->control, 7, 1000, wait);
        json_decref(wait);
    }
    all = receive(fixture, &client);
    assert_true(all.dropped > 0);
    assert_int_equal(all.items + all.dropped, 20000);
    assert_int_equal(drops(fixture), all.dropped + 1);
    control_close(&client);
}

static void one_request_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);
    struct control_request request = {.verb = CONTROL_CHECK};

    fixture->processes = 2;
    for (int i = 0; i < 5; i++)
        assert_int_equal(control_ask(&client, &request, NULL), 0);
    turn(fixture);
    for (int i = 0; i < 5; i++) {
        struct received all = receive(fixture, &client);

        assert_true(all.ended && all.items == 2);
    }
    assert_int_equal(receive(fixture, &client).error, 0);
    control_close(&client);
}

static void refuses_nonsense(void **state)
{
    static const char *const texts[] = {"{\"version\":1,\"verb\":\"sta",
                                        "hello",
                                        "[[[[[[[[",
                                        "{\"version\":1,\"verb\":\"stop\"}",
                                        "{\"version\":3,\"verb\":\"status\"}",
                                        "\x80\xff"};
    static char long_text[60000];
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        send_text(fixture, &client, texts[i], strlen(texts[i]));
        assert_int_equal(receive(fixture, &client).error, -EREMOTEIO);
        assert_int_equal(receive(fixture, &client).error, 0); /* one error, and no more */
    }
    memset(long_text, '[', sizeof(long_text));
    send_text(fixture, &client, long_text, sizeof(long_text));
    assert_int_equal(receive(fixture, &client).error, -EREMOTEIO);
    send_text(fixture, &client, "{\0}", 3);
    assert_int_equal(receive(fixture, &client).error, -EREMOTEIO);
    ask(fixture, &client, (struct control_request){.verb = CONTROL_STATUS});
    assert_true(receive(fixture, &client).ended);
    control_close(&client);
}

static void half_closed_is_over(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);

    assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
    turn(fixture);
    assert_int_equal(clients(fixture), 0);
    assert_int_equal(receive(fixture, &client).error, -ECONNRESET);
    control_close(&client);
}

static void slow_reader_holds_back_the_producer(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture), other = connect_client(fixture);
    struct received all;

    fixture->processes = HISTORY_MAX;
    fixture->item_size = 1000;
    ask(fixture, &client, (struct control_request){.verb = CONTROL_CHECK});
    assert_true(fixture->produced < 2000); /* what sockets hold, and 32 more */
    ask(fixture, &other, (struct control_request){.verb = CONTROL_STATUS});
    assert_true(receive(fixture, &other).ended); /* nobody else waits for it */
    all = receive(fixture, &client);
    assert_true(all.ended);
    assert_int_equal(all.items, HISTORY_MAX);
    assert_int_equal(all.dropped, 0);
    assert_int_equal(drops(fixture), 0);
    control_close(&client);
    control_close(&other);
}

static void errors_of_the_source(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);
    struct received all;

    fixture->processes = 100;
    fixture->fails_at = 60;
    ask(fixture, &client, (struct control_request){.verb = CONTROL_CHECK});
    all = receive(fixture, &client);
    assert_int_equal(all.items, 59);
    assert_int_equal(all.error, -EREMOTEIO);
    assert_string_equal(all.why.text, "the disk is gone");
    assert_int_equal(fixture->open, 0);
    ask(fixture, &client, (struct control_request){.verb = CONTROL_CHECK, .pid = 666});
    all = receive(fixture, &client);
    assert_string_equal(all.why.text, "nobody knows it");
    control_close(&client);
}

static void limits(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);
    struct received all;

    fixture->events = 100;
    ask(fixture, &client, (struct control_request){.verb = CONTROL_HISTORY, .limit = 40});
    all = receive(fixture, &client);
    assert_true(all.ended && all.items == 40);
    ask(fixture, &client,
        (struct control_request){
            .verb = CONTROL_EVENTS, .limit = 102, .since_us = 1, .follow = true});
    all = receive(fixture, &client);
    assert_true(!all.ended && all.items == 100);
    publish(fixture, 5);
    all = receive(fixture, &client);
    assert_true(all.ended && all.items == 2);
    assert_false(control_is_followed(fixture->control));
    control_close(&client);
}

static void too_large_an_item(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);
    struct received all;

    fixture->processes = 2;
    fixture->item_size = CONTROL_ANSWER_MAX;
    ask(fixture, &client, (struct control_request){.verb = CONTROL_CHECK});
    all = receive(fixture, &client);
    assert_true(all.ended && all.items == 0 && all.dropped == 2);
    fixture->item_size = CONTROL_ANSWER_MAX - 200; /* and one that just fits */
    ask(fixture, &client, (struct control_request){.verb = CONTROL_CHECK});
    all = receive(fixture, &client);
    assert_true(all.ended && all.items == 2 && all.dropped == 0);
    control_close(&client);
}

static void followers(void **state)
{
    struct fixture *fixture = *state;
    struct control_client every = connect_client(fixture), odd = connect_client(fixture);
    struct received all;

    fixture->events = 10; /* from before: not told */
    assert_false(control_is_followed(fixture->control));
    ask(fixture, &every, (struct control_request){.verb = CONTROL_EVENTS, .follow = true});
    ask(fixture, &odd, (struct control_request){.verb = CONTROL_EVENTS, .follow = true, .pid = 2});
    assert_true(control_is_followed(fixture->control));
    publish(fixture, 9);
    all = receive(fixture, &every);
    assert_true(all.items == 9 && all.first == 11 && !all.ended);
    all = receive(fixture, &odd);
    assert_true(all.items == 5 && all.first == 11 && all.last == 19);
    control_close(&every);
    control_close(&odd);
    turn(fixture);
    assert_false(control_is_followed(fixture->control));
    publish(fixture, 1);
}

static void slow_follower_is_told_what_it_missed(void **state)
{
    struct fixture *fixture = *state;
    struct control_client slow = connect_client(fixture), quick = connect_client(fixture);
    struct control_request request = {.verb = CONTROL_EVENTS, .follow = true};
    struct received all, rest, quick_all = {0};

    fixture->item_size = 200;
    ask(fixture, &slow, request);
    ask(fixture, &quick, request);
    for (int i = 0; i < 200; i++) {
        publish(fixture, 50);
        quick_all.items += receive(fixture, &quick).items;
    }
    assert_int_equal(quick_all.items, 10000);
    all = receive(fixture, &slow);
    assert_true(all.items >= QUEUE_PACKETS_MAX && all.dropped > 0);
    assert_int_equal(all.items + all.dropped, 10000);
    assert_int_equal(drops(fixture), all.dropped);
    publish(fixture, 10);
    rest = receive(fixture, &slow);
    assert_true(rest.items == 10 && rest.dropped == 0 && rest.last == 10010);
    control_close(&slow);
    control_close(&quick);
}

/* Large ones: the bound in bytes. */
static void memory_of_a_follower_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct control_client slow = connect_client(fixture);
    struct received all;

    fixture->item_size = 100000;
    ask(fixture, &slow, (struct control_request){.verb = CONTROL_EVENTS, .follow = true});
    publish(fixture, 100);
    all = receive(fixture, &slow);
    assert_true(all.items <= 2 + (QUEUE_BYTES_MAX + CONTROL_ANSWER_MAX * 4) / 100000);
    assert_int_equal(all.items + all.dropped, 100);
    control_close(&slow);
}

static void history_and_then_live_without_a_seam(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);
    struct received all;

    fixture->events = 3000;
    fixture->item_size = 500;
    ask(fixture, &client,
        (struct control_request){.verb = CONTROL_EVENTS, .follow = true, .since_us = 1});
    assert_int_equal(fixture->open, 1); /* not through yet */
    publish(fixture, 1000);             /* more than are held */
    all = receive(fixture, &client);
    assert_int_equal(all.items, 4000);
    assert_int_equal(all.dropped, 0);
    assert_int_equal(fixture->open, 0);
    publish(fixture, 10);
    all = receive(fixture, &client);
    assert_true(all.items == 10 && all.first == 4001);
    control_close(&client);
}

/* What could not be stored is told from memory, as far as that reaches; the rest is counted. */
static void live_events_that_history_has_lost(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);
    struct received all;

    fixture->events = 3000;
    fixture->item_size = 500;
    ask(fixture, &client,
        (struct control_request){.verb = CONTROL_EVENTS, .follow = true, .since_us = 1});
    assert_int_equal(fixture->open, 1);
    publish(fixture, 1000);
    fixture->events = 3000;
    all = receive(fixture, &client);
    assert_int_equal(all.items + all.dropped, 4000);
    assert_int_equal(all.dropped, 1000 - QUEUE_PACKETS_MAX);
    assert_int_equal(all.last, 4000);
    control_close(&client);
}

static void a_hundred_clients(void **state)
{
    struct fixture *fixture = *state;
    struct control_client all[100];
    unsigned answered = 0, refused = 0;

    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        all[i] = connect_client(fixture);
    assert_int_equal(clients(fixture), CONTROL_CLIENTS_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        struct received received;

        ask(fixture, &all[i], (struct control_request){.verb = CONTROL_STATUS});
        received = receive(fixture, &all[i]);
        answered += received.ended;
        refused += received.error == -EREMOTEIO;
    }
    assert_int_equal(answered, CONTROL_CLIENTS_MAX);
    assert_int_equal(refused, ARRAY_SIZE(all) - CONTROL_CLIENTS_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        control_close(&all[i]);
    turn(fixture);
    assert_int_equal(clients(fixture), 0);
    all[0] = connect_client(fixture);
    assert_int_equal(clients(fixture), 1);
    control_close(&all[0]);
}

static void impatience(void **state)
{
    struct fixture *fixture = *state;
    struct control_client silent, stuck, follower;

    control_free(&fixture->control);
    assert_int_equal(start(fixture, "root", 40000, NULL), 0);
    fixture->processes = HISTORY_MAX;
    fixture->item_size = 1000;
    follower = connect_client(fixture);
    ask(fixture, &follower, (struct control_request){.verb = CONTROL_EVENTS, .follow = true});
    silent = connect_client(fixture);
    stuck = connect_client(fixture);
    ask(fixture, &stuck, (struct control_request){.verb = CONTROL_CHECK});
    assert_int_equal(fixture->open, 1);
    while (clients(fixture) > 1) /* ctest's time limit is this test's */
        assert_true(sd_event_run(fixture->loop, UINT64_MAX) >= 0);
    assert_int_equal(fixture->open, 0);
    assert_int_equal(receive(fixture, &silent).error, -ECONNRESET);
    for (int ticks = 0; ticks < 20; ticks++)
        assert_true(sd_event_run(fixture->loop, UINT64_MAX) >= 0);
    assert_int_equal(clients(fixture), 1); /* one who waits for events may wait */
    publish(fixture, 1);
    assert_int_equal(receive(fixture, &follower).items, 1);
    control_close(&silent);
    control_close(&stuck);
    control_close(&follower);
}

static void killed_client(void **state)
{
    struct fixture *fixture = *state;
    pid_t child = fork();

    fixture->processes = HISTORY_MAX;
    fixture->item_size = 1000;
    if (child == 0) {
        struct control_client client;
        struct control_request request = {.verb = CONTROL_CHECK};

        if (control_connect(&client, fixture->path, DEADLINE_MS, NULL) < 0 ||
            control_ask(&client, &request, NULL) < 0)
            _exit(1);
        pause();
        _exit(0);
    }
    while (fixture->open == 0)
        assert_true(sd_event_run(fixture->loop, UINT64_MAX) >= 0);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    turn(fixture);
    assert_int_equal(clients(fixture), 0);
    assert_int_equal(fixture->open, 0);
}

static void ends_with_clients_in_the_middle(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = connect_client(fixture);

    fixture->processes = HISTORY_MAX;
    fixture->item_size = 1000;
    ask(fixture, &client, (struct control_request){.verb = CONTROL_CHECK});
    assert_int_equal(fixture->open, 1);
    control_free(&fixture->control);
    assert_int_equal(fixture->open, 0);
    control_close(&client);
}

static void stale_and_live_sockets(void **state)
{
    struct fixture *fixture = *state;
    struct control *first = TAKE_PTR(fixture->control);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct reason why;
    int fd;

    assert_int_equal(start(fixture, "root", 0, &why), -EADDRINUSE);
    control_free(&first);

    strcpy(address.sun_path, fixture->path); /* of one that was killed */
    fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_int_equal(access(fixture->path, F_OK), 0);
    assert_int_equal(start(fixture, "root", 0, &why), 0);
    control_free(&fixture->control);

    fd = open(fixture->path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_int_equal(start(fixture, "root", 0, &why), -EEXIST);
    assert_int_equal(unlink(fixture->path), 0);
}

static void leaves_what_another_one_made(void **state)
{
    struct fixture *fixture = *state;
    struct control *first = TAKE_PTR(fixture->control);

    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(start(fixture, "root", 0, NULL), 0);
    control_free(&first);
    assert_int_equal(access(fixture->path, F_OK), 0);
}

static mode_t mode_of(const struct fixture *fixture)
{
    struct stat status;

    assert_int_equal(stat(fixture->path, &status), 0);
    return status.st_mode & 0777;
}

static void group(void **state)
{
    struct fixture *fixture = *state;

    if (geteuid() == 0) {
        assert_int_equal(mode_of(fixture), 0660);
        assert_string_equal(control_notice(fixture->control), "");
    }
    control_free(&fixture->control);
    assert_int_equal(start(fixture, "no-such-group", 0, NULL), 0);
    assert_int_equal(mode_of(fixture), 0600);
    assert_non_null(strstr(control_notice(fixture->control), "no-such-group"));
}

/* What nobody, who is in no group of ours, gets: 0 for an answer. */
static int ask_as_nobody(struct fixture *fixture, struct control_request request)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct control_client client;
        struct control_answer answer;
        int r;

        if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
            setresuid(65534, 65534, 65534) < 0)
            _exit(1);
        r = control_connect(&client, fixture->path, DEADLINE_MS, NULL);
        if (r == 0)
            r = control_ask(&client, &request, NULL);
        if (r == 0)
            r = control_next(&client, DEADLINE_MS, &answer, NULL);
        _exit(-r);
    }
    while (waitpid(child, &status, WNOHANG) == 0)
        assert_true(sd_event_run(fixture->loop, 10000) >= 0);
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -1;
}

static void strangers(void **state)
{
    struct fixture *fixture = *state;

    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    assert_int_equal(ask_as_nobody(fixture, (struct control_request){.verb = CONTROL_STATUS}),
                     -EACCES);
    assert_int_equal(chmod(fixture->path, 0666), 0); /* whatever the mode is */
    assert_int_equal(ask_as_nobody(fixture, (struct control_request){.verb = CONTROL_STATUS}),
                     -EREMOTEIO);
}

/* Members of the group: by its number, which nobody else has here. */
static void members(void **state)
{
    struct fixture *fixture = *state;

    if (geteuid() != 0)
        skip();
    control_free(&fixture->control);
    assert_int_equal(start(fixture, "nogroup", 0, NULL), 0);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    if (control_notice(fixture->control)[0])
        return;
    fixture->processes = 1;
    assert_int_equal(ask_as_nobody(fixture, (struct control_request){.verb = CONTROL_STATUS}), 0);
    assert_int_equal(ask_as_nobody(fixture, (struct control_request){.verb = CONTROL_PROBES}), 0);
    fixture->last.verb = CONTROL_STATUS;
    assert_int_equal(ask_as_nobody(fixture, (struct control_request){.verb = CONTROL_PROBES,
                                                                     .family = "contention"}),
                     -EREMOTEIO);
    assert_int_equal(fixture->last.verb, CONTROL_STATUS); /* nobody was asked to switch */
}

static void inherited(void **state)
{
    struct fixture *fixture = *state;
    pid_t child = fork();
    int status;

    if (child == 0) { /* where descriptor 3 and the environment are ours */
        char pid[16];
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct control_client client;
        int fd;

        control_free(&fixture->control);
        sd_event_unref(fixture->loop); /* has a low descriptor */
        fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
        strcpy(address.sun_path, fixture->path);
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 5) < 0 ||
            dup2(fd, 3) != 3)
            _exit(1);
        snprintf(pid, sizeof(pid), "%d", getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", "1", 1);
        setenv("LISTEN_FDNAMES", "control", 1);
        if (sd_event_new(&fixture->loop) < 0 || start(fixture, "root", 0, NULL) < 0)
            _exit(2);
        if (control_connect(&client, fixture->path, DEADLINE_MS, NULL) < 0)
            _exit(3);
        turn(fixture);
        if (clients(fixture) != 1)
            _exit(4);
        control_free(&fixture->control);
        _exit(access(fixture->path, F_OK) == 0 ? 0 : 5); /* systemd's to remove */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    control_free(&fixture->control);
    unlink(fixture->path);
}

static void nobody_there(void **state)
{
    struct fixture *fixture = *state;
    struct control_client client = {.fd = -1};
    struct reason why;
    char path[200];

    assert_int_equal(control_connect(&client, "/nowhere/control.sock", DEADLINE_MS, &why), -ENOENT);
    assert_non_null(strstr(why.text, "is it running?"));
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = 0;
    assert_int_equal(control_connect(&client, path, DEADLINE_MS, &why), -ENAMETOOLONG);
    for (int i = 0; i < 100; i++) { /* it listens and does not accept */
        struct control_client more;
        int r = control_connect(&more, fixture->path, 10, &why);

        if (r < 0) {
            assert_int_equal(r, -ETIMEDOUT);
            control_close(&client);
            return;
        }
        close(client.fd);
        client.fd = -1;
        free(client.buffer);
        client = more;
        /* the queue of connections keeps those that hung up */
    }
    fail();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers),
        TEST(contention_and_probes),
        TEST(followers_of_waits),
        TEST(waits_that_are_dropped),
        TEST(one_request_at_a_time),
        TEST(refuses_nonsense),
        TEST(half_closed_is_over),
        TEST(slow_reader_holds_back_the_producer),
        TEST(errors_of_the_source),
        TEST(limits),
        TEST(too_large_an_item),
        TEST(followers),
        TEST(slow_follower_is_told_what_it_missed),
        TEST(memory_of_a_follower_is_bounded),
        TEST(history_and_then_live_without_a_seam),
        TEST(live_events_that_history_has_lost),
        TEST(a_hundred_clients),
        TEST(impatience),
        TEST(killed_client),
        TEST(ends_with_clients_in_the_middle),
        TEST(stale_and_live_sockets),
        TEST(leaves_what_another_one_made),
        TEST(group),
        TEST(strangers),
        TEST(members),
        TEST(inherited),
        TEST(nobody_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
