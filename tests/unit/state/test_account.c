/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "state/account.h"

#define RUNTIME "Microsoft-Windows-DotNETRuntime"
#define OWN     "My-Company-Events"

static struct observation seen;
static struct provider_states states;
static struct account account;

static void reset(void)
{
    memset(&seen, 0, sizeof(seen));
    memset(&states, 0, sizeof(states));
    seen.context_has_enabled = true;
    seen.sessions_readable = true;
}

static void ask(uint32_t index, const char *name, uint64_t keywords, uint32_t level)
{
    struct session *session = &seen.sessions.items[index];
    struct session_provider *asked = &session->providers[session->provider_count++];

    session->index = index;
    strcpy(asked->name, name);
    asked->set = (struct event_set){level, keywords};
    seen.sessions.count = index < seen.sessions.count ? seen.sessions.count : index + 1;
}

static void turn_on(const char *name, uint64_t keywords, uint32_t level)
{
    struct provider_state *state = &states.items[states.count++];

    strcpy(state->name, name);
    state->set = (struct event_set){level, keywords};
    state->sessions = 1;
}

static const struct provider_account *item(const char *name)
{
    for (size_t i = 0; i < account.count; i++)
        if (strcmp(account.items[i].name, name) == 0)
            return &account.items[i];
    fail_msg("no account of %s", name);
    return NULL;
}

/* One provider: what two sessions ask, what is on, and what of that is too much. */
static void stale(void **state)
{
    static const struct {
        struct event_set first, second; /* level 99: it asks for nothing of it */
        bool is_on;
        struct event_set on;
        bool stale;
        struct event_set excess;
    } table[] = {
        {{4, 0x1}, {99, 0}, true, {4, 0x1}, false, {0, 0}},
        {{4, 0x1}, {5, 0x8000}, true, {5, 0x8001}, false, {0, 0}},
        {{4, 0x1}, {99, 0}, true, {5, 0x1}, true, {5, 0}},
        {{4, 0x1}, {99, 0}, true, {5, 0x8001}, true, {5, 0x8000}},
        {{5, 0x1}, {99, 0}, true, {4, 0x8001}, true, {0, 0x8000}},
        {{99, 0}, {99, 0}, true, {5, 0x8001}, true, {5, 0x8001}},
        {{99, 0}, {99, 0}, true, {0, 0x1}, true, {0, 0x1}},
        {{5, 0x1}, {99, 0}, false, {0, 0}, false, {0, 0}}, /* no such provider yet */
        {{5, 0x8001}, {4, 0x1}, true, {4, 0x1}, false, {0, 0}},
        {{0, UINT64_MAX}, {99, 0}, true, {0, UINT64_MAX}, false, {0, 0}},
    };
    static const char *const names[] = {RUNTIME, RUNTIME "Private", OWN};

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
            bool asked = table[i].first.level != 99 || table[i].second.level != 99;
            struct event_set excess;

            reset();
            if (table[i].first.level != 99)
                ask(0, names[n], table[i].first.keywords, table[i].first.level);
            if (table[i].second.level != 99)
                ask(1, names[n], table[i].second.keywords, table[i].second.level);
            if (table[i].is_on)
                turn_on(names[n], table[i].on.keywords, table[i].on.level);
            account_of(&seen, &states, &account);
            assert_int_equal(account.count, 1);
            assert_int_equal(item(names[n])->sessions != 0, asked);
            if (item(names[n])->is_stale != table[i].stale)
                fail_msg("row %zu", i);
            excess = account_excess(item(names[n]));
            assert_true(event_set_equal(excess, table[i].excess));
        }
}

static void who_asks(void **state)
{
    reset();
    ask(0, OWN, 1, 4);
    ask(5, OWN, 2, 4);
    ask(63, RUNTIME, 1, 4);
    turn_on(OWN, 3, 4);
    account_of(&seen, &states, &account);
    assert_int_equal(account.count, 2);
    assert_string_equal(account.items[0].name, RUNTIME); /* the runtime's own first */
    assert_true(item(OWN)->sessions == 0x21);
    assert_true(item(RUNTIME)->sessions == 1ull << 63);
    assert_int_equal(item(OWN)->wanted.keywords, 3);
    assert_int_equal(account_part(item(OWN), &seen.sessions.items[5]).keywords, 2);
    assert_int_equal(account_part(item(OWN), &seen.sessions.items[63]).keywords, 0);
}

/* One that is ending asks for what its rundown is, and stays no longer. */
static void ending(void **state)
{
    reset();
    ask(0, RUNTIME, 0x8001, 5);
    turn_on(RUNTIME, 0x8001, 5);
    seen.sessions.items[0].in_rundown = true;
    account_of(&seen, &states, &account);
    assert_true(item(RUNTIME)->is_stale);
    assert_int_equal(item(RUNTIME)->sessions, 0);
}

/* The runtime's own name is that of an EventSource, too; each has its own state. */
static void one_name_twice(void **state)
{
    reset();
    ask(0, RUNTIME, 0x1, 4);
    turn_on(RUNTIME, 0x8001, 5);
    turn_on(RUNTIME, 0x1, 4);
    account_of(&seen, &states, &account);
    assert_int_equal(account.count, 1);
    assert_int_equal(item(RUNTIME)->effective.level, 5);
    assert_int_equal(item(RUNTIME)->effective.keywords, 0x8001);
    assert_true(item(RUNTIME)->is_stale);
}

static void everything(void **state)
{
    reset();
    seen.sessions.count = 1;
    seen.sessions.items[0] = (struct session){.index = 3, .everything = true};
    turn_on(OWN, UINT64_MAX, 5);
    account_of(&seen, &states, &account);
    assert_false(item(OWN)->is_stale);
    assert_int_equal(item(OWN)->sessions, 8);
    assert_true(event_set_equal(account_part(item(OWN), &seen.sessions.items[0]),
                                (struct event_set){LEVEL_VERBOSE, UINT64_MAX}));
    seen.sessions.items[0].in_rundown = true;
    account_of(&seen, &states, &account);
    assert_true(item(OWN)->is_stale);
}

/* More than is kept of a session: the runtime's own are kept, of the others nothing is sure. */
static void cut_session(void **state)
{
    reset();
    ask(0, RUNTIME, 1, 4);
    seen.sessions.items[0].more_providers = 1;
    turn_on(RUNTIME, 1, 5);
    turn_on(OWN, 1, 5);
    account_of(&seen, &states, &account);
    assert_true(item(RUNTIME)->is_stale);
    assert_true(item(OWN)->is_unsure);
    assert_false(item(OWN)->is_stale);
}

/* Without the list: contexts, as far as they are on. */
static void by_contexts(void **state)
{
    reset();
    ask(0, RUNTIME, 0x1, 4);
    ask(0, OWN, 0x1, 4);
    seen.contexts[PROVIDER_RUNTIME][SINK_EVENTPIPE] =
        (struct observed_context){true, {true, {5, 0x8001}}};
    seen.contexts[PROVIDER_PRIVATE][SINK_EVENTPIPE] =
        (struct observed_context){true, {false, {5, 0x1}}};
    seen.contexts[PROVIDER_STRESS][SINK_LTTNG] = (struct observed_context){true, {true, {5, 0x1}}};
    account_of(&seen, NULL, &account);
    assert_int_equal(account.count, 2);
    assert_true(item(RUNTIME)->is_stale);
    assert_false(item(OWN)->is_known);
    assert_false(item(OWN)->is_stale);
    seen.context_has_enabled = false; /* 3.1 */
    account_of(&seen, NULL, &account);
    assert_true(item(RUNTIME "Private")->is_stale);
}

/* What is in a list that was cut is known; what is not may be on. */
static void cut_list(void **state)
{
    reset();
    ask(0, RUNTIME, 1, 4);
    ask(0, OWN, 1, 4);
    turn_on(RUNTIME, 1, 4);
    states.more = 1;
    account_of(&seen, &states, &account);
    assert_true(item(RUNTIME)->is_known);
    assert_false(item(OWN)->is_known);
    states.more = 0;
    account_of(&seen, &states, &account);
    assert_true(item(OWN)->is_known);
}

static void more_than_fit(void **state)
{
    reset();
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        for (uint32_t n = 0; n < 3; n++) {
            char name[SESSION_NAME_MAX];

            snprintf(name, sizeof(name), "Events-%u", 3 * i + n);
            ask(i, name, 1, 5);
        }
    turn_on(RUNTIME, 1, 5);
    states.more = 7;
    account_of(&seen, &states, &account);
    assert_int_equal(account.count, ACCOUNT_MAX);
    assert_int_equal(account.more, 7 + 1 + 3 * SESSIONS_MAX - ACCOUNT_MAX);
    assert_string_equal(account.items[0].name, RUNTIME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stale),         cmocka_unit_test(who_asks),
        cmocka_unit_test(ending),        cmocka_unit_test(one_name_twice),
        cmocka_unit_test(everything),    cmocka_unit_test(cut_session),
        cmocka_unit_test(by_contexts),   cmocka_unit_test(cut_list),
        cmocka_unit_test(more_than_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
