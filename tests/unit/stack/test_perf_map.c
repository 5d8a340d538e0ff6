/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "stack/perf_map.h"

static void names(void **state)
{
    static const struct {
        const char *line, *name;
    } cases[] = {
        {"void [workload] Program::Churn()[Tier0]", "Program.Churn"},
        {"instance void [workload] Program+<>c__DisplayClass4_0::<Serve>b__0()[QuickJitted]",
         "Program+<>c__DisplayClass4_0.<Serve>b__0"},
        {"instance void [app] Space.Type::.ctor(int32)[Optimized]", "Space.Type..ctor"},
        {"class [System.Runtime]System.Action`1<string> [app] Type::Get(class [X]Y)", "Type.Get"},
        {"int32[] [app] Type::Get()", "Type.Get"},
        {"instance void [System.Private.CoreLib] "
         "System.Collections.Generic.List`1[System.Tuple`2[int32,System.__Canon]]::Add(!0)",
         "System.Collections.Generic.List`1.Add"},
        {"void [app] Type::Get[int32,string](!!0)", "Type.Get"},
        {"void [app] dynamicClass::MadeAtRunTime(int32)[Optimized]", "MadeAtRunTime"},
        {"void [app] Type::global::Odd()", "Type.global::Odd"},
        {"[app] Type::Get()", "Type.Get"},
        {"stub<3> AllocateTemporaryEntryPoints<PRECODE_FIXUP>",
         "stub<3> AllocateTemporaryEntryPoints<PRECODE_FIXUP>"},
        {"void [app] (", "void [app] ("},
        {"void [app] ", "void [app] "},
        {"void [app", "void [app"},
        {"\x1b[2J", "?[2J"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char name[128];

        perf_map_name(cases[i].line, strlen(cases[i].line), name, sizeof(name));
        assert_string_equal(name, cases[i].name);
        perf_map_name(cases[i].line, strlen(cases[i].line), name, 4);
        assert_true(strlen(name) < 4);
    }
}

static void addresses(void **state)
{
    static const char text[] = "1000 10 first\n"
                               "0X2000 0x20 second\n"
                               "3000 8 third\n"
                               "3000 4 void [app] Type::Later()[Tier1]\n"
                               "no number at all\n"
                               "4000\n"
                               "4000 10\n"
                               "4000 10 \n"
                               "10000000000004000 10 too long\n"
                               "fffffffffffffff0 ffffffffffffffff end\n"
                               "5000 10 unfinished";
    static const struct {
        uint64_t address;
        const char *name;
    } cases[] = {
        {0xfff, ""},        {0x1000, "first"},      {0x100f, "first"}, {0x1010, ""},
        {0x201f, "second"}, {0x3003, "Type.Later"}, {0x3004, "third"}, {0x4000, ""},
        {0x5000, ""},       {UINT64_MAX, "end"},
    };
    struct perf_map question = {.count = ARRAY_SIZE(cases)};
    struct frame frames[ARRAY_SIZE(cases)];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        question.addresses[i] = cases[i].address;
    perf_map_answer((struct bytes){(const uint8_t *)text, sizeof(text) - 1}, &question, frames);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(frames[i].text, cases[i].name);
        assert_int_equal(frames[i].source, cases[i].name[0] ? FRAME_PERF_MAP : FRAME_UNKNOWN);
    }
}

/* Our own, which anybody could have put there. */
static struct process self(void)
{
    return (struct process){.pid = getpid(), .namespace_pid = getpid(), .uid = geteuid()};
}

static const char *path(void)
{
    static char text[64];

    snprintf(text, sizeof(text), "/tmp/perf-%d.map", getpid());
    return text;
}

static int remove_map(void **state)
{
    unlink(path());
    return 0;
}

static void write_map(const char *text)
{
    _close_ int fd = open(path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void of_a_process(void **state)
{
    struct perf_map question = {.count = 1, .addresses = {0x1004}};
    struct process process = self();
    _close_ int fd = -1;
    struct frame frame;
    struct reason why;

    assert_int_equal(perf_map_open(&process), -ENOENT);
    write_map("1000 10 first\n");
    fd = perf_map_open(&process);
    assert_true(fd >= 0);
    assert_int_equal(perf_map_ask(fd, &question, &frame, &why), 0);
    assert_string_equal(frame.text, "first");
}

static void somebody_elses(void **state)
{
    struct process process = self();

    assert_int_equal(symlink("/etc/passwd", path()), 0);
    assert_int_equal(perf_map_open(&process), -ELOOP);
    unlink(path());
    write_map("1000 10 first\n");
    process.uid = geteuid() + 1; /* and the file is ours: root's, where it may be mounted there */
    assert_int_equal(perf_map_open(&process), -ENOENT);
}

/* Some devices do something when they are opened, and anything may be mounted there. */
static void opens_nothing_else(void **state)
{
    struct process process = self();
    _close_ int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    char event[512];

    assert_int_equal(mkfifo(path(), 0600), 0);
    assert_true(inotify_add_watch(watch, path(), IN_OPEN) >= 0);
    assert_int_equal(perf_map_open(&process), -ENOENT);
    assert_int_equal(read(watch, event, sizeof(event)), -1);
    assert_int_equal(errno, EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(addresses),
        cmocka_unit_test_setup_teardown(of_a_process, remove_map, remove_map),
        cmocka_unit_test_setup_teardown(somebody_elses, remove_map, remove_map),
        cmocka_unit_test_setup_teardown(opens_nothing_else, remove_map, remove_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
