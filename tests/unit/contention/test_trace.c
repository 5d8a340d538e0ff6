/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "contention/trace.h"

#define LOCK   0x7f0000001000
#define OTHER  0x7f0000002000
#define OBJECT 0x7f0000009000

static const uint64_t stack_a[] = {0xa1, 0xa2, 0xa3};
static const uint64_t stack_b[] = {0xb1};

static void name_frames(void *data, const uint64_t *addresses, size_t count, struct frame *out)
{
    for (size_t i = 0; i < count; i++)
        snprintf(out[i].text, sizeof(out[i].text), "Method%lx", addresses[i]);
}

static void name_type(void *data, uint64_t object, char out[static FRAME_TEXT_MAX])
{
    snprintf(out, FRAME_TEXT_MAX, "Type%lx", object & 0xf000);
}

static pid_t name_thread(void *data, uint64_t tid, char out[static CONTENTION_NAME_MAX])
{
    snprintf(out, CONTENTION_NAME_MAX, "thread%lu", tid);
    return (pid_t)tid + 1000;
}

static const struct trace_names names = {
    .frames = name_frames, .type = name_type, .thread = name_thread};

struct start {
    uint32_t version;
    uint64_t lock, owner;
    const uint64_t *stack;
    size_t frame_count;
};

static void take(struct contention_trace *trace, const struct nettrace_event *event)
{
    assert_int_equal(contention_trace_take(trace, event, NULL), 0);
}

static void begin(struct contention_trace *trace, uint64_t thread, uint64_t time_ns,
                  const struct start *start)
{
    uint8_t payload[27] = {0, 9, 0};
    const uint64_t object = OBJECT;

    memcpy(payload + 3, &start->lock, 8);
    memcpy(payload + 11, &object, 8);
    memcpy(payload + 19, &start->owner, 8);
    take(trace, &(struct nettrace_event){.provider = TRACE_PROVIDER,
                                         .id = 81,
                                         .version = start->version,
                                         .thread = thread,
                                         .time_ns = time_ns,
                                         .payload = payload,
                                         .payload_size = start->version >= 2 ? 27 : 3,
                                         .stack = start->stack,
                                         .frame_count = start->frame_count});
}

static void end(struct contention_trace *trace, uint64_t thread, uint64_t time_ns, double duration)
{
    uint8_t payload[11] = {0, 9, 0};

    memcpy(payload + 3, &duration, 8);
    take(trace, &(struct nettrace_event){.provider = TRACE_PROVIDER,
                                         .id = 91,
                                         .version = 1,
                                         .thread = thread,
                                         .time_ns = time_ns,
                                         .payload = payload,
                                         .payload_size = 11});
}

static void sums_by_each(void **state)
{
    const struct start a = {2, LOCK, 50, stack_a, 3}, b = {2, OTHER, 60, stack_b, 1};
    struct contention_trace *trace;
    struct contention out;
    const struct contended *line;

    assert_int_equal(contention_trace_new(&trace, &names), 0);
    begin(trace, 10, 1000, &a);
    begin(trace, 11, 1500, &b);
    end(trace, 10, 9000, 5000); /* its own measure counts */
    end(trace, 11, 4500, -1);   /* an impossible one: 3000 by the clock */
    begin(trace, 10, 10000, &a);
    end(trace, 10, 12000, 2000);
    assert_int_equal(contention_trace_finish(trace, 20000, 10, &out, NULL), 0);

    assert_int_equal(out.source, CONTENTION_EVENTPIPE);
    assert_true(out.is_on);
    assert_int_equal(out.sum.waits, 3);
    assert_int_equal(out.sum.wait_ns, 10000);
    assert_int_equal(out.histogram[1], 1);
    assert_int_equal(out.histogram[2], 1);
    assert_int_equal(out.histogram[3], 1);
    assert_int_equal(out.unpaired, 0);
    assert_int_equal(out.waiters, 0);

    assert_int_equal(out.lists[CONTENTION_BY_LOCK].count, 2);
    line = &out.lists[CONTENTION_BY_LOCK].items[0];
    assert_int_equal(line->key, LOCK);
    assert_int_equal(line->tid, 1050);
    assert_string_equal(line->thread, "thread50");
    assert_string_equal(line->type, "Type9000");
    assert_false(line->managed);
    assert_int_equal(line->sum.waits, 2);
    assert_int_equal(line->sum.wait_ns, 7000);
    assert_int_equal(line->longest_ns, 5000);

    assert_int_equal(out.lists[CONTENTION_BY_STACK].count, 2);
    line = &out.lists[CONTENTION_BY_STACK].items[0];
    assert_int_equal(line->sum.wait_ns, 7000);
    assert_int_equal(line->frame_count, 3);
    assert_int_equal(line->frames[2].address, 0xa3);
    assert_string_equal(line->frames[2].text, "Methoda3");
    assert_true(line->complete);

    line = &out.lists[CONTENTION_BY_OWNER].items[1];
    assert_int_equal(line->key, 0);
    assert_int_equal(line->tid, 1060);
    assert_int_equal(line->sum.wait_ns, 3000);
    line = &out.lists[CONTENTION_BY_THREAD].items[0];
    assert_int_equal(line->tid, 1010);
    assert_int_equal(line->sum.waits, 2);
    contention_free(&out);
    contention_trace_free(&trace);
}

static void lines_beyond_the_most_are_others(void **state)
{
    struct contention_trace *trace;
    struct contention out;

    assert_int_equal(contention_trace_new(&trace, NULL), 0);
    for (uint64_t i = 0; i < 5; i++) {
        uint64_t stack[] = {i + 1};
        const struct start start = {2, LOCK + i, 50 + i, stack, 1};

        begin(trace, i + 1, 1000, &start);
        end(trace, i + 1, 2000, (double)(100 * (i + 1)));
    }
    assert_int_equal(contention_trace_finish(trace, 0, 2, &out, NULL), 0);
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++) {
        assert_int_equal(out.lists[by].count, 2);
        assert_int_equal(out.lists[by].items[0].sum.wait_ns, 500);
        assert_int_equal(out.lists[by].other.waits, 3);
        assert_int_equal(out.lists[by].other.wait_ns, 600);
    }
    assert_string_equal(out.lists[CONTENTION_BY_STACK].items[0].frames[0].text, "0x5");
    assert_int_equal(out.lists[CONTENTION_BY_THREAD].items[0].tid, 5);
    contention_free(&out);
    contention_trace_free(&trace);
}

/* 3.1 does not tell the lock. */
static void starts_without_a_lock(void **state)
{
    const struct start old = {1, LOCK, 50, stack_a, 3};
    struct contention_trace *trace;
    struct contention out;

    assert_int_equal(contention_trace_new(&trace, &names), 0);
    begin(trace, 10, 1000, &old);
    end(trace, 10, 2000, 700);
    assert_int_equal(contention_trace_finish(trace, 0, 10, &out, NULL), 0);
    assert_int_equal(out.sum.waits, 1);
    assert_int_equal(out.lists[CONTENTION_BY_LOCK].count, 0);
    assert_int_equal(out.lists[CONTENTION_BY_LOCK].other.wait_ns, 700);
    assert_int_equal(out.lists[CONTENTION_BY_OWNER].count, 0);
    assert_int_equal(out.lists[CONTENTION_BY_OWNER].other.waits, 1);
    assert_int_equal(out.lists[CONTENTION_BY_STACK].count, 1);
    contention_free(&out);
    contention_trace_free(&trace);
}

static void managed_locks(void **state)
{
    const struct start lock = {2, 0x1ac, 50, stack_a, 3}, monitor = {2, LOCK, 50, stack_b, 1};
    struct contention_trace *trace;
    struct contention out;

    assert_int_equal(contention_trace_new(&trace, &names), 0);
    begin(trace, 10, 1000, &lock);
    end(trace, 10, 2000, 700);
    begin(trace, 10, 3000, &monitor);
    end(trace, 10, 4000, 600);
    assert_int_equal(contention_trace_finish(trace, 0, 10, &out, NULL), 0);
    assert_true(out.lists[CONTENTION_BY_LOCK].items[0].managed);
    assert_string_equal(out.lists[CONTENTION_BY_LOCK].items[0].type, "System.Threading.Lock");
    assert_true(out.lists[CONTENTION_BY_STACK].items[0].managed);
    assert_false(out.lists[CONTENTION_BY_LOCK].items[1].managed);
    assert_false(out.lists[CONTENTION_BY_STACK].items[1].managed);
    contention_free(&out);
    contention_trace_free(&trace);
}

static void halves(void **state)
{
    const struct start start = {2, LOCK, 50, stack_a, 3};
    struct contention_trace *trace;
    struct contention out;

    assert_int_equal(contention_trace_new(&trace, &names), 0);
    end(trace, 10, 1000, 500);      /* began before us */
    begin(trace, 11, 2000, &start); /* an exception ended it: */
    begin(trace, 11, 3000, &start); /* the next one of the thread */
    begin(trace, 12, 2500, &start); /* both wait still */
    assert_int_equal(contention_trace_finish(trace, 10000, 10, &out, NULL), 0);
    assert_int_equal(out.sum.waits, 0);
    assert_int_equal(out.unpaired, 2);
    assert_int_equal(out.waiters, 2);
    assert_int_equal(out.longest_wait_ns, 7500);
    assert_int_equal(out.lists[CONTENTION_BY_LOCK].count, 1);
    assert_int_equal(out.lists[CONTENTION_BY_LOCK].items[0].waiters, 2);
    assert_int_equal(out.lists[CONTENTION_BY_THREAD].count, 0);
    contention_free(&out);
    contention_trace_free(&trace);
}

static void events_of_others(void **state)
{
    static const struct nettrace_event table[] = {
        {.provider = TRACE_PROVIDER, .id = 80, .thread = 1},
        {.provider = TRACE_PROVIDER "Rundown", .id = 81, .thread = 1},
        {.provider = TRACE_PROVIDER, .id = 81, .version = 2, .thread = 1}, /* short */
        {.provider = TRACE_PROVIDER, .id = 91, .version = 1, .thread = 1, .time_ns = 50},
    };
    struct contention_trace *trace;
    struct contention out;

    assert_int_equal(contention_trace_new(&trace, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        take(trace, &table[i]);
    assert_int_equal(contention_trace_finish(trace, 0, 10, &out, NULL), 0);
    assert_int_equal(out.sum.waits, 1);
    assert_int_equal(out.sum.wait_ns, 50);
    assert_int_equal(out.unpaired, 0);
    contention_free(&out);
    contention_trace_free(&trace);
}

static void more_stacks_than_are_kept(void **state)
{
    struct contention_trace *trace;
    struct contention out;

    assert_int_equal(contention_trace_new(&trace, NULL), 0);
    for (uint64_t i = 0; i < TRACE_STACKS_MAX + 10; i++) {
        uint64_t stack[] = {i + 1};
        const struct start start = {2, LOCK, 50, stack, 1};

        begin(trace, 10, 1000, &start);
        end(trace, 10, 2000, 1);
    }
    assert_int_equal(contention_trace_finish(trace, 0, SIZE_MAX, &out, NULL), 0);
    assert_int_equal(out.lists[CONTENTION_BY_STACK].count, TRACE_STACKS_MAX);
    assert_int_equal(out.lists[CONTENTION_BY_STACK].other.waits, 10);
    assert_int_equal(out.sum.waits, TRACE_STACKS_MAX + 10);
    contention_free(&out);
    contention_trace_free(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_by_each),
        cmocka_unit_test(lines_beyond_the_most_are_others),
        cmocka_unit_test(starts_without_a_lock),
        cmocka_unit_test(managed_locks),
        cmocka_unit_test(halves),
        cmocka_unit_test(events_of_others),
        cmocka_unit_test(more_stacks_than_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
