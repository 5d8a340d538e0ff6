/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "http.h"

#define BIG         (15 * 1024 * 1024)
#define TURNS_MAX   5000 /* of 10 ms at most: when a test gives up */
#define MANY        100
#define DEADLINE    (300 * 1000)
#define NO_DEADLINE (60 * 1000 * 1000)

/* The server and its clients share one thread and one loop, as the daemon's parts do. */
struct world {
    sd_event *event;
    struct http *http;
    struct sockaddr_in address;
    size_t text_size; /* of a scrape; 0: a short text */
    int error;        /* of the callbacks */
    unsigned scrapes;
};

static int metrics(void *context, enum exposition_format format, char **text, size_t *size,
                   struct reason *why)
{
    struct world *world = context;

    world->scrapes++;
    if (world->error)
        return reason_set(why, world->error, "there is a reason");
    *size = world->text_size;
    *text = world->text_size ? calloc(1, world->text_size)
                             : strdup(format == EXPOSITION_OPENMETRICS ? "a 1\n# EOF\n" : "a 1\n");
    if (!world->text_size)
        *size = strlen(*text);
    return 0;
}

static int health(void *context, struct reason *why)
{
    struct world *world = context;

    return world->error ? reason_set(why, world->error, "there is a reason") : 0;
}

static int listen_on(struct world *world, const char *text, int fd, uint64_t deadline,
                     struct reason *why)
{
    struct http_service service = {metrics, health, world, deadline};

    return http_new(&world->http, world->event, text, fd, &service, why);
}

static void locate(struct world *world)
{
    char text[LISTENER_TEXT_MAX];
    unsigned port = 0;

    http_address(world->http, text);
    assert_int_equal(sscanf(text, "127.0.0.1:%u", &port), 1);
    world->address = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static void begin(struct world *world, uint64_t deadline)
{
    struct reason why = {""};

    *world = (struct world){0};
    assert_int_equal(sd_event_new(&world->event), 0);
    assert_int_equal(listen_on(world, "127.0.0.1:0", -1, deadline, &why), 0);
    locate(world);
}

static void end(struct world *world)
{
    http_free(&world->http);
    assert_null(world->http);
    sd_event_unref(world->event);
}

static void turn(struct world *world)
{
    assert_true(sd_event_run(world->event, 10 * 1000) >= 0);
}

/* From 127.0.0.@host, not blocking. */
static int dial(struct world *world, unsigned host)
{
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&world->address, sizeof(world->address)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* What could be sent; the loop turns meanwhile. */
static void say(struct world *world, int fd, const char *text, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t n = send(fd, text + sent, size - sent, MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN)
            return;
        sent += n > 0 ? (size_t)n : 0;
        turn(world);
    }
}

/* Has the server closed it? What comes before that is in @answer, cut. */
static bool hear(struct world *world, int fd, char *answer, size_t size)
{
    size_t used = 0;

    for (int i = 0; i < TURNS_MAX; i++) {
        char rest[4096];
        bool room = used + 1 < size;
        ssize_t n = recv(fd, room ? answer + used : rest, room ? size - used - 1 : sizeof(rest), 0);

        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            answer[used] = '\0';
            return true;
        }
        if (n < 0)
            turn(world);
        else if (room)
            used += (size_t)n;
    }
    return false;
}

static void ask(struct world *world, const char *request, size_t length, char *answer, size_t size)
{
    _close_ int fd = dial(world, 1);

    say(world, fd, request, length);
    assert_true(hear(world, fd, answer, size));
}

static void assert_served(struct world *world, unsigned host)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    _close_ int fd = dial(world, host);
    char answer[1024];

    say(world, fd, request, strlen(request));
    assert_true(hear(world, fd, answer, sizeof(answer)));
    assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
    assert_non_null(strstr(answer, "\r\n\r\nok\n"));
}

static size_t open_descriptors(void)
{
    _closedir_ DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    while (readdir(dir))
        count++;
    return count;
}

static void requests(void **state)
{
    static const struct {
        const char *request;
        const char *status;
        const char *has[3];
    } table[] = {
        {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
         "200",
         {"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", "Connection: close\r\n",
          "\r\n\r\na 1\n"}},
        {"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n\r\n",
         "200",
         {"application/openmetrics-text; version=1.0.0; charset=utf-8\r\n",
          "\r\n\r\na 1\n# EOF\n"}},
        {"GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200", {"\r\n\r\na 1\n"}},
        {"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200", {"Content-Length: 4\r\n"}},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200", {"\r\n\r\nok\n"}},
        {"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200", {"Content-Length: 3\r\n"}},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200", {"clrmond", "/metrics", "/healthz"}},
        {"GET /metric HTTP/1.1\r\nHost: x\r\n\r\n", "404", {"no such page"}},
        {"GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", "404", {NULL}},
        {"GET //metrics HTTP/1.1\r\nHost: x\r\n\r\n", "404", {NULL}},
        {"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404", {NULL}},
        {"GET /%00metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200", {"clrmond"}},
        {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
         "405",
         {"Allow: GET, HEAD\r\n"}},
        {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nabc",
         "405",
         {"Allow: GET, HEAD\r\n"}},
        {"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "405", {NULL}},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nabc",
         "200",
         {"\r\n\r\nok\n"}},
        {"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", "405", {NULL}},
        {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "405", {NULL}},
        {"get /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "405", {NULL}},
    };
    struct world world;

    begin(&world, NO_DEADLINE);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char answer[2048];

        ask(&world, table[i].request, strlen(table[i].request), answer, sizeof(answer));
        assert_int_equal(strncmp(answer, "HTTP/1.", 7), 0);
        assert_memory_equal(answer + 9, table[i].status, 3);
        for (size_t k = 0; k < ARRAY_SIZE(table[i].has) && table[i].has[k]; k++)
            assert_non_null(strstr(answer, table[i].has[k]));
        if (strncmp(table[i].request, "HEAD", 4) == 0)
            assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    }
    end(&world);
}

static void trouble_is_told(void **state)
{
    static const struct {
        const char *request, *status;
    } table[] = {
        {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "500"},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "503"},
    };
    struct world world;

    begin(&world, NO_DEADLINE);
    world.error = -EIO;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char answer[2048];

        ask(&world, table[i].request, strlen(table[i].request), answer, sizeof(answer));
        assert_memory_equal(answer + 9, table[i].status, 3);
        assert_non_null(strstr(answer, "\r\n\r\nthere is a reason\n"));
    }
    end(&world);
}

/* Each ends with its connection closed, without a scrape, and the next client is served. */
static void garbage(void **state)
{
#define BYTES(text) text, sizeof(text) - 1
    static const struct {
        const char *bytes;
        size_t size;
    } table[] = {
        {BYTES("\r\n\r\n\r\n\r\n")},
        {BYTES("garbage\r\n\r\n")},
        {BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
        {BYTES("\0\0\0\0\0\0\0\0\r\n\r\n")},
        {BYTES("GET\r\n\r\n")},
        {BYTES("GET /metrics\r\n\r\n")},
        {BYTES("GET /metrics HTTP/9.9\r\n\r\n")},
        {BYTES("GET /metrics HTTP/1.1\r\n: \r\n : \r\n\r\n")},
        {BYTES("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")},
        {BYTES("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n")},
        {BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
        {BYTES("\xff\xfe\xfd / HTTP/1.1\r\nHost: x\r\n\r\n")},
    };
    struct world world;

    begin(&world, DEADLINE);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char answer[2048];

        ask(&world, table[i].bytes, table[i].size, answer, sizeof(answer));
        assert_served(&world, 1);
    }
    end(&world);
}

static void long_head(void **state)
{
    static char head[1024 * 1024] = "GET /metrics HTTP/1.1\r\nHost: x\r\nX: ";
    struct world world;
    char answer[2048];

    begin(&world, NO_DEADLINE);
    memset(head + strlen(head), 'x', sizeof(head) - strlen(head));
    ask(&world, head, sizeof(head), answer, sizeof(answer));
    assert_int_equal(world.scrapes, 0);
    assert_served(&world, 1);
    for (size_t i = strlen("GET /metrics HTTP/1.1\r\n"); i + 4 <= sizeof(head); i += 4)
        memcpy(head + i, "a:\r\n", 4);
    ask(&world, head, sizeof(head), answer, sizeof(answer));
    assert_int_equal(world.scrapes, 0);
    memset(head + strlen("GET /"), 'y', sizeof(head) - strlen("GET /"));
    ask(&world, head, sizeof(head), answer, sizeof(answer));
    assert_int_equal(world.scrapes, 0);
    assert_served(&world, 1);
    end(&world);
}

static void one_request_each(void **state)
{
    static const char two[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
                              "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    struct world world;
    char answer[2048];

    begin(&world, NO_DEADLINE);
    ask(&world, two, strlen(two), answer, sizeof(answer));
    assert_int_equal(world.scrapes, 1);
    assert_non_null(strstr(answer, "a 1\n"));
    assert_null(strstr(strstr(answer, "a 1\n"), "HTTP/1.1"));
    end(&world);
}

static void half_a_request(void **state)
{
    static const char half[] = "GET /metrics HTTP/1.1\r\nHost:";
    struct world world;
    char answer[64];

    begin(&world, DEADLINE);
    ask(&world, half, strlen(half), answer, sizeof(answer));
    assert_string_equal(answer, "");
    ask(&world, half, 0, answer, sizeof(answer));
    assert_string_equal(answer, "");
    assert_int_equal(world.scrapes, 0);
    end(&world);
}

/* Always a little more, so that it is never idle; others are served all the time. */
static void slow_to_ask(void **state)
{
    struct world world;
    char answer[64];
    bool ended = false;

    begin(&world, DEADLINE);
    {
        _close_ int fd = dial(&world, 1);

        for (int i = 0; i < TURNS_MAX && !ended; i++) {
            assert_served(&world, 1);
            turn(&world);
            ended = send(fd, "G", 1, MSG_NOSIGNAL) < 0;
        }
        assert_true(ended);
        assert_true(hear(&world, fd, answer, sizeof(answer)));
    }
    end(&world);
}

static void slow_to_read(void **state)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    struct world world;
    int fds[3];
    char answer[256];

    begin(&world, 4 * DEADLINE);
    world.text_size = BIG;
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = dial(&world, 1);
        say(&world, fds[i], request, strlen(request));
        for (int k = 0; k < 10; k++)
            turn(&world);
    }
    assert_int_equal(world.scrapes, 2);
    assert_true(hear(&world, fds[2], answer, sizeof(answer)));
    assert_memory_equal(answer + 9, "503", 3);
    assert_served(&world, 1);
    for (int i = 0; i < TURNS_MAX && world.scrapes == 2; i++) {
        ask(&world, request, strlen(request), answer, sizeof(answer));
        turn(&world);
    }
    assert_int_equal(world.scrapes, 3);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        close(fds[i]);
    end(&world);
}

static size_t count_open(int *fds, size_t count)
{
    size_t open = 0;

    for (size_t i = 0; i < count; i++) {
        char byte;

        open += recv(fds[i], &byte, 1, 0) < 0 && errno == EAGAIN;
    }
    return open;
}

static void many_connections(void **state)
{
    size_t before = open_descriptors();
    struct world world;
    int fds[MANY];

    begin(&world, NO_DEADLINE);
    for (size_t i = 0; i < MANY; i++) {
        fds[i] = dial(&world, 1);
        turn(&world);
    }
    for (int i = 0; i < 20; i++)
        turn(&world);
    assert_int_equal(count_open(fds, MANY), HTTP_PER_ADDRESS_MAX);
    assert_served(&world, 2);
    for (size_t i = 0; i < MANY; i++)
        close(fds[i]);
    for (int i = 0; i < 20; i++)
        turn(&world);
    assert_served(&world, 1);
    end(&world);
    assert_int_equal(open_descriptors(), before);
}

/* Who comes late waits in the kernel, and is served when there is room. */
static void many_addresses(void **state)
{
    struct world world;
    int fds[HTTP_CONNECTIONS_MAX];

    begin(&world, DEADLINE);
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        fds[i] = dial(&world, (unsigned)i / 8 + 2);
        turn(&world);
    }
    assert_served(&world, 1);
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        close(fds[i]);
    end(&world);
}

static void freed_with_clients(void **state)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    size_t before = open_descriptors();
    struct world world;

    begin(&world, NO_DEADLINE);
    world.text_size = BIG;
    {
        _close_ int idle = dial(&world, 1), reading = dial(&world, 1);

        say(&world, reading, request, strlen(request));
        turn(&world);
        end(&world);
    }
    assert_int_equal(open_descriptors(), before);
}

static void idle_loop_sleeps(void **state)
{
    struct world world;

    begin(&world, NO_DEADLINE);
    assert_served(&world, 1);
    for (int i = 0; i < 20; i++)
        turn(&world);
    assert_int_equal(sd_event_run(world.event, 100 * 1000), 0);
    end(&world);
}

static void inherited(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _close_ int systemds = -1;
    struct world world = {0};

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 5), 0);
    systemds = dup(fd);
    for (int i = 0; i < 2; i++) {
        struct reason why = {""};

        assert_int_equal(sd_event_new(&world.event), 0);
        assert_int_equal(listen_on(&world, "127.0.0.1:1", dup(fd), NO_DEADLINE, &why), 0);
        locate(&world);
        assert_served(&world, 1);
        end(&world);
    }
    close(fd);
    close(dial(&world, 1)); /* it still listens */
}

static void inherited_is_no_listener(void **state)
{
    size_t before = open_descriptors();
    int fds[] = {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET, SOCK_DGRAM, 0),
                 open("/dev/null", O_RDONLY)};
    struct world world = {0};

    assert_int_equal(sd_event_new(&world.event), 0);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        struct reason why = {""};

        assert_int_equal(listen_on(&world, "", fds[i], 0, &why), -EINVAL);
        assert_non_null(strstr(why.text, "no listening socket"));
        assert_null(world.http);
    }
    end(&world);
    assert_int_equal(open_descriptors(), before);
}

static void addresses(void **state)
{
    static const struct {
        const char *text;
        int error;
        const char *has;
    } table[] = {
        {"127.0.0.1", -EINVAL, "\"127.0.0.1\" is no address to listen on"},
        {":9464", -EINVAL, "no address"},
        {"127.0.0.1:", -EINVAL, "no address"},
        {"127.0.0.1:65536", -EINVAL, "no address"},
        {"127.0.0.1:-1", -EINVAL, "no address"},
        {"127.0.0.1: 1", -EINVAL, "no address"},
        {"127.1:9464", -EINVAL, "no address"},
        {"localhost:9464", -EINVAL, "no address"},
        {"[::1:9464", -EINVAL, "no address"},
        {"::1:9464", -EINVAL, "no address"},
        {"[]:9464", -EINVAL, "no address"},
        {"[:9464", -EINVAL, "no address"},
        {"]:9464", -EINVAL, "no address"},
        {"[127.0.0.1]:9464", -EINVAL, "no address"},
        {"[::1]:9464x", -EINVAL, "no address"},
        {"[0000:0000:0000:0000:0000:0000:0000:0001]:000000000000000000000000000000001", -EINVAL,
         "no address"},
        {"192.0.2.1:9464", -EADDRNOTAVAIL, "192.0.2.1:9464: this host has no such address"},
    };
    struct world world = {0};

    assert_int_equal(sd_event_new(&world.event), 0);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};

        assert_int_equal(listen_on(&world, table[i].text, -1, 0, &why), table[i].error);
        assert_non_null(strstr(why.text, table[i].has));
        assert_null(world.http);
    }
    assert_int_equal(listen_on(&world, "", -1, 0, NULL), 0);
    end(&world);
}

static void address_in_use(void **state)
{
    struct world one, two = {0};
    char text[LISTENER_TEXT_MAX];
    struct reason why = {""};

    begin(&one, 0);
    http_address(one.http, text);
    two.event = one.event;
    assert_int_equal(listen_on(&two, text, -1, 0, &why), -EADDRINUSE);
    assert_non_null(strstr(why.text, text));
    assert_non_null(strstr(why.text, "in use"));
    end(&one);
}

static void version_6(void **state)
{
    struct world world = {0};
    struct reason why = {""};
    char text[LISTENER_TEXT_MAX];
    int r;

    assert_int_equal(sd_event_new(&world.event), 0);
    r = listen_on(&world, "[::1]:0", -1, 0, &why);
    if (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT) {
        end(&world);
        skip();
    }
    assert_int_equal(r, 0);
    http_address(world.http, text);
    assert_int_equal(strncmp(text, "[::1]:", 6), 0);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(trouble_is_told),
        cmocka_unit_test(garbage),
        cmocka_unit_test(long_head),
        cmocka_unit_test(one_request_each),
        cmocka_unit_test(half_a_request),
        cmocka_unit_test(slow_to_ask),
        cmocka_unit_test(slow_to_read),
        cmocka_unit_test(many_connections),
        cmocka_unit_test(many_addresses),
        cmocka_unit_test(freed_with_clients),
        cmocka_unit_test(idle_loop_sleeps),
        cmocka_unit_test(inherited),
        cmocka_unit_test(inherited_is_no_listener),
        cmocka_unit_test(addresses),
        cmocka_unit_test(address_in_use),
        cmocka_unit_test(version_6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
