/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "contention.h"

/* What is in the kernel's maps is the end-to-end tests'; here, that nobody is told of what is not.
 */

static void test_without_probes(void **state)
{
    struct contention_reader *reader = NULL;
    struct registry *registry = NULL;
    struct stored_process process = {
        .process = {.pid = 7, .name = "dotnet"}, .version = "8.0.1", .began_ns = 1234};
    struct abi_wait wait = {.pid = 7};
    struct findings findings = {0};
    struct contention seen;

    assert_int_equal(registry_new(&registry), 0);
    assert_int_equal(contention_reader_new(&reader, NULL, NULL, registry), 0);
    contention_know(reader, &process.process, &findings, 0);
    assert_int_equal(contention_read(reader, &process, 10, true, &seen, NULL), 0);
    assert_false(seen.is_on);
    assert_string_equal(seen.why, "the daemon has no probes");
    assert_string_equal(seen.name, "dotnet");
    assert_int_equal(seen.pid, 7);
    assert_int_equal(seen.since_ns, 1234); /* the same at each look: it tells whose the sums are */
    assert_int_equal(seen.sum.waits, 0);
    contention_free(&seen);
    assert_int_equal(contention_read_sums(reader, &process, &seen), 0);
    assert_false(seen.is_on);
    assert_int_equal(contention_set_process(reader, 7, PROBES_CONTENTION, false), -ENOTSUP);
    assert_int_equal(contention_set_process(reader, 7, PROBES_GC, false), -EINVAL);
    assert_true(contention_process_is_on(reader, 7, PROBES_CONTENTION));
    assert_false(contention_is_naming(reader, 7));
    assert_true(contention_wait_is_named(reader, &wait));
    assert_null(contention_wait_json(reader, &process, &wait));
    contention_forget_waiting(reader, PROBES_CONTENTION);
    contention_forget(reader, 7, UINT64_MAX);
    contention_sweep(reader);
    contention_reader_free(&reader);
    registry_free(&registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_probes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
