/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diagnostics/client.h"

#include "server.h"

#define PATIENT_MS 20000 /* for what is not to be waited for */

static const struct {
    const char *how;
    int error; /* of process info; 0 for one that answers at all */
    const char *text;
    uint64_t deadline_ms;
} table[] = {
    {"good", -EOPNOTSUPP, "the runtime refuses: unknown command", PATIENT_MS},
    {"garbage", -EBADMSG, "does not speak the diagnostics protocol", PATIENT_MS},
    {"silent", -ETIMEDOUT, "the runtime does not answer in time", 100},
    {"slow", -ETIMEDOUT, "the runtime does not answer in time", 100},
    {"half", -ECONNRESET, "the runtime has hung up", PATIENT_MS},
    {"hangup", -ECONNRESET, "the runtime has hung up", PATIENT_MS},
};

static void whatever_answers(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _client_answer_ struct client_answer answer = {.fd = -1};
        _endpoint_ struct endpoint endpoint = {.fd = -1};
        struct reason why = {.text = ""};
        struct ipc_request request;
        struct server server;

        server_start(&server, table[i].how);
        assert_int_equal(endpoint_open(&server.process, &endpoint, NULL), 0);
        ipc_format_info(&request);
        assert_int_equal(
            client_ask(&endpoint, &request, deadline_in_ms(table[i].deadline_ms), &answer, &why),
            table[i].error);
        assert_null(answer.payload);
        if (!strstr(why.text, table[i].text))
            fail_msg("'%s' is not '%s'", why.text, table[i].text);
        server_stop(&server);
    }
}

static void pings(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _endpoint_ struct endpoint endpoint = {.fd = -1};
        struct server server;

        server_start(&server, table[i].how);
        assert_int_equal(endpoint_open(&server.process, &endpoint, NULL), 0);
        assert_int_equal(client_ping(&endpoint, deadline_in_ms(table[i].deadline_ms), NULL),
                         table[i].error == -EOPNOTSUPP ? 0 : table[i].error);
        server_stop(&server);
    }
}

static void what_follows_an_answer(void **state)
{
    static const struct ipc_provider provider = {.name = "Provider", .level = 4};
    static const struct ipc_session session = {
        .providers = &provider, .provider_count = 1, .buffer_mb = 1};
    _client_answer_ struct client_answer answer = {.fd = -1};
    _endpoint_ struct endpoint endpoint = {.fd = -1};
    struct ipc_request request;
    struct server server;
    uint64_t id;
    char magic[8];

    server_start(&server, "good");
    assert_int_equal(endpoint_open(&server.process, &endpoint, NULL), 0);
    assert_int_equal(ipc_format_collect(&session, &request), 0);
    assert_int_equal(client_ask(&endpoint, &request, deadline_in_ms(PATIENT_MS), &answer, NULL), 0);
    assert_int_equal(ipc_parse_session(answer.payload, answer.size, &id, NULL), 0);
    assert_int_equal(id, SERVED_SESSION);
    fcntl(answer.fd, F_SETFL, 0);
    assert_int_equal(recv(answer.fd, magic, sizeof(magic), MSG_WAITALL), sizeof(magic));
    assert_memory_equal(magic, "Nettrace", sizeof(magic));
    server_stop(&server);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_answers),
        cmocka_unit_test(pings),
        cmocka_unit_test(what_follows_an_answer),
    };

    serve_if_asked(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
