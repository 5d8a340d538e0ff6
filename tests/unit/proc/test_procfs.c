/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "proc/procfs.h"

static pid_t gone_pid(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    return pid;
}

static void read_is_bounded(void **state)
{
    char text[8] = "xxxxxxx";

    assert_int_equal(procfs_read(getpid(), "status", text, sizeof(text)), 7);
    assert_memory_equal(text, "Name:\tt", 7);
    assert_int_equal(text[7], '\0');
    assert_int_equal(procfs_read(getpid(), "no-such-file", text, sizeof(text)), -ENOENT);
    assert_string_equal(text, "");
}

static void load_is_bounded(void **state)
{
    char *text;

    assert_int_equal(procfs_load(getpid(), "status", 100, &text), 100);
    assert_int_equal(strlen(text), 100);
    free(text);
    assert_true(procfs_load(getpid(), "maps", 1 << 20, &text) > 100);
    assert_true(strstr(text, "[stack]") != NULL);
    free(text);
    assert_int_equal(procfs_load(gone_pid(), "maps", 100, &text), -ENOENT);
    assert_null(text);
}

static void link_that_is_cut_is_an_error(void **state)
{
    char text[256];

    assert_true(procfs_link(getpid(), "exe", text, sizeof(text)) > 0);
    assert_int_equal(text[0], '/');
    assert_int_equal(procfs_link(getpid(), "exe", text, 4), -ENAMETOOLONG);
    assert_string_equal(text, "");
}

static void next_passes_names_over(void **state)
{
    _closedir_ DIR *directory = opendir("/proc");
    pid_t pid;
    int found = 0;

    while (procfs_next(directory, &pid))
        found += pid == getpid();
    assert_int_equal(found, 1);
}

static void reasons(void **state)
{
    struct reason why;
    pid_t gone = gone_pid();

    assert_int_equal(procfs_reason(gone, -ENOENT, &why), -ESRCH);
    assert_true(strstr(why.text, "no process") != NULL);
    assert_int_equal(procfs_reason(getpid(), -ESRCH, &why), -ESRCH);
    assert_int_equal(procfs_reason(getpid(), -EPERM, &why), -EACCES);
    assert_true(strstr(why.text, "no rights") != NULL);
    assert_int_equal(procfs_reason(getpid(), -EIO, &why), -EIO);
    assert_int_equal(procfs_reason(-1, -ENOENT, &why), -ESRCH);
    assert_int_equal(procfs_reason(0, -ENOENT, NULL), -ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_is_bounded),
        cmocka_unit_test(load_is_bounded),
        cmocka_unit_test(link_that_is_cut_is_an_error),
        cmocka_unit_test(next_passes_names_over),
        cmocka_unit_test(reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
