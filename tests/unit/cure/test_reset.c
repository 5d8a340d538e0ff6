/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cure/cure.h"
#include "cure/reset.h"

#define COLLECT 0x800000u

/* One session asks for @wanted of the runtime, which has @runtime on; and two of its others. */
struct scene {
    struct event_set runtime, private, rundown, wanted;
    bool no_sessions; /* that can be read */
    bool ending;      /* one is */
    bool full;        /* there are as many as there can be */
};

static struct survey look;

static void set_context(enum provider provider, struct event_set set)
{
    look.seen.contexts[provider][SINK_EVENTPIPE] =
        (struct observed_context){true, {set.level || set.keywords, set}};
}

static void judge_look(void)
{
    account_of(&look.seen, NULL, &look.account);
    judge(&look.seen, LEVEL_INFORMATIONAL, &look.judgement);
}

static void make(const struct scene *scene)
{
    struct session *session = &look.seen.sessions.items[0];

    look = (struct survey){.seen = {.gc_readable = true,
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
    for (uint32_t i = 1; scene->full && i < SESSIONS_MAX; i++)
        look.seen.sessions.items[i] = (struct session){.index = i, .provider_count = 1};
    look.seen.sessions.count = scene->full ? SESSIONS_MAX : look.seen.sessions.count;
    judge_look();
}

static void what_is_to_be_done(void **state)
{
    static const struct {
        struct scene scene;
        bool force;
        enum reset_state state;
        const char *why;
        unsigned providers;
    } table[] = {
        {{.runtime = {5, 0x8001}, .wanted = {4, 0x1}}, false, RESET_PLANNED, "", 1},
        {{.runtime = {4, 0x8001}, .wanted = {4, 0x1}}, false, RESET_PLANNED, "", 1},
        {{.runtime = {5, 0x1}, .private = {5, 0x1}, .wanted = {4, 0x1}},
         false,
         RESET_PLANNED,
         "",
         1 | 1 << PROVIDER_PRIVATE},
        {{.private = {5, 0x3}, .wanted = {4, 0x1}},
         false,
         RESET_PLANNED,
         "",
         1 << PROVIDER_PRIVATE},
        /* nothing is left on */
        {{.wanted = {4, 0x1}}, false, RESET_NOTHING, "", 0},
        {{.runtime = {4, 0x1}, .wanted = {4, 0x1}}, false, RESET_WANTED, "nothing is left on", 0},
        {{.runtime = {5, 0x1}, .wanted = {5, 0x1}}, false, RESET_WANTED, "nothing is left on", 0},
        {{.runtime = {5, 0x1}, .wanted = {5, 0x1}}, true, RESET_PLANNED, "", 1},
        {{.wanted = {4, 0x1}}, true, RESET_PLANNED, "", 1},
        /* whatever is forced */
        {{.runtime = {5, 0x1}, .wanted = {4, 0x1}, .ending = true},
         false,
         RESET_REFUSED,
         "is ending",
         1},
        {{.runtime = {5, 0x1}, .wanted = {4, 0x1}, .full = true},
         false,
         RESET_REFUSED,
         "none is left",
         1},
        {{.runtime = {5, COLLECT | 1}, .wanted = {4, COLLECT | 1}},
         true,
         RESET_REFUSED,
         "GCHeapCollect",
         1},
        {{.runtime = {5, 0x1}, .no_sessions = true}, true, RESET_REFUSED, "can't be read", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};
        unsigned providers;

        make(&table[i].scene);
        assert_int_equal(reset_judge(&look, table[i].force, &providers, &why), table[i].state);
        assert_int_equal(providers, table[i].providers);
        assert_non_null(strstr(why.text, table[i].why));
    }
}

/* Who asks has the runtime collect; what another provider means by that bit is its own matter. */
static void who_collects(void **state)
{
    static const struct {
        const char *name;
        bool everything, in_rundown, unreadable, collects;
    } table[] = {
        {"Microsoft-Windows-DotNETRuntime", false, false, false, true},
        {"Microsoft-Windows-DotNETRuntime", false, true, false, false},
        {"Microsoft-Windows-DotNETRuntime", false, false, true, false},
        {"Microsoft-Windows-DotNETRuntimePrivate", false, false, false, false},
        {"System.Runtime", false, false, false, false},
        {"System.Runtime", true, false, false, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct session *session = &look.seen.sessions.items[0];

        make(&(struct scene){.no_sessions = table[i].unreadable, .wanted = {4, UINT64_MAX}});
        strcpy(session->providers[0].name, table[i].name);
        session->everything = table[i].everything;
        session->in_rundown = table[i].in_rundown;
        assert_int_equal(cure_collects(&look.seen), table[i].collects);
    }
}

/* The GC of NativeAOT never asks again, whatever its providers have. */
static void what_only_the_gc_has_kept(void **state)
{
    struct reason why = {""};
    unsigned providers;

    make(&(struct scene){.wanted = {4, 0x1}});
    look.seen.gc.public = (struct event_set){5, 0x1};
    look.seen.gc_asks_again = false;
    judge_look();
    assert_int_equal(look.judgement.verdict, VERDICT_LEAKED);
    assert_int_equal(reset_judge(&look, false, &providers, &why), RESET_PLANNED);
    assert_int_equal(providers, 1 << PROVIDER_RUNTIME);
}

static void what_was_on(void **state)
{
    make(&(struct scene){.private = {5, 0x3}, .wanted = {4, 0x1}});
    assert_true(
        event_set_equal(reset_effective(&look, PROVIDER_PRIVATE), (struct event_set){5, 0x3}));
    assert_true(event_set_equal(reset_effective(&look, PROVIDER_RUNTIME), (struct event_set){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_to_be_done),
        cmocka_unit_test(who_collects),
        cmocka_unit_test(what_only_the_gc_has_kept),
        cmocka_unit_test(what_was_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
