/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pending.h"

static bool done(void *context, struct pending *pending)
{
    *(unsigned *)context += (unsigned)pending->pid;
    return true;
}

static bool again(void *context, struct pending *pending)
{
    pending->due += 100;
    return false;
}

static void test_each_at_its_time(void **state)
{
    struct pending_list list = {0};
    unsigned seen = 0;

    assert_true(pending_next(&list) == UINT64_MAX);
    pending_add(&list, 1, 10, 0);
    pending_add(&list, 20, 30, 0);
    assert_int_equal(pending_next(&list), 10);
    pending_visit(&list, 10, done, &seen);
    assert_int_equal(seen, 1);
    assert_int_equal(list.count, 1);
    pending_visit(&list, 29, done, &seen);
    assert_int_equal(seen, 1);
    pending_visit(&list, 30, done, &seen);
    assert_int_equal(seen, 21);
    assert_int_equal(list.count, 0);
}

static void test_a_known_one_is_only_brought_forward(void **state)
{
    struct pending_list list = {0};

    pending_add(&list, 7, 50, 3);
    pending_add(&list, 7, 80, 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(pending_next(&list), 50);
    assert_int_equal(list.first->tries, 0);
    pending_add(&list, 7, 80, 5);
    assert_int_equal(list.first->tries, 0);
    pending_add(&list, 7, 20, 0);
    assert_int_equal(pending_next(&list), 20);
    pending_clear(&list);
    assert_int_equal(list.count, 0);
}

static void test_not_done_stays(void **state)
{
    struct pending_list list = {0};

    pending_add(&list, 7, 50, 0);
    pending_visit(&list, 60, again, NULL);
    assert_int_equal(pending_next(&list), 150);
    pending_hurry(&list, 70);
    assert_int_equal(pending_next(&list), 150);
    list.first->waits_for_image = true;
    pending_hurry(&list, 70);
    assert_int_equal(pending_next(&list), 70);
    pending_clear(&list);
}

static void test_bounded(void **state)
{
    struct pending_list list = {.count = PENDING_MAX};

    pending_add(&list, 7, 50, 0);
    assert_null(list.first);
    assert_int_equal(list.refused, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_at_its_time),
        cmocka_unit_test(test_a_known_one_is_only_brought_forward),
        cmocka_unit_test(test_not_done_stays),
        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
