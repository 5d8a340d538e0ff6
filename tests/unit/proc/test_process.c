/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "proc/process.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void stat_table(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *name;
        char letter;
        uint64_t start_time;
        unsigned threads;
        bool kernel_thread;
    } table[] = {
        {"42 (dotnet) S 1 1 1 0 -1 4194304 0 0 0 0 1 2 0 0 20 0 9 0 84431 1 1 18446744073709551615 "
         "1 1 140724 0 0\n",
         0, "dotnet", 'S', 84431, 9, false},
        {"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0 18446744073709551615 0 "
         "0 0 0 0\n",
         0, "kthreadd", 'S', 7, 1, true},
        {"5 (a) R 1 (b\n) Z 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 8 1 1 1 1 1 1 0 0", 0,
         "a) R 1 (b?", 'Z', 8, 1, false},
        {"5 () S 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 8 1 1 1 1 1 1 0 0", 0, "", 'S', 8, 1, false},
        {"5 (averyveryverylongname) S 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 8 1 1 1 1 1 1 0", 0,
         "averyveryverylo", 'S', 8, 1, false},
        {.text = "5 (x) S 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 99999999999999999999 1 1 1 1 1 1 0",
         .result = -EBADMSG},
        {.text = "5 (x) S 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 99999999999 0 8 1 1 1 1 1 1 0",
         .result = -EBADMSG},
        {.text = "5 (x) SS 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 8 1 1 1 1 1 1 0",
         .result = -EBADMSG},
        {.text = "5 (x) S 1 1 1 0 -1 0 0 0 0", .result = -EBADMSG},
        {.text = "5 (x)", .result = -EBADMSG},
        {.text = "5 )x( S", .result = -EBADMSG},
        {.text = "5 (x", .result = -EBADMSG},
        {.text = "", .result = -EBADMSG},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct process process = {.state = 'q'};

        assert_int_equal(process_parse_stat(table[i].text, &process), table[i].result);
        if (table[i].result < 0) {
            assert_int_equal(process.state, 'q');
            continue;
        }
        assert_string_equal(process.name, table[i].name);
        assert_int_equal(process.state, table[i].letter);
        assert_int_equal(process.start_time, table[i].start_time);
        assert_int_equal(process.threads, table[i].threads);
        assert_int_equal(process.kernel_thread, table[i].kernel_thread);
    }
}

static void status_table(void **state)
{
    static const struct {
        const char *text;
        int result;
        pid_t group;
        pid_t namespace_pid;
        uid_t uid;
    } table[] = {
        {"Name:\tx\nTgid:\t42\nPid:\t42\nUid:\t0\t1000\t0\t0\nNSpid:\t42\t7\t1\nNSpgid:\t42\n", 0,
         42, 1, 1000},
        {"Name:\tx\nTgid:\t42\nUid:\t0\t0\t0\t0\n", 0, 42, 42, 0},
        {"Name:\tx\nTgid:\t42\nUid:\t0\t0\t0\t0\nNSpid:\n", 0, 42, 42, 0},
        {"Name:\tx\nTgid:\t42\nUid:\t0\t4294967295\t0\t0\nNSpid:\t42\t99999999999\n", 0, 42, 42,
         4294967295u},
        {.text = "Name:\tx\nTgid:\t42\nUid:\t0", .result = -EBADMSG},
        {.text = "Name:\tx\nTgid:\t-1\nUid:\t0\t0\t0\t0\n", .result = -EBADMSG},
        {.text = "Name:\tx\nTgid:\t99999999999\nUid:\t0\t0\n", .result = -EBADMSG},
        {.text = "Name:\tTgid:\t1\nUid:\t0\t0\n", .result = -EBADMSG},
        {.text = "", .result = -EBADMSG},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct process process = {0};
        pid_t group = 0;

        assert_int_equal(process_parse_status(table[i].text, &process, &group), table[i].result);
        assert_int_equal(group, table[i].group);
        assert_int_equal(process.namespace_pid, table[i].namespace_pid);
        assert_int_equal(process.uid, table[i].uid);
    }
}

static void container_table(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } table[] = {
        {"0::/\n", ""},
        {"0::/user.slice/user-0.slice/session-1.scope\n", ""},
        {"0::/system.slice/docker-" ID ".scope\n", ID},
        {"12:pids:/docker/" ID "\n11:cpu:/docker/" ID "\n", ID},
        {"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n", ID},
        {"0::/kubepods/besteffort/pod12ab/" ID "\n", ID},
        {"0::/kubepods-pod1.slice:cri-containerd:" ID "\n", ID},
        {"0::/machine.slice/crio-" ID ".scope\n", ID},
        {"0::/machine.slice/libpod-" ID ".scope/container\n", ID},
        {"0::/docker/" ID "/init.scope", ID},
        {"0::/docker/" ID "0\n", ""},
        {"0::/docker/x" ID "\n", ""},
        {"0::/docker/0123456789ab\n", ""},
        {"0::/docker-" ID ".scope.scope\n", ""},
        {"0::/docker-gg23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", ""},
        {"", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct process process = {.container = "x"};

        process_parse_container(table[i].text, &process);
        assert_string_equal(process.container, table[i].expected);
    }
}

static void arguments_table(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *command;
        const char *assembly;
    } table[] = {
        {"/usr/bin/dotnet\0exec\0--fx-version\0008.0.0\0/app/web.dll\0other.dll",
         sizeof("/usr/bin/dotnet\0exec\0--fx-version\0008.0.0\0/app/web.dll\0other.dll"),
         "dotnet web.dll", "web.dll"},
        {"./service\0--port\00080", 19, "service", ""},
        {"", 0, "comm", ""},
        {"\0\0\0", 3, "comm", ""},
        {"dotnet\0a\nb.dll", 14, "dotnet a?b.dll", "a?b.dll"},
        {"dotnet\0app.dl", 13, "dotnet", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct process process = {.name = "comm", .assembly = "x"};

        process_parse_arguments(table[i].text, table[i].length, &process);
        assert_string_equal(process.command, table[i].command);
        assert_string_equal(process.assembly, table[i].assembly);
    }
}

static void long_arguments_are_cut(void **state)
{
    struct process process = {0};
    char text[1000];

    memset(text, 'x', sizeof(text));
    memcpy(text + sizeof(text) - 5, ".dll", 5);
    process_parse_arguments(text, sizeof(text) - 1, &process);
    assert_int_equal(strlen(process.executable), PROCESS_FILE_MAX - 1);
    assert_int_equal(strlen(process.assembly), PROCESS_FILE_MAX - 1);
    assert_int_equal(strlen(process.command), 2 * PROCESS_FILE_MAX - 1);
}

static void matches(void **state)
{
    const struct process process = {
        .name = "averylongexecut", .executable = "averylongexecutable", .assembly = "web.dll"};
    const struct process plain = {.name = "sh"};

    assert_true(process_matches(&process, "averylongexecut"));
    assert_true(process_matches(&process, "averylongexecutable"));
    assert_true(process_matches(&process, "web.dll"));
    assert_true(process_matches(&process, "web"));
    assert_false(process_matches(&process, "we"));
    assert_false(process_matches(&process, "web.dl"));
    assert_false(process_matches(&process, "Web"));
    assert_false(process_matches(&process, "averylongexecutables"));
    assert_false(process_matches(&process, ""));
    assert_false(process_matches(&plain, ""));
    assert_false(process_matches(&plain, ".dll"));
}

static void reads_itself(void **state)
{
    struct process process;
    struct reason why;

    prctl(PR_SET_NAME, "na\033me");
    assert_int_equal(process_read(getpid(), &process, &why), 0);
    assert_string_equal(process.name, "na?me");
    assert_int_equal(process.uid, geteuid());
    assert_true(process.start_time > 0 && process.start_stack > 0);
    assert_true(process_alive(&process));
    assert_int_equal(process_threads(process.pid), process.threads);
    process.start_time++;
    assert_false(process_alive(&process));
}

static void zombie_and_gone(void **state)
{
    struct process process, before;
    struct reason why;
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    assert_int_equal(process_read(pid, &before, &why), 0);
    kill(pid, SIGKILL);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    assert_int_equal(process_read(pid, &process, &why), -ESRCH);
    assert_int_equal(process.state, 'Z');
    assert_int_equal(process_threads(pid), -ESRCH);
    assert_true(strstr(why.text, "zombie") != NULL);
    assert_false(process_alive(&before));
    waitpid(pid, NULL, 0);
    assert_int_equal(process_read(pid, &process, &why), -ESRCH);
    assert_true(strstr(why.text, "no process") != NULL);
    assert_int_equal(process.pid, pid);
    assert_false(process_alive(&before));
}

static void exec_is_noticed(void **state)
{
    int hold[2], told[2];
    struct process process;
    char byte;
    pid_t pid;

    assert_int_equal(pipe(hold), 0);
    assert_int_equal(pipe(told), 0);
    pid = fork();
    if (pid == 0) {
        dup2(hold[0], 0);
        dup2(told[1], 1);
        if (read(0, &byte, 1) == 1)
            execl("/bin/sh", "sh", "-c", "echo; read line", NULL);
        _exit(1);
    }
    assert_int_equal(process_read(pid, &process, NULL), 0);
    assert_true(process_alive(&process));
    assert_int_equal(write(hold[1], "x", 1), 1);
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_false(process_alive(&process));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void threads_and_nonsense_are_no_process(void **state)
{
    const pid_t wrong[] = {0, -1, INT32_MAX};
    struct process process;
    struct reason why;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(process_read(wrong[i], &process, &why), -ESRCH);
}

static void kernel_thread(void **state)
{
    struct process process;
    struct reason why;

    if (process_read(2, &process, &why) != -ENOEXEC)
        skip(); /* in a container pid 2 is anything */
    assert_true(strstr(why.text, "kernel thread") != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stat_table),
        cmocka_unit_test(status_table),
        cmocka_unit_test(container_table),
        cmocka_unit_test(arguments_table),
        cmocka_unit_test(long_arguments_are_cut),
        cmocka_unit_test(matches),
        cmocka_unit_test(reads_itself),
        cmocka_unit_test(zombie_and_gone),
        cmocka_unit_test(exec_is_noticed),
        cmocka_unit_test(threads_and_nonsense_are_no_process),
        cmocka_unit_test(kernel_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
