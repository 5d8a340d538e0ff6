/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/thread_ids.h"

static void test_own_threads(void **state)
{
    struct thread_ids ids = {0};

    assert_int_equal(thread_ids_refresh(getpid(), &ids), 0);
    assert_true(ids.count >= 1);
    assert_true(thread_ids_outer(&ids, gettid()) > 0);
    assert_int_equal(thread_ids_outer(&ids, 1 << 30), 0);
    for (size_t i = 1; i < ids.count; i++)
        assert_true(ids.items[i - 1].inner < ids.items[i].inner);
    thread_ids_free(&ids);
    assert_int_equal(thread_ids_outer(&ids, gettid()), 0);
}

static void test_who_has_ended_stays(void **state)
{
    struct thread_ids ids = {.items = calloc(2, sizeof(*ids.items)), .count = 2};

    ids.items[0] = (struct thread_id){.inner = gettid(), .outer = 1};
    ids.items[1] = (struct thread_id){.inner = 1 << 30, .outer = 77};
    assert_int_equal(thread_ids_refresh(getpid(), &ids), 0);
    assert_int_equal(thread_ids_outer(&ids, 1 << 30), 77);
    assert_true(thread_ids_outer(&ids, gettid()) != 1);
    thread_ids_free(&ids);
}

static void test_of_nobody(void **state)
{
    struct thread_ids ids = {0};

    assert_true(thread_ids_refresh(1 << 30, &ids) < 0);
    assert_int_equal(ids.count, 0);
    thread_ids_free(&ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_threads),
        cmocka_unit_test(test_who_has_ended_stays),
        cmocka_unit_test(test_of_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
