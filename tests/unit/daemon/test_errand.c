/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "errand.h"

#define LONG_US UINT64_C(60000000)
#define SIZE    200000 /* more than a pipe holds */

static sd_event *loop;
static unsigned ends;
static const char *last_trouble;
static unsigned char last[SIZE];

static int open_loop(void **state)
{
    ends = 0;
    last_trouble = NULL;
    memset(last, 0, sizeof(last));
    return sd_event_new(&loop) < 0 ? -1 : 0;
}

static int close_loop(void **state)
{
    loop = sd_event_unref(loop);
    return 0;
}

static void take(void *context, const void *answer, const char *trouble)
{
    ends++;
    last_trouble = trouble;
    if (answer)
        memcpy(last, answer, *(size_t *)context);
}

static void fill(void *data, int fd, void *answer)
{
    memset(answer, *(int *)data, SIZE);
}

static void hang(void *data, int fd, void *answer)
{
    for (;;)
        pause();
}

static void die(void *data, int fd, void *answer)
{
    _exit(3);
}

/* What else was open is not open here; the one that was kept is. */
static void count_open(void *data, int fd, void *answer)
{
    unsigned char *open_fds = answer;

    for (int i = 3; i < 256; i++)
        *open_fds += fcntl(i, F_GETFD) >= 0;
    open_fds[1] = fd >= 0 && fcntl(fd, F_GETFD) >= 0;
}

static void run_until(const struct errands *errands, size_t busy)
{
    while (errands_busy(errands) != busy)
        assert_true(sd_event_run(loop, LONG_US) > 0);
}

static void test_an_answer_as_a_whole(void **state)
{
    size_t size = SIZE;
    int value = 7;
    const struct errand_task task = {
        .work = fill, .data = &value, .fd = -1, .size = SIZE, .end = take, .context = &size};
    struct errands *errands;

    assert_int_equal(errands_new(&errands, loop, 2, LONG_US), 0);
    assert_int_equal(errand_begin(errands, &task, NULL), 0);
    assert_int_equal(errand_begin(errands, &task, NULL), 0);
    assert_int_equal(errand_begin(errands, &task, NULL), -EBUSY);
    value = 8; /* they have begun with what was there */
    run_until(errands, 0);
    assert_int_equal(ends, 2);
    assert_null(last_trouble);
    assert_int_equal(last[0], 7);
    assert_int_equal(last[SIZE - 1], 7);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
    errands_free(&errands);
}

static void test_no_answer(void **state)
{
    static const struct {
        void (*work)(void *data, int fd, void *answer);
        uint64_t deadline_us;
        const char *trouble;
    } cases[] = {
        {die, LONG_US, "the child that looked into it has ended without an answer"},
        {hang, 1000, "looking into it took too long"},
    };
    size_t size = 1;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct errand_task task = {
            .work = cases[i].work, .fd = -1, .size = 1, .end = take, .context = &size};
        struct errands *errands;

        assert_int_equal(errands_new(&errands, loop, 1, cases[i].deadline_us), 0);
        assert_int_equal(errand_begin(errands, &task, NULL), 0);
        run_until(errands, 0);
        assert_string_equal(last_trouble, cases[i].trouble);
        assert_int_equal(ends, i + 1);
        errands_free(&errands);
    }
}

static void test_cancelled(void **state)
{
    const struct errand_task task = {.work = hang, .fd = -1, .size = 1, .end = take};
    struct errands *errands;
    struct errand *errand = NULL;

    assert_int_equal(errands_new(&errands, loop, 2, LONG_US), 0);
    assert_int_equal(errand_begin(errands, &task, &errand), 0);
    assert_int_equal(errand_begin(errands, &task, NULL), 0);
    errand_cancel(&errand);
    assert_null(errand);
    run_until(errands, 1);
    errands_free(&errands); /* with one under way */
    assert_null(errands);
    assert_int_equal(ends, 0);
}

static void outlive(void *data, int fd, void *answer)
{
    usleep(100000);
    (void)!write(fd, "x", 1);
}

static void tell_death_signal(void *data, int fd, void *answer)
{
    int signal;

    prctl(PR_GET_PDEATHSIG, &signal);
    *(uint8_t *)answer = (uint8_t)signal;
}

/* However we end. */
static void test_death_signal(void **state)
{
    for (int ends_itself = 0; ends_itself < 2; ends_itself++) {
        size_t size = 1;
        struct errand_task task = {.work = tell_death_signal,
                                   .fd = -1,
                                   .size = size,
                                   .ends_itself = ends_itself,
                                   .end = take,
                                   .context = &size};
        struct errands *errands;

        assert_int_equal(errands_new(&errands, loop, 1, LONG_US), 0);
        assert_int_equal(errand_begin(errands, &task, NULL), 0);
        run_until(errands, 0);
        assert_int_equal(last[0], ends_itself ? 0 : SIGKILL);
        errands_free(&errands);
    }
}

/* Whoever is not to be torn from what it does goes on to its end when we end. */
static void test_ends_itself(void **state)
{
    for (int ends_itself = 0; ends_itself < 2; ends_itself++) {
        struct errand_task task = {
            .work = outlive, .size = 1, .ends_itself = ends_itself, .end = take};
        struct errands *errands;
        int fds[2];
        char c;

        assert_int_equal(pipe(fds), 0);
        task.fd = fds[1];
        assert_int_equal(errands_new(&errands, loop, 1, LONG_US), 0);
        assert_int_equal(errand_begin(errands, &task, NULL), 0);
        errands_free(&errands);
        close(fds[1]);
        assert_int_equal(read(fds[0], &c, 1), ends_itself);
        close(fds[0]);
    }
    assert_int_equal(ends, 0);
}

static void test_descriptors(void **state)
{
    static const int kept[] = {-1, 40, 200};
    size_t size = 2;

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        const struct errand_task task = {
            .work = count_open, .fd = kept[i], .size = 2, .end = take, .context = &size};
        struct errands *errands;

        assert_true(kept[i] < 0 || dup2(STDERR_FILENO, kept[i]) == kept[i]);
        assert_int_equal(errands_new(&errands, loop, 1, LONG_US), 0);
        assert_int_equal(errand_begin(errands, &task, NULL), 0);
        run_until(errands, 0);
        assert_int_equal(last[0], kept[i] < 0 ? 1 : 2); /* and the pipe */
        assert_int_equal(last[1], kept[i] >= 0);
        errands_free(&errands);
        if (kept[i] >= 0)
            close(kept[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_answer_as_a_whole, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_no_answer, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_cancelled, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_death_signal, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_ends_itself, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_descriptors, open_loop, close_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
