/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "resetter.h"
#include "util/clock.h"
#include "util/text.h"

#define MINUTE (60000 * NS_PER_MS)
#define NOW    (100 * MINUTE)

static void decisions(void **state)
{
    static const struct {
        struct resetter_facts facts;
        enum resetter_decision decision;
        uint64_t until;
    } table[] = {
        {{true, VERDICT_LEAKED, .leak = 7}, RESETTER_BEGINS, UINT64_MAX},
        {{true, VERDICT_VERBOSE, .leak = 7}, RESETTER_LEAVES, UINT64_MAX},
        {{true, VERDICT_UNKNOWN, .leak = 7}, RESETTER_LEAVES, UINT64_MAX},
        {{true, VERDICT_OFF, .leak = 7}, RESETTER_LEAVES, UINT64_MAX},
        {{false, VERDICT_LEAKED, .leak = 7}, RESETTER_LEAVES, UINT64_MAX},
        {{true, VERDICT_LEAKED, .under_way = true, .leak = 7}, RESETTER_LEAVES, UINT64_MAX},
        /* what this leak has led to was said */
        {{true, VERDICT_LEAKED, .leak = 7, .tried = NOW - 1, .noted = 7},
         RESETTER_WAITS,
         NOW - 1 + 10 * MINUTE},
        {{true, VERDICT_LEAKED, .leak = 7, .tried = NOW - 10 * MINUTE + 1, .noted = 7},
         RESETTER_WAITS,
         NOW + 1},
        {{true, VERDICT_LEAKED, .leak = 7, .tried = NOW - 10 * MINUTE, .noted = 7},
         RESETTER_BEGINS,
         UINT64_MAX},
        /* another one has come too soon */
        {{true, VERDICT_LEAKED, .leak = 8, .tried = NOW - 1, .noted = 7},
         RESETTER_DECLINES,
         NOW - 1 + 10 * MINUTE},
        {{true, VERDICT_LEAKED, .leak = 8, .tried = NOW - 10 * MINUTE, .noted = 7},
         RESETTER_BEGINS,
         UINT64_MAX},
        /* so many at a time on one host */
        {{true, VERDICT_LEAKED, .leak = 7, .free_at = NOW + 5}, RESETTER_WAITS, NOW + 5},
        {{true, VERDICT_LEAKED, .leak = 7, .free_at = NOW}, RESETTER_BEGINS, UINT64_MAX},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct resetter_facts facts = table[i].facts;
        uint64_t until = 0;

        facts.interval_ns = 10 * MINUTE;
        assert_int_equal(resetter_decide(&facts, NOW, &until), table[i].decision);
        assert_int_equal(until, table[i].until);
    }
}

/* Processes that are called leaked and run no .NET: each try fails. */
struct fixture {
    sd_event *loop;
    struct store *store;
    struct locator *locator;
    struct resetter *resetter;
    struct event last;
    unsigned resets, looks;
};

static void on_event(void *context, const struct event *event)
{
    struct fixture *fixture = context;

    if (event->kind != EVENT_RESET)
        return;
    fixture->last = *event;
    fixture->resets++;
}

static void on_reset(void *context, struct stored_process *process)
{
    ((struct fixture *)context)->looks++;
}

static int open_fixture(void **state)
{
    const struct config config = {.auto_reset = true, .auto_reset_interval_ms = 600000};
    const struct locator_options options = {.sources = SOURCES_ALL};
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    *state = fixture;
    assert_true(sd_event_new(&fixture->loop) >= 0);
    assert_int_equal(store_new(&fixture->store, on_event, fixture), 0);
    assert_int_equal(locator_new(&fixture->locator, &options), 0);
    assert_int_equal(resetter_new(&fixture->resetter, fixture->loop, &config, fixture->store,
                                  fixture->locator, on_reset, fixture),
                     0);
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;

    resetter_free(&fixture->resetter);
    locator_free(&fixture->locator);
    store_free(&fixture->store);
    sd_event_unref(fixture->loop);
    free(fixture);
    return 0;
}

static struct stored_process *add_leak(struct fixture *fixture, pid_t pid)
{
    static const struct observation seen;
    static const struct judgement leaked = {.verdict = VERDICT_LEAKED};
    struct target target = {.process.pid = pid};
    struct stored_process *process;

    text_copy(target.process.name, sizeof(target.process.name), "leaky");
    assert_int_equal(store_observe(fixture->store, &target, &seen, &leaked, false, NOW, &process),
                     0);
    process->leak_since = NOW;
    return process;
}

static unsigned under_way(const struct fixture *fixture)
{
    struct health health = {0};

    resetter_health(fixture->resetter, &health);
    return health.resets_under_way;
}

static void run_until_done(struct fixture *fixture)
{
    while (under_way(fixture))
        assert_true(sd_event_run(fixture->loop, UINT64_MAX) >= 0);
}

static void one_that_fails(void **state)
{
    struct fixture *fixture = *state;
    struct stored_process *process = add_leak(fixture, getpid());
    struct health health = {0};

    assert_int_equal(resetter_turn(fixture->resetter, NOW), UINT64_MAX);
    assert_int_equal(under_way(fixture), 1);
    assert_int_equal(resetter_turn(fixture->resetter, NOW), UINT64_MAX);
    assert_int_equal(under_way(fixture), 1);
    run_until_done(fixture);
    assert_int_equal(fixture->resets, 1);
    assert_int_equal(fixture->looks, 1);
    assert_int_equal(fixture->last.outcome, OUTCOME_FAILED);
    assert_int_equal(fixture->last.pid, getpid());
    assert_int_equal(fixture->last.provider, PROVIDER_MAX);
    assert_ptr_equal(strstr(fixture->last.detail, "failed: "), fixture->last.detail);
    assert_true(process->reset_tried > 0);
    resetter_health(fixture->resetter, &health);
    assert_true(health.auto_reset);
    assert_int_equal(health.resets[OUTCOME_FAILED], 1);

    assert_int_equal(resetter_turn(fixture->resetter, process->reset_tried),
                     process->reset_tried + 10 * MINUTE);
    assert_int_equal(fixture->resets, 1);
    process->leak_since++;
    (void)resetter_turn(fixture->resetter, process->reset_tried + MINUTE);
    assert_int_equal(fixture->resets, 2);
    assert_int_equal(fixture->last.outcome, OUTCOME_REFUSED);
    assert_string_equal(fixture->last.detail, "refused: the last try was 60 s ago, and "
                                              "auto_reset_interval is 600 s");
    (void)resetter_turn(fixture->resetter, process->reset_tried + MINUTE);
    assert_int_equal(fixture->resets, 2);
}

/* It is not there any more: nothing was tried, and nothing is said. */
static void one_that_has_ended(void **state)
{
    struct fixture *fixture = *state;
    struct stored_process *process = add_leak(fixture, 0x7fffffff);

    (void)resetter_turn(fixture->resetter, NOW);
    run_until_done(fixture);
    assert_int_equal(fixture->resets, 0);
    assert_int_equal(fixture->looks, 1);
    assert_int_equal(process->reset_tried, 0);
}

static void so_many_a_minute(void **state)
{
    struct fixture *fixture = *state;
    struct stored_process *process = add_leak(fixture, getpid());
    uint64_t now = NOW;

    for (unsigned i = 1; i <= RESETS_A_MINUTE; i++) {
        process->reset_tried = 0;
        while (resetter_turn(fixture->resetter, ++now) != UINT64_MAX) /* a child lingers */
            assert_true(sd_event_run(fixture->loop, 10000) >= 0);
        run_until_done(fixture);
        assert_int_equal(fixture->resets, i);
    }
    process->reset_tried = 0;
    assert_true(resetter_turn(fixture->resetter, now) <= now + MINUTE);
    assert_int_equal(under_way(fixture), 0);
    while (resetter_turn(fixture->resetter, now + MINUTE) != UINT64_MAX)
        assert_true(sd_event_run(fixture->loop, 10000) >= 0);
    assert_int_equal(under_way(fixture), 1);
    run_until_done(fixture);
}

static void off(void **state)
{
    struct fixture *fixture = *state;

    add_leak(fixture, getpid());
    resetter_reload(fixture->resetter, &(struct config){.auto_reset_interval_ms = 600000});
    assert_int_equal(resetter_turn(fixture->resetter, NOW), UINT64_MAX);
    assert_int_equal(under_way(fixture), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions),
        cmocka_unit_test_setup_teardown(one_that_fails, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(one_that_has_ended, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(so_many_a_minute, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(off, open_fixture, close_fixture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
