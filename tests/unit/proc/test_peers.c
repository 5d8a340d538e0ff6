/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "proc/peers.h"

/* This process plays the runtime and its own client, so that no rights are needed. */
struct fixture {
    struct process process;
    char path[UNIX_SOCKET_NAME_MAX];
    int listener;
    int client;
    int server;
};

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void start(struct fixture *fixture, const char *name)
{
    snprintf(fixture->path, sizeof(fixture->path), "/tmp/%s", name);
    fixture->listener = listen_at(fixture->path);
    fixture->client = connect_to(fixture->path);
    fixture->server = accept(fixture->listener, NULL, NULL);
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.listener = -1, .client = -1, .server = -1};
    assert_int_equal(process_read(getpid(), &fixture.process, NULL), 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    cleanup_close(&fixture->listener);
    cleanup_close(&fixture->client);
    cleanup_close(&fixture->server);
    unlink(fixture->path);
    return 0;
}

static void ask(const struct fixture *fixture, const char *ports_text, struct diagnostics *out)
{
    struct diagnostic_ports ports;
    struct peers *peers;
    struct reason why;

    diagnostic_ports_parse(ports_text, &ports);
    assert_int_equal(peers_open(&peers, &why), 0);
    if (peers_of(peers, &fixture->process, &ports, out, &why) < 0) {
        peers_close(&peers);
        skip(); /* a kernel without unix_diag */
    }
    peers_close(&peers);
    peers_close(&peers);
}

static void own_name(const struct fixture *fixture, uint64_t time, char *to, size_t size)
{
    snprintf(to, size, "dotnet-diagnostic-%d-%" PRIu64 "-socket", fixture->process.namespace_pid,
             time);
}

static uint64_t inode_of(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    return status.st_ino;
}

static void nobody(void **state)
{
    struct diagnostics diagnostics;

    ask(*state, NULL, &diagnostics);
    assert_false(diagnostics.listening);
    assert_int_equal(diagnostics.peer_count + diagnostics.unknown + diagnostics.closed, 0);
}

static void client(void **state)
{
    struct fixture *fixture = *state;
    struct diagnostics diagnostics;
    char name[96];

    own_name(fixture, fixture->process.start_time, name, sizeof(name));
    start(fixture, name);
    ask(fixture, NULL, &diagnostics);
    assert_true(diagnostics.listening);
    assert_string_equal(diagnostics.path, fixture->path);
    assert_int_equal(diagnostics.peer_count, 1);
    assert_int_equal(diagnostics.peers[0].pid, getpid());
    assert_string_equal(diagnostics.peers[0].name, fixture->process.name);
    assert_false(diagnostics.peers[0].reverse);
    assert_int_equal(diagnostics.peers[0].start_time, fixture->process.start_time);
    assert_int_equal(diagnostics.peers[0].uid, geteuid());
    assert_int_equal(diagnostics.peers[0].state, 'R');
    assert_string_equal(diagnostics.peers[0].container, fixture->process.container);
}

/* Several at once: each by the process's own end. */
static void connections(void **state)
{
    struct fixture *fixture = *state;
    const struct diagnostics_connection *connection;
    struct diagnostics diagnostics;
    int second[2];
    char name[96];

    own_name(fixture, fixture->process.start_time, name, sizeof(name));
    start(fixture, name);
    second[0] = connect_to(fixture->path);
    second[1] = accept(fixture->listener, NULL, NULL);
    ask(fixture, NULL, &diagnostics);
    assert_int_equal(diagnostics.connection_count, 2);
    connection = diagnostics_find(&diagnostics, inode_of(second[1]));
    assert_non_null(connection);
    assert_int_equal(connection->far, FAR_PEER);
    assert_true(diagnostics.peers[connection->peer].socket == inode_of(second[0]));
    assert_null(diagnostics_find(&diagnostics, inode_of(second[0])));
    close(second[0]);
    ask(fixture, NULL, &diagnostics);
    assert_int_equal(diagnostics.connection_count, 2);
    connection = diagnostics_find(&diagnostics, inode_of(second[1]));
    assert_non_null(connection);
    assert_int_equal(connection->far, FAR_CLOSED);
    connection = diagnostics_find(&diagnostics, inode_of(fixture->server));
    assert_non_null(connection);
    assert_int_equal(connection->far, FAR_PEER);
    close(second[1]);
}

/* More than are kept: they are counted, and it is said that there are more. */
static void too_many(void **state)
{
    struct fixture *fixture = *state;
    static struct diagnostics diagnostics;
    int fds[CONNECTIONS_MAX][2];
    char name[96];

    own_name(fixture, fixture->process.start_time, name, sizeof(name));
    start(fixture, name);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        fds[i][0] = connect_to(fixture->path);
        fds[i][1] = accept(fixture->listener, NULL, NULL);
    }
    ask(fixture, NULL, &diagnostics);
    assert_int_equal(diagnostics.peer_count, PEERS_MAX);
    assert_int_equal(diagnostics.unknown, CONNECTIONS_MAX + 1 - PEERS_MAX);
    assert_int_equal(diagnostics.connection_count, CONNECTIONS_MAX);
    assert_true(diagnostics.connections_cut);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct diagnostics_connection *connection = &diagnostics.connections[i];

        assert_true(connection->far == FAR_UNSEEN ||
                    (connection->far == FAR_PEER && connection->peer < PEERS_MAX));
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

static void client_that_left(void **state)
{
    struct fixture *fixture = *state;
    struct diagnostics diagnostics;
    char name[96];

    own_name(fixture, fixture->process.start_time, name, sizeof(name));
    start(fixture, name);
    close(fixture->client);
    fixture->client = -1;
    ask(fixture, NULL, &diagnostics);
    assert_int_equal(diagnostics.peer_count, 0);
    assert_int_equal(diagnostics.closed, 1);
}

static void other_time_but_own_socket(void **state)
{
    struct fixture *fixture = *state;
    struct diagnostics diagnostics;
    char name[96];

    own_name(fixture, fixture->process.start_time + 1, name, sizeof(name));
    start(fixture, name);
    ask(fixture, NULL, &diagnostics);
    assert_true(diagnostics.listening);
    assert_int_equal(diagnostics.peer_count, 1);
}

/* The end that this process has of a connection to another one's port makes nobody its client. */
static void tracing_others(void **state)
{
    struct fixture *fixture = *state;
    struct diagnostics diagnostics;

    start(fixture, "dotnet-diagnostic-999999999-1-socket");
    ask(fixture, NULL, &diagnostics);
    assert_false(diagnostics.listening);
    assert_int_equal(diagnostics.peer_count, 0);
}

static void reverse(void **state)
{
    struct fixture *fixture = *state;
    const struct diagnostics_connection *connection;
    struct diagnostics diagnostics;
    char name[64], ports[160];

    snprintf(name, sizeof(name), "clrmon-test-port-%d", getpid());
    start(fixture, name);
    snprintf(ports, sizeof(ports), "%s,nosuspend;/tmp/none", fixture->path);
    ask(fixture, ports, &diagnostics);
    assert_false(diagnostics.listening);
    assert_int_equal(diagnostics.peer_count, 1);
    assert_true(diagnostics.peers[0].reverse);
    assert_int_equal(diagnostics.peers[0].pid, getpid());
    connection = diagnostics_find(&diagnostics, inode_of(fixture->client));
    assert_non_null(connection);
    assert_int_equal(connection->far, FAR_PEER);
    cleanup_close(&fixture->server); /* the client's end is the runtime's own here */
    fixture->server = -1;
    ask(fixture, ports, &diagnostics);
    assert_int_equal(diagnostics.peer_count, 0);
    assert_int_equal(diagnostics.closed, 0);
    connection = diagnostics_find(&diagnostics, inode_of(fixture->client));
    assert_non_null(connection);
    assert_int_equal(connection->far, FAR_CLOSED);
    snprintf(ports, sizeof(ports), "%s,listen", fixture->path);
    ask(fixture, ports, &diagnostics);
    assert_int_equal(diagnostics.peer_count, 0);
}

static void of_nobody(void **state)
{
    const struct process process = {.pid = INT32_MAX, .namespace_pid = INT32_MAX};
    struct diagnostics diagnostics;
    struct peers *peers;
    struct reason why;

    assert_int_equal(peers_open(&peers, &why), 0);
    assert_int_equal(peers_of(peers, &process, NULL, &diagnostics, &why), -ESRCH);
    peers_close(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(client_that_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_time_but_own_socket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tracing_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reverse, set_up, tear_down),
        cmocka_unit_test(of_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
