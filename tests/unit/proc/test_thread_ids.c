/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/prctl.h>

#include "proc/thread_ids.h"

/* In no namespace of its own the numbers are ours. */
static void own_numbers(void **state)
{
    struct thread_ids ids = {0};
    char name[PROCESS_NAME_MAX];

    assert_int_equal(process_read(getpid(), &ids.process, NULL), 0);
    assert_int_equal(thread_ids_find(&ids, getpid()), getpid());
    assert_int_equal(thread_ids_find(&ids, 0), 0);
    assert_int_equal(thread_ids_find(&ids, -1), 0);
    prctl(PR_SET_NAME, "own name");
    thread_ids_name(&ids, getpid(), name);
    assert_string_equal(name, "own name");
    thread_ids_name(&ids, 0, name);
    assert_string_equal(name, "");
    thread_ids_close(&ids);
}

/* What is read of each thread, as if the process had other numbers than ours. */
static void numbers_of_a_namespace(void **state)
{
    struct thread_ids ids = {0};

    assert_int_equal(process_read(getpid(), &ids.process, NULL), 0);
    ids.process.namespace_pid++;
    assert_int_equal(thread_ids_find(&ids, ids.process.namespace_pid - 1), getpid());
    assert_int_equal(thread_ids_find(&ids, INT32_MAX), 0);
    thread_ids_close(&ids);
    assert_null(ids.ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_numbers),
        cmocka_unit_test(numbers_of_a_namespace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
