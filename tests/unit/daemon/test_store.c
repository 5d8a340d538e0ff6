/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store.h"
#include "util/clock.h"

struct heard {
    struct event events[32];
    size_t count;
};

static void hear(void *context, const struct event *event)
{
    struct heard *heard = context;

    assert_true(heard->count < ARRAY_SIZE(heard->events));
    heard->events[heard->count++] = *event;
}

struct world {
    struct store *store;
    struct heard heard;
    struct target target;
    struct located located;
    struct observation *seen;
    struct judgement judgement;
    struct stored_process *process;
    bool doubts;
};

static void enter(struct world *world, pid_t pid)
{
    memset(world, 0, sizeof(*world));
    assert_int_equal(store_new(&world->store, hear, &world->heard), 0);
    world->seen = calloc(1, sizeof(*world->seen));
    assert_non_null(world->seen);
    world->target.process.pid = pid;
    world->target.process.start_time = clock_process_start() - 1;
    strcpy(world->target.process.name, "app");
    strcpy(world->target.runtime.version, "10.0.14");
    world->target.image = &world->located;
    world->seen->gc_readable = true;
}

static void observe(struct world *world, uint64_t now)
{
    assert_int_equal(store_observe(world->store, &world->target, world->seen, &world->judgement,
                                   world->doubts, now, &world->process),
                     0);
}

static void leave(struct world *world)
{
    free(world->seen);
    store_free(&world->store);
}

static void test_a_process_comes_and_goes(void **state)
{
    struct world world;
    uint64_t began;

    enter(&world, 42);
    observe(&world, 1000);
    assert_int_equal(store_count(world.store), 1);
    assert_ptr_equal(store_find(world.store, 42), world.process);
    began = world.process->began_ns;
    assert_in_range(began, 1, clock_monotonic_ns());
    observe(&world, 1100);
    assert_int_equal(world.process->began_ns, began);
    assert_null(store_find(world.store, 41));
    assert_int_equal(world.heard.count, 1);
    assert_int_equal(world.heard.events[0].kind, EVENT_PROCESS_START);
    assert_int_equal(world.heard.events[0].id, 1);
    store_remove(world.store, world.process, 2000);
    assert_int_equal(store_count(world.store), 0);
    assert_int_equal(world.heard.events[1].kind, EVENT_PROCESS_EXIT);
    assert_int_equal(world.heard.events[1].id, 2);
    leave(&world);
}

static void test_a_reused_pid_is_another_process(void **state)
{
    struct world world;

    enter(&world, 42);
    observe(&world, 1000);
    world.process->changes[CAUSE_CLIENT] = 7;
    world.target.process.start_time = 6;
    observe(&world, 2000);
    assert_int_equal(store_count(world.store), 1);
    assert_int_equal(world.process->changes[CAUSE_CLIENT], 0);
    assert_int_equal(world.heard.count, 3); /* start, exit, start */
    leave(&world);
}

static void test_change_and_verdict(void **state)
{
    struct event event = {.cause = CAUSE_CLIENT, .client = 9};
    struct world world;

    enter(&world, 42);
    observe(&world, 1000);
    store_gc_changed(world.store, world.process, false, (struct event_set){5, 1}, &event, 2000);
    world.seen->gc.public = (struct event_set){5, 1};
    world.judgement.verdict = VERDICT_VERBOSE;
    observe(&world, 3000);
    assert_int_equal(world.heard.count, 3);
    assert_int_equal(world.heard.events[1].kind, EVENT_GC_EVENTS);
    assert_int_equal(world.heard.events[1].new.level, 5);
    assert_int_equal(world.heard.events[1].old.level, 0);
    assert_int_equal(world.heard.events[1].client, 9);
    assert_int_equal(world.heard.events[2].kind, EVENT_VERDICT);
    assert_int_equal(world.heard.events[2].new_verdict, VERDICT_VERBOSE);
    assert_int_equal(world.process->changes[CAUSE_CLIENT], 1);
    leave(&world);
}

/* A change that no probe has told of is found by reading, and its cause is not invented. */
static void test_what_was_missed_is_repaired(void **state)
{
    struct world world;

    enter(&world, 42);
    observe(&world, 1000);
    world.seen->gc.private = (struct event_set){4, 3};
    observe(&world, 2000);
    assert_int_equal(world.heard.count, 2);
    assert_int_equal(world.heard.events[1].kind, EVENT_GC_EVENTS);
    assert_true(world.heard.events[1].private);
    assert_int_equal(world.heard.events[1].cause, CAUSE_UNKNOWN);
    observe(&world, 3000);
    assert_int_equal(world.heard.count, 2);
    leave(&world);
}

/* With probes, its record may still be under way: it is waited for. */
static void test_what_was_missed_is_doubted_first(void **state)
{
    struct world world;

    enter(&world, 42);
    world.doubts = true;
    observe(&world, 1000);
    world.seen->gc.public = (struct event_set){5, 1};
    observe(&world, 2000);
    observe(&world, 2000 + STORE_DOUBT_NS - 1);
    assert_int_equal(world.heard.count, 1);
    assert_int_equal(world.process->gc.public.level, 0);
    world.seen->gc.public = (struct event_set){0, 0};
    observe(&world, 3000 + STORE_DOUBT_NS);
    assert_int_equal(world.process->differs_since, 0);
    world.seen->gc.public = (struct event_set){5, 1};
    observe(&world, 4000 + STORE_DOUBT_NS);
    observe(&world, 4000 + 2 * STORE_DOUBT_NS);
    assert_int_equal(world.heard.count, 2);
    assert_int_equal(world.heard.events[1].cause, CAUSE_UNKNOWN);
    assert_int_equal(world.process->gc.public.level, 5);
    leave(&world);
}

static void test_verbose_time(void **state)
{
    struct world world;

    enter(&world, 42);
    world.judgement.verdict = VERDICT_VERBOSE;
    observe(&world, 1000);
    assert_int_equal(stored_verbose_ns(world.process, 1500), 500);
    world.judgement.verdict = VERDICT_LEAKED;
    observe(&world, 2000);
    world.judgement.verdict = VERDICT_OFF;
    observe(&world, 4000);
    assert_int_equal(stored_verbose_ns(world.process, 9000), 3000);
    world.judgement.verdict = VERDICT_VERBOSE;
    observe(&world, 10000);
    assert_int_equal(stored_verbose_ns(world.process, 10100), 3100);
    leave(&world);
}

static void test_in_order_of_pid(void **state)
{
    static const pid_t pids[] = {30, 10, 20};
    struct stored_process *process = NULL;
    struct world world;
    pid_t last = 0;

    enter(&world, 1);
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        world.target.process.pid = pids[i];
        observe(&world, 1000);
    }
    while ((process = store_next(world.store, process))) {
        assert_true(process->process.pid > last);
        last = process->process.pid;
    }
    assert_int_equal(last, 30);
    leave(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_comes_and_goes),
        cmocka_unit_test(test_a_reused_pid_is_another_process),
        cmocka_unit_test(test_change_and_verdict),
        cmocka_unit_test(test_what_was_missed_is_repaired),
        cmocka_unit_test(test_what_was_missed_is_doubted_first),
        cmocka_unit_test(test_verbose_time),
        cmocka_unit_test(test_in_order_of_pid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
