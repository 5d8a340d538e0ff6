/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "reset.h"

#define COLLECT 0x800000u

/* One session asks for @wanted of the runtime, which has @runtime on; and two of its others. */
struct scene {
    struct event_set runtime, private, rundown, wanted;
    bool no_sessions; /* that can be read */
    bool ending;      /* one is */
};

static struct reset_look look;

static void set_context(enum provider provider, struct event_set set)
{
    look.seen.contexts[provider][SINK_EVENTPIPE] =
        (struct observed_context){true, {set.level || set.keywords, set}};
}

static void make(const struct scene *scene)
{
    struct session *session = &look.seen.sessions.items[0];

    look = (struct reset_look){.seen = {.gc_readable = true,
                                        .gc_asks_again = true,
                                        .context_has_enabled = true,
                                        .provider_readable = true,
                                        .sessions_readable = !scene->no_sessions,
                                        .gc = {.public = scene->runtime}}};
    set_context(PROVIDER_RUNTIME, scene->runtime);
    set_context(PROVIDER_PRIVATE, scene->private);
    set_context(PROVIDER_RUNDOWN, scene->rundown);
    look.seen.sessions.count = 1 + scene->ending;
    session->type = SESSION_IPC_STREAM;
    session->provider_count = 1;
    strcpy(session->providers[0].name, provider_name(PROVIDER_RUNTIME));
    session->providers[0].set = scene->wanted;
    look.seen.sessions.items[1] = (struct session){.index = 1, .in_rundown = true};
    reset_judge(&look);
}

static void what_may_be_tried(void **state)
{
    static const struct {
        struct scene scene;
        bool may;
        enum reset_outcome outcome;
        const char *why; /* "": not looked at */
        unsigned providers;
    } table[] = {
        {{.runtime = {5, 0x8001}, .wanted = {4, 0x1}}, true, RESET_REFUSED, "", 1},
        {{.runtime = {5, 0x1}, .private = {5, 0x1}, .wanted = {4, 0x1}},
         true,
         RESET_REFUSED,
         "",
         1 | 1 << PROVIDER_PRIVATE},
        {{.private = {5, 0x3}, .wanted = {4, 0x1}}, true, RESET_REFUSED, "", 1 << PROVIDER_PRIVATE},
        /* nothing is leaked, or not any more */
        {{.runtime = {4, 0x1}, .wanted = {4, 0x1}}, false, RESET_OUTCOME_MAX, "", 0},
        {{.runtime = {4, 0x8001}, .wanted = {4, 0x1}}, false, RESET_OUTCOME_MAX, "", 1},
        {{.runtime = {5, 0x1}, .wanted = {5, 0x1}}, false, RESET_OUTCOME_MAX, "", 0},
        /* a session's end is under way: that may put it right */
        {{.runtime = {5, 0x1}, .wanted = {4, 0x1}, .ending = true},
         false,
         RESET_OUTCOME_MAX,
         "",
         1},
        {{.runtime = {5, COLLECT | 1}, .wanted = {4, COLLECT | 1}},
         false,
         RESET_REFUSED,
         "GCHeapCollect",
         1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reset reset;

        make(&table[i].scene);
        assert_int_equal(look.providers, table[i].providers);
        assert_int_equal(reset_may(&look, &reset), table[i].may);
        assert_int_equal(reset.outcome, table[i].outcome);
        assert_non_null(strstr(reset.why.text, table[i].why));
    }
}

static void whose_sets_are_told(void **state)
{
    struct reset reset;

    make(&(struct scene){.private = {5, 0x3}, .rundown = {5, 0x80}, .wanted = {4, 0x1}});
    look.judgement.unsettled = false; /* as 3.1 leaves its rundown */
    assert_true(reset_may(&look, &reset));
    assert_int_equal(look.providers, 1 << PROVIDER_PRIVATE | 1 << PROVIDER_RUNDOWN);
    assert_int_equal(reset.provider, PROVIDER_PRIVATE);
    assert_true(event_set_equal(reset.old, (struct event_set){5, 0x3}));
    make(&(struct scene){.wanted = {4, 0x1}});
    assert_false(reset_may(&look, &reset));
    assert_int_equal(reset.provider, PROVIDER_MAX);
    assert_true(event_set_equal(reset.old, (struct event_set){0}));
}

/* The GC of NativeAOT never asks again, whatever its providers have. */
static void what_only_the_gc_has_kept(void **state)
{
    struct reset reset;

    make(&(struct scene){.wanted = {4, 0x1}});
    look.seen.gc.public = (struct event_set){5, 0x1};
    look.seen.gc_asks_again = false;
    reset_judge(&look);
    assert_int_equal(look.judgement.verdict, VERDICT_LEAKED);
    assert_false(reset_may(&look, &reset));
    assert_int_equal(reset.outcome, RESET_REFUSED);
    assert_non_null(strstr(reset.why.text, "none of the runtime's providers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_tried),
        cmocka_unit_test(whose_sets_are_told),
        cmocka_unit_test(what_only_the_gc_has_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
