/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diagnostics/endpoint.h"

#include "server.h"

#define PATIENT_MS 20000 /* for what is not to be waited for */

static void directory(void **state)
{
    assert_string_equal(endpoint_directory(NULL), "/tmp");
    assert_string_equal(endpoint_directory(""), "/tmp");
    assert_string_equal(endpoint_directory("/var/tmp"), "/var/tmp");
}

static void settings_that_switch_it_off(void **state)
{
    static const struct {
        char text[64];
        const char *says; /* NULL: it is on */
    } table[] = {
        {"HOME=/root", NULL},
        {"DOTNET_EnableDiagnostics=1", NULL},
        {"DOTNET_EnableDiagnostics=0", "DOTNET_EnableDiagnostics=0 switches its diagnostics off"},
        {"COMPlus_EnableDiagnostics=0", "COMPlus_EnableDiagnostics=0 switches"},
        {"DOTNET_EnableDiagnostics_IPC=0", "DOTNET_EnableDiagnostics_IPC=0 switches"},
        {"DOTNET_EnableDiagnostics_Profiler=0", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char text[64];
        struct environment environment = {.text = text, .length = strlen(table[i].text) + 1};
        struct reason why = {.text = ""};

        memcpy(text, table[i].text, sizeof(text));
        assert_int_equal(endpoint_is_off(&environment, &why), table[i].says != NULL);
        assert_true(!table[i].says || strstr(why.text, table[i].says));
    }
}

static int try(const struct server *server, int deadline_ms, struct reason *why)
{
    _endpoint_ struct endpoint endpoint = {.fd = -1};
    int error = endpoint_open(&server->process, &endpoint, why);
    int fd = error < 0 ? error : endpoint_connect(&endpoint, deadline_ms, why);

    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

static void a_socket_as_it_should_be(void **state)
{
    struct server server;
    struct reason why = {.text = ""};

    server_start(&server, "good");
    assert_int_equal(try(&server, PATIENT_MS, &why), 0);
    server_stop(&server);
}

static void nothing(struct server *server)
{
}

static void make_link(struct server *server)
{
    assert_int_equal(symlink("/tmp/nowhere", server->path), 0);
}

static void make_file(struct server *server)
{
    int fd = open(server->path, O_CREAT | O_WRONLY, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static int listener = -1;

static void listen_instead(struct server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(address.sun_path, server->path, strlen(server->path) + 1);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
}

/* Clients fill the queue of a listener that takes none. */
static int waiting[16];
static size_t waiting_count;

static void fill_queue(struct server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    kill(server->pid, SIGSTOP);
    assert_int_equal(waitpid(server->pid, NULL, WUNTRACED), server->pid);
    memcpy(address.sun_path, server->path, strlen(server->path) + 1);
    while (waiting_count < ARRAY_SIZE(waiting)) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

        waiting[waiting_count++] = fd;
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
            return;
    }
}

static void give_away(struct server *server)
{
    assert_int_equal(chown(server->path, 12345, 12345), 0);
}

static void what_it_should_not_be(void **state)
{
    static const struct {
        const char *how;
        void (*prepare)(struct server *server);
        int error;
        const char *text;
        bool as_root;
    } table[] = {
        {"none", nothing, -ENOENT, "has no diagnostics socket in /tmp/clrmon-unit.", false},
        {"none", make_link, -EPERM, "is a symbolic link: not followed", false},
        {"none", make_file, -EPERM, "is no socket", false},
        {"none", listen_instead, -EPERM, "listens at the diagnostics socket of process", false},
        {"deaf", nothing, -ECONNREFUSED, "nobody listens at its diagnostics socket", false},
        {"silent", fill_queue, -ETIMEDOUT, "takes no connection within 100 ms", false},
        {"good", give_away, -EPERM, "belongs to user 12345, the process to user", true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {.text = ""};
        struct server server;

        if (table[i].as_root && geteuid() != 0)
            continue;
        server_start(&server, table[i].how);
        table[i].prepare(&server);
        assert_int_equal(try(&server, table[i].prepare == fill_queue ? 100 : PATIENT_MS, &why),
                         table[i].error);
        if (!strstr(why.text, table[i].text))
            fail_msg("'%s' is not '%s'", why.text, table[i].text);
        server_stop(&server);
    }
    close(listener);
    while (waiting_count > 0)
        close(waiting[--waiting_count]);
}

/* A process that is gone, and one that has the number of another. */
static void no_such_process(void **state)
{
    struct server server;
    struct reason why = {.text = ""};

    server_start(&server, "good");
    server.process.start_time++;
    assert_int_equal(try(&server, PATIENT_MS, &why), -ENOENT);
    server.process.start_time--;
    server_stop(&server);
    assert_int_equal(try(&server, PATIENT_MS, &why), -ESRCH);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directory),
        cmocka_unit_test(settings_that_switch_it_off),
        cmocka_unit_test(a_socket_as_it_should_be),
        cmocka_unit_test(what_it_should_not_be),
        cmocka_unit_test(no_such_process),
    };

    serve_if_asked(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
