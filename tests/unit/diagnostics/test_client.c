/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diagnostics/client.h"

#include "server.h"

#define PATIENT_MS 20000 /* for what is not to be waited for */

static int ask_info(const struct endpoint *endpoint, deadline_t deadline, struct reason *why)
{
    static struct ipc_process_info info;

    return client_info(endpoint, deadline, &info, why);
}

static int ask_environment(const struct endpoint *endpoint, deadline_t deadline, struct reason *why)
{
    struct environment environment = {0};
    int error = client_environment(endpoint, deadline, &environment, why);

    assert_null(environment.text);
    return error;
}

static int begin(const struct endpoint *endpoint, deadline_t deadline, struct reason *why)
{
    static const struct ipc_provider provider = {.name = "Provider", .level = 4};
    static const struct ipc_session session = {
        .providers = &provider, .provider_count = 1, .buffer_mb = 1};
    uint64_t id = 0;
    int fd = client_collect(endpoint, &session, deadline, &id, why);

    if (fd < 0)
        return fd;
    assert_int_equal(id, SERVED_SESSION);
    close(fd);
    return 0;
}

static int stop(const struct endpoint *endpoint, deadline_t deadline, struct reason *why)
{
    return client_stop(endpoint, SERVED_SESSION, NULL, NULL, deadline, why);
}

static int write_map(const struct endpoint *endpoint, deadline_t deadline, struct reason *why)
{
    return client_perf_map(endpoint, IPC_PERF_MAP_PERFMAP, deadline, why);
}

static int (*const calls[])(const struct endpoint *endpoint, deadline_t deadline,
                            struct reason *why) = {ask_info, ask_environment, begin, stop,
                                                   write_map};

/* "good" is a 3.1, which knows no command about the process. */
static void whatever_answers(void **state)
{
    static const struct {
        const char *how;
        int errors[ARRAY_SIZE(calls)];
        const char *text; /* of the last */
        uint64_t deadline_ms;
    } table[] = {
        {"good",
         {-EOPNOTSUPP, -EOPNOTSUPP, 0, 0, -EOPNOTSUPP},
         "the runtime refuses EnablePerfMap: unknown command",
         PATIENT_MS},
        {"starting",
         {-EOPNOTSUPP, -EOPNOTSUPP, -EAGAIN, 0, -EAGAIN},
         "the runtime is only starting",
         PATIENT_MS},
        {"garbage",
         {-EBADMSG, -EBADMSG, -EBADMSG, -EBADMSG, -EBADMSG},
         "does not speak the diagnostics protocol",
         PATIENT_MS},
        {"silent",
         {-ETIMEDOUT, -ETIMEDOUT, -ETIMEDOUT, -ETIMEDOUT, -ETIMEDOUT},
         "the runtime does not answer in time",
         100},
        {"slow",
         {-ETIMEDOUT, -ETIMEDOUT, -ETIMEDOUT, -ETIMEDOUT, -ETIMEDOUT},
         "the runtime does not answer in time",
         100},
        {"half",
         {-ECONNRESET, -ECONNRESET, -ECONNRESET, -ECONNRESET, -ECONNRESET},
         "the runtime has hung up",
         PATIENT_MS},
        {"hangup",
         {-ECONNRESET, -ECONNRESET, -ECONNRESET, -ECONNRESET, -ECONNRESET},
         "the runtime has hung up",
         PATIENT_MS},
        {"huge",
         {-ECONNRESET, -ECONNRESET, -ECONNRESET, -ECONNRESET, -ECONNRESET},
         "the runtime has hung up",
         PATIENT_MS},
        {"ones",
         {-EBADMSG, -E2BIG, -EBADMSG, -EBADMSG, -EREMOTEIO},
         "the runtime refuses EnablePerfMap with error 0xffffffff",
         PATIENT_MS},
        {"endless",
         {-EBADMSG, -ETIMEDOUT, -EBADMSG, -EBADMSG, -EREMOTEIO},
         "the runtime refuses EnablePerfMap with error 0x3e8",
         500},
        {"cut off",
         {-EBADMSG, -ECONNRESET, -EBADMSG, -EBADMSG, -EREMOTEIO},
         "the runtime refuses EnablePerfMap with error 0x3e8",
         PATIENT_MS},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _endpoint_ struct endpoint endpoint = {.fd = -1};
        struct reason why = {.text = ""};
        struct server server;

        server_start(&server, table[i].how);
        assert_int_equal(endpoint_open(&server.process, &endpoint, NULL), 0);
        for (size_t j = 0; j < ARRAY_SIZE(calls); j++) {
            int error = calls[j](&endpoint, deadline_in_ms(table[i].deadline_ms), &why);

            if (error != table[i].errors[j])
                fail_msg("%s, call %zu: %d, '%s'", table[i].how, j, error, why.text);
        }
        if (!strstr(why.text, table[i].text))
            fail_msg("'%s' is not '%s'", why.text, table[i].text);
        server_stop(&server);
    }
}

static void another_session(void **state)
{
    _endpoint_ struct endpoint endpoint = {.fd = -1};
    struct reason why;
    struct server server;

    server_start(&server, "stubborn");
    assert_int_equal(endpoint_open(&server.process, &endpoint, NULL), 0);
    assert_int_equal(client_stop(&endpoint, 1, NULL, NULL, deadline_in_ms(PATIENT_MS), &why),
                     -EBADMSG);
    assert_string_equal(why.text, "the runtime has stopped another session");
    server_stop(&server);
}

static int not_any_more(void *data, struct reason *why)
{
    ++*(unsigned *)data;
    return reason_set(why, -ESRCH, "it has gone");
}

/* A 3.1 does not know what it is asked first: that is an answer, and no reason. */
static void last_look(void **state)
{
    _endpoint_ struct endpoint endpoint = {.fd = -1};
    struct reason why = {.text = ""};
    struct server server;
    unsigned looks = 0;

    server_start(&server, "good");
    assert_int_equal(endpoint_open(&server.process, &endpoint, NULL), 0);
    assert_int_equal(stop(&endpoint, deadline_in_ms(PATIENT_MS), &why), 0);
    assert_string_equal(why.text, "");
    assert_int_equal(client_stop(&endpoint, SERVED_SESSION, not_any_more, &looks,
                                 deadline_in_ms(PATIENT_MS), &why),
                     -ESRCH);
    assert_string_equal(why.text, "it has gone");
    assert_int_equal(looks, 1);
    server_stop(&server);

    endpoint_close(&endpoint);
    server_start(&server, "silent"); /* it is not looked at before it is known to answer */
    assert_int_equal(endpoint_open(&server.process, &endpoint, NULL), 0);
    assert_int_equal(
        client_stop(&endpoint, SERVED_SESSION, not_any_more, &looks, deadline_in_ms(100), &why),
        -ETIMEDOUT);
    assert_int_equal(looks, 1);
    server_stop(&server);
}

static void what_follows_an_answer(void **state)
{
    static const struct ipc_provider provider = {.name = "Provider", .level = 4};
    static const struct ipc_session session = {
        .providers = &provider, .provider_count = 1, .buffer_mb = 1};
    _endpoint_ struct endpoint endpoint = {.fd = -1};
    _close_ int fd = -1;
    struct server server;
    uint64_t id;
    char magic[8];

    server_start(&server, "good");
    assert_int_equal(endpoint_open(&server.process, &endpoint, NULL), 0);
    fd = client_collect(&endpoint, &session, deadline_in_ms(PATIENT_MS), &id, NULL);
    assert_true(fd >= 0);
    fcntl(fd, F_SETFL, 0);
    assert_int_equal(recv(fd, magic, sizeof(magic), MSG_WAITALL), sizeof(magic));
    assert_memory_equal(magic, "Nettrace", sizeof(magic));
    server_stop(&server);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_answers),
        cmocka_unit_test(another_session),
        cmocka_unit_test(last_look),
        cmocka_unit_test(what_follows_an_answer),
    };

    serve_if_asked(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
