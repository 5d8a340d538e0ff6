/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdbool.h>

#include "runtime/scan.h"

static bool has(const struct scan *scan, pid_t pid)
{
    for (size_t i = 0; i < scan->count; i++) {
        if (scan->pids[i] == pid)
            return true;
    }
    return false;
}

static void *wait_named(void *argument)
{
    pthread_barrier_t *barrier = argument;

    pthread_setname_np(pthread_self(), ".NET Finalizer");
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    return NULL;
}

static void finds_by_thread_name(void **state)
{
    pthread_barrier_t barrier;
    struct reason why;
    struct scan scan;
    pthread_t thread;

    assert_int_equal(scan_runtimes(&scan, &why), 0);
    assert_false(has(&scan, getpid()));
    scan_close(&scan);

    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, wait_named, &barrier);
    pthread_barrier_wait(&barrier);
    assert_int_equal(scan_runtimes(&scan, &why), 0);
    assert_true(has(&scan, getpid()));
    scan_close(&scan);
    scan_close(&scan);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_thread_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
