/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wait_queue.h"

static sd_event *loop;
static struct wait_queue *queue;
static uint64_t told[2 * WAIT_QUEUE_MAX];
static size_t told_count;
static uint64_t unnamed; /* the lock of a wait that has no names yet; 0: all have */

static bool is_ready(void *context, const struct abi_wait *wait)
{
    return wait->lock != unnamed;
}

static void tell(void *context, const struct abi_wait *wait)
{
    told[told_count++] = wait->lock;
}

static int open_queue(void **state)
{
    const struct wait_queue_listener listener = {is_ready, tell, NULL};

    told_count = 0;
    unnamed = 0;
    return sd_event_new(&loop) < 0 || wait_queue_new(&queue, loop, &listener) < 0 ? -1 : 0;
}

static int close_queue(void **state)
{
    wait_queue_free(&queue);
    loop = sd_event_unref(loop);
    return 0;
}

static void add(uint64_t lock, uint32_t pid)
{
    wait_queue_add(queue, &(struct abi_wait){.lock = lock, .pid = pid});
}

static void test_at_once(void **state)
{
    add(1, 10);
    add(2, 10);
    assert_int_equal(told_count, 2);
}

static void test_in_order(void **state)
{
    unnamed = 2;
    add(1, 10);
    add(2, 10);
    add(3, 10);
    assert_int_equal(told_count, 1);
    unnamed = 0;
    while (told_count < 3)
        assert_true(sd_event_run(loop, UINT64_MAX) >= 0);
    assert_memory_equal(told, ((const uint64_t[]){1, 2, 3}), 3 * sizeof(*told));
}

static void test_not_for_ever(void **state)
{
    unnamed = 1;
    add(1, 10);
    while (!told_count)
        assert_true(sd_event_run(loop, UINT64_MAX) >= 0);
    assert_int_equal(told[0], 1);
}

static void test_of_one_that_ends(void **state)
{
    unnamed = 1;
    add(1, 10);
    add(2, 20);
    add(3, 10);
    wait_queue_hurry(queue, 10);
    assert_int_equal(told_count, 2);
    assert_memory_equal(told, ((const uint64_t[]){1, 3}), 2 * sizeof(*told));
    wait_queue_hurry(queue, 20);
    assert_int_equal(told[2], 2);
}

static void test_too_many(void **state)
{
    unnamed = 1;
    add(1, 10);
    for (uint64_t i = 2; i <= WAIT_QUEUE_MAX + 1; i++)
        add(i, 10);
    assert_int_equal(told_count, WAIT_QUEUE_MAX / 2);
    wait_queue_hurry(queue, 10);
    assert_int_equal(told_count, WAIT_QUEUE_MAX + 1);
    for (size_t i = 0; i < told_count; i++)
        assert_int_equal(told[i], i + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_at_once, open_queue, close_queue),
        cmocka_unit_test_setup_teardown(test_in_order, open_queue, close_queue),
        cmocka_unit_test_setup_teardown(test_not_for_ever, open_queue, close_queue),
        cmocka_unit_test_setup_teardown(test_of_one_that_ends, open_queue, close_queue),
        cmocka_unit_test_setup_teardown(test_too_many, open_queue, close_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
