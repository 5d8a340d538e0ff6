/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "proc/threads.h"

static void *wait_for_end(void *argument)
{
    pthread_setname_np(pthread_self(), ".NET Server GC");
    pthread_barrier_wait(argument);
    pthread_barrier_wait(argument);
    return NULL;
}

static void finds_a_name(void **state)
{
    pthread_barrier_t barrier;
    struct threads threads;
    pthread_t thread;

    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, wait_for_end, &barrier);
    pthread_barrier_wait(&barrier);
    assert_int_equal(threads_read(getpid(), THREADS_MAX, &threads), 0);
    assert_int_equal(threads.count, 2);
    assert_true(threads_have(&threads, ".NET "));
    assert_false(threads_have(&threads, ".NET BGC"));
    assert_int_equal(threads_read(getpid(), 1, &threads), 0);
    assert_int_equal(threads.count, 1);
    assert_false(threads_have(&threads, ".NET "));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
}

static void of_nobody(void **state)
{
    struct threads threads;

    assert_int_equal(threads_read(INT32_MAX, THREADS_MAX, &threads), -ENOENT);
    assert_int_equal(threads.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_name),
        cmocka_unit_test(of_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
