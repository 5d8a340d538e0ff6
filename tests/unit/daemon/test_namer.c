/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "namer.h"

#define ENTRY  0x401000
#define CALLER 0x402000

static struct namer *make(void)
{
    struct process process = {.pid = getpid(), .namespace_pid = getpid()};
    struct findings findings = {0};
    struct namer *namer = NULL;

    findings_add(&findings, SITE_LOCK_CONTENTION_ENTER, SOURCE_STRUCTURE, CONFIDENCE_PROVEN, 0x1000,
                 "test");
    assert_int_equal(namer_new(&namer, NULL, &process, &findings, 0x400000), 0);
    return namer;
}

/* Whether the function itself and its caller are in what was taken depends on the kernel. */
static void test_stacks(void **state)
{
    static const struct {
        enum abi_wait_kind kind;
        uint64_t caller;
        uint64_t taken[ABI_STACK_DEPTH];
        uint64_t whole[6];
    } cases[] = {
        {ABI_WAIT_LOCK, CALLER, {ENTRY, CALLER, 1, 2}, {ENTRY, CALLER, 1, 2}},
        {ABI_WAIT_LOCK, CALLER, {ENTRY, 1, 2}, {ENTRY, CALLER, 1, 2}},
        {ABI_WAIT_LOCK, CALLER, {CALLER, 1, 2}, {ENTRY, CALLER, 1, 2}},
        {ABI_WAIT_LOCK, CALLER, {1, 2}, {ENTRY, CALLER, 1, 2}},
        {ABI_WAIT_LOCK, CALLER, {0}, {ENTRY, CALLER}},
        {ABI_WAIT_LOCK, 0, {ENTRY, 1}, {ENTRY, 1}},
        {ABI_WAIT_HANDLE, CALLER, {1, 2}, {CALLER, 1, 2}}, /* its entry is not known */
    };
    struct namer *namer = make();

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t out[CONTENTION_FRAMES_MAX] = {0};
        size_t count = namer_stack(namer, cases[i].kind, cases[i].caller, cases[i].taken, out);

        assert_memory_equal(out, cases[i].whole, sizeof(cases[i].whole));
        assert_true(count == ARRAY_SIZE(cases[i].whole) || cases[i].whole[count] == 0);
    }
    namer_free(&namer);
}

static void test_a_stack_as_deep_as_can_be(void **state)
{
    uint64_t taken[ABI_STACK_DEPTH], out[CONTENTION_FRAMES_MAX];
    struct namer *namer = make();

    for (size_t i = 0; i < ABI_STACK_DEPTH; i++)
        taken[i] = i + 1;
    assert_int_equal(namer_stack(namer, ABI_WAIT_LOCK, CALLER, taken, out), CONTENTION_FRAMES_MAX);
    assert_int_equal(out[2], 1);
    assert_int_equal(out[CONTENTION_FRAMES_MAX - 1], CONTENTION_FRAMES_MAX - 2);
    namer_free(&namer);
}

static void test_names_of_threads(void **state)
{
    char name[CONTENTION_NAME_MAX];
    struct namer *namer = make();

    prctl(PR_SET_NAME, "a\nthread");
    namer_thread_name(namer, gettid(), name);
    assert_string_equal(name, "a");
    namer_thread_name(namer, 1 << 30, name);
    assert_string_equal(name, "");
    namer_remember_thread(namer, 1 << 30, "gone");
    namer_remember_thread(namer, 1 << 30, "another");
    namer_thread_name(namer, 1 << 30, name);
    assert_string_equal(name, "gone");
    namer_thread_name(namer, 0, name);
    assert_string_equal(name, "");
    assert_int_equal(namer_thread_seen(namer, 5), 5);
    namer_free(&namer);
}

static void test_many_threads(void **state)
{
    char name[CONTENTION_NAME_MAX];
    struct namer *namer = make();

    for (int i = 0; i < 5000; i++)
        namer_remember_thread(namer, (1 << 30) + i, "one");
    namer_thread_name(namer, (1 << 30) + 4999, name);
    assert_string_equal(name, "one");
    namer_thread_name(namer, 1 << 30, name);
    assert_string_equal(name, "");
    namer_free(&namer);
}

static void test_outermost(void **state)
{
    static const struct {
        const char *text;
        bool outermost;
    } cases[] = {
        {"libc.so.6+0x891f5", true},
        {"start_thread", true},
        {"ld-musl-x86_64.so.1+1", true},
        {"__libc_start_call_main", true},
        {"libcoreclr.so+0x41b897", false},
        {"Program.Main", false},
        {"", false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct frame frame = {0};

        snprintf(frame.text, sizeof(frame.text), "%s", cases[i].text);
        assert_int_equal(namer_is_outermost(&frame), cases[i].outermost);
    }
}

static void test_no_type_without_a_table(void **state)
{
    char type[FRAME_TEXT_MAX] = "x";
    struct namer *namer = make();

    namer_type_of_lock(namer, 0x1234, type);
    assert_string_equal(type, "");
    namer_free(&namer);
}

/* Not static: an optimizer may give a static function's symbol another name. */
void namer_test_function(void);

void namer_test_function(void)
{
}

/* Nothing is waited for: what is not known is an address, until an errand has found its name. */
static void test_names_come_later(void **state)
{
    const uint64_t places[] = {(uint64_t)namer_test_function, 0x1234,
                               (uint64_t)namer_test_function};
    struct findings findings = {0};
    struct frame frames[3];
    struct errands *errands;
    struct process self;
    struct namer *namer;
    sd_event *loop;

    assert_int_equal(process_read(getpid(), &self, NULL), 0);
    assert_true(sd_event_new(&loop) >= 0);
    assert_int_equal(errands_new(&errands, loop, 1, UINT64_C(60000000)), 0);
    assert_int_equal(namer_new(&namer, errands, &self, &findings, 0), 0);
    assert_false(namer_search(namer));
    assert_false(namer_frames(namer, places, 3, frames));
    assert_string_equal(frames[1].text, "0x1234");
    assert_int_equal(frames[0].source, FRAME_UNKNOWN);
    while (namer_search(namer))
        assert_true(sd_event_run(loop, UINT64_MAX) >= 0);
    assert_true(namer_frames(namer, places, 3, frames));
    assert_string_equal(frames[0].text, "namer_test_function");
    assert_string_equal(frames[2].text, "namer_test_function");
    assert_string_equal(frames[1].text, "0x1234");
    assert_false(namer_search(namer));
    assert_false(namer_frames(namer, (const uint64_t[]){0x5678}, 1, frames));
    assert_true(namer_search(namer));
    namer_free(&namer); /* with an errand under way */
    errands_free(&errands);
    sd_event_unref(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stacks),           cmocka_unit_test(test_a_stack_as_deep_as_can_be),
        cmocka_unit_test(test_names_of_threads), cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_outermost),        cmocka_unit_test(test_no_type_without_a_table),
        cmocka_unit_test(test_names_come_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
