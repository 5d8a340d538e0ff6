/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contention/eventpipe.h"

#include "diagnostics/server.h"

#define PATIENT_MS 20000 /* for what is not to be waited for */

static int run(const struct server *server, uint64_t duration_ms, int deadline_ms,
               struct contention *out, struct eventpipe_outcome *outcome, struct reason *why)
{
    const struct eventpipe_request request = {
        .duration_ms = duration_ms, .deadline_ms = deadline_ms, .most = 10};

    return contention_by_eventpipe(server->pid, &request, out, outcome, why);
}

static void a_session(void **state)
{
    struct eventpipe_outcome outcome;
    struct contention contention;
    struct server server;

    server_start(&server, "good");
    assert_int_equal(run(&server, 50, PATIENT_MS, &contention, &outcome, NULL), 0);
    assert_int_equal(contention.pid, server.pid);
    assert_int_equal(contention.source, CONTENTION_EVENTPIPE);
    assert_true(contention.is_on);
    assert_true(contention.now_ns > contention.since_ns);
    assert_string_equal(contention.why, "");
    assert_int_equal(contention.sum.waits, 0);
    assert_int_equal(outcome.events, 0);
    assert_int_equal(outcome.lost, 0);
    assert_false(outcome.interrupted);
    assert_false(outcome.ended);
    contention_free(&contention);
    server_stop(&server);
}

static void a_process_that_ends(void **state)
{
    struct eventpipe_outcome outcome;
    struct contention contention;
    struct server server;

    server_start(&server, "quits");
    assert_int_equal(run(&server, PATIENT_MS, PATIENT_MS, &contention, &outcome, NULL), 0);
    assert_true(outcome.ended);
    assert_string_equal(contention.why, "the process ended: what it did last is missing");
    contention_free(&contention);
    server_stop(&server);
}

/* The signal is over with the session: it does not end us later. */
static void a_signal_ends_it(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        struct eventpipe_outcome outcome;
        struct contention contention;
        struct server server;
        sigset_t blocked, before;

        sigemptyset(&blocked);
        sigaddset(&blocked, signals[i]);
        sigprocmask(SIG_BLOCK, &blocked, &before);
        raise(signals[i]);
        server_start(&server, "good");
        assert_int_equal(run(&server, PATIENT_MS, PATIENT_MS, &contention, &outcome, NULL), 0);
        assert_true(outcome.interrupted);
        assert_false(outcome.ended);
        sigprocmask(SIG_SETMASK, &before, NULL);
        contention_free(&contention);
        server_stop(&server);
    }
}

static void what_goes_wrong(void **state)
{
    static const struct {
        const char *how;
        int deadline_ms, error;
        const char *text;
    } table[] = {
        {"none", PATIENT_MS, -ENOENT, "has no diagnostics socket"},
        {"silent", 100, -ETIMEDOUT, "the runtime does not answer in time"},
        {"garbage", PATIENT_MS, -EBADMSG, "does not speak the diagnostics protocol"},
        {"badstream", PATIENT_MS, -EBADMSG, "no nettrace stream: another start at byte 0"},
        {"cut", PATIENT_MS, -EBADMSG, "the stream of events is cut off"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct eventpipe_outcome outcome;
        struct contention contention;
        struct reason why = {.text = ""};
        struct server server;

        server_start(&server, table[i].how);
        assert_int_equal(run(&server, 50, table[i].deadline_ms, &contention, &outcome, &why),
                         table[i].error);
        if (!strstr(why.text, table[i].text))
            fail_msg("'%s' is not '%s'", why.text, table[i].text);
        server_stop(&server);
    }
}

static void no_such_process(void **state)
{
    const struct server server = {.pid = INT32_MAX};
    struct eventpipe_outcome outcome;
    struct contention contention;

    assert_int_equal(run(&server, 50, 50, &contention, &outcome, NULL), -ESRCH);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session),        cmocka_unit_test(a_process_that_ends),
        cmocka_unit_test(a_signal_ends_it), cmocka_unit_test(what_goes_wrong),
        cmocka_unit_test(no_such_process),
    };

    serve_if_asked(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
