/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diagnostics/nettrace.h"
#include "diagnostics/tracing.h"

#include "server.h"

#define PATIENT_MS 20000 /* for what is not to be waited for */

static int take_none(void *data, const struct nettrace_event *event, struct reason *why)
{
    fail();
    return 0;
}

static int take(void *data, const void *bytes, size_t length, struct reason *why)
{
    return nettrace_push(data, bytes, length, why);
}

struct patience {
    uint64_t duration_ms;
    int deadline_ms;
    int interrupt;
};

static int run(const struct server *server, const struct patience *patience, bool *ended,
               struct tracing_result *out, struct reason *why)
{
    static const struct ipc_provider provider = {.name = "Provider", .level = 4};
    static const struct ipc_session session = {
        .providers = &provider, .provider_count = 1, .buffer_mb = 1};
    const struct tracing tracing = {.session = &session,
                                    .duration_ms = patience->duration_ms,
                                    .deadline_ms = patience->deadline_ms,
                                    .interrupt = patience->interrupt};
    _endpoint_ struct endpoint endpoint = {.fd = -1};
    struct nettrace *nettrace;
    int error;

    assert_int_equal(nettrace_new(&nettrace, take_none, NULL), 0);
    assert_int_equal(endpoint_open(&server->process, &endpoint, NULL), 0);
    error = tracing_run(&endpoint, &tracing, take, nettrace, out, why);
    *ended = nettrace_ended(nettrace);
    nettrace_free(&nettrace);
    return error;
}

static void however_it_ends(void **state)
{
    static const struct {
        const char *how;
        int error;
        const char *text;
        struct patience patience;
        bool ended, hung_up;
    } table[] = {
        {"good", 0, "", {50, PATIENT_MS, -1}, true, false},
        {"cut", 0, "", {50, PATIENT_MS, -1}, false, false},
        {"quits", 0, "", {PATIENT_MS, PATIENT_MS, -1}, false, true},
        {"badstream",
         -EBADMSG,
         "no nettrace stream: another start at byte 0",
         {PATIENT_MS, PATIENT_MS, -1},
         false,
         false},
        {"unclosed",
         -ETIMEDOUT,
         "the runtime has not ended the session within 1500 ms",
         {50, 1500, -1},
         false,
         false},
        {"mute",
         -ETIMEDOUT,
         "the runtime has not ended the session within 1500 ms",
         {50, 1500, -1},
         false,
         false},
        {"silent", -ETIMEDOUT, "the runtime does not answer in time", {50, 100, -1}, false, false},
        {"slow", -ETIMEDOUT, "the runtime does not answer in time", {50, 100, -1}, false, false},
        {"garbage",
         -EBADMSG,
         "does not speak the diagnostics protocol",
         {50, PATIENT_MS, -1},
         false,
         false},
        {"hangup", -ECONNRESET, "the runtime has hung up", {50, PATIENT_MS, -1}, false, false},
        {"liar",
         -EBADMSG,
         "the diagnostics server's answer is cut off",
         {50, PATIENT_MS, -1},
         false,
         false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct tracing_result result = {0};
        struct reason why = {.text = ""};
        struct server server;
        bool ended;

        server_start(&server, table[i].how);
        assert_int_equal(run(&server, &table[i].patience, &ended, &result, &why), table[i].error);
        if (!strstr(why.text, table[i].text))
            fail_msg("%s: '%s' is not '%s'", table[i].how, why.text, table[i].text);
        assert_int_equal(ended, table[i].ended);
        assert_int_equal(result.hung_up, table[i].hung_up);
        assert_false(result.interrupted);
        if (table[i].error == 0)
            assert_int_equal(result.id, SERVED_SESSION);
        server_stop(&server);
    }
}

static void interrupted(void **state)
{
    struct patience patience = {PATIENT_MS, PATIENT_MS, -1};
    struct tracing_result result;
    struct server server;
    int ends[2];
    bool ended;

    assert_int_equal(pipe(ends), 0);
    patience.interrupt = ends[0];
    assert_int_equal(write(ends[1], "x", 1), 1);
    server_start(&server, "good");
    assert_int_equal(run(&server, &patience, &ended, &result, NULL), 0);
    assert_true(result.interrupted);
    assert_true(ended);
    assert_false(result.hung_up);
    server_stop(&server);
    close(ends[0]);
    close(ends[1]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_it_ends),
        cmocka_unit_test(interrupted),
    };

    serve_if_asked(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
