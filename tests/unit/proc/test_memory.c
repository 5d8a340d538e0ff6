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
#include <sys/mman.h>
#include <sys/wait.h>

#include "proc/memory.h"

/* Two pages, the second of which is not there. */
struct fixture {
    pid_t pid;
    char *page;
    struct memory memory;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture.page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(fixture.page + 4096, 4096);
    strcpy(fixture.page, "hello");
    memcpy(fixture.page + 64, u"h\u00e9\u20ac", 8);
    strcpy(fixture.page + 4096 - 4, "end");
    memcpy(fixture.page + 2048, "\377\377\377", 3);
    fixture.pid = fork();
    if (fixture.pid == 0) {
        pause();
        _exit(0);
    }
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    kill(fixture->pid, SIGKILL);
    waitpid(fixture->pid, NULL, 0);
    return 0;
}

static void reads(struct fixture *fixture, struct memory *memory)
{
    uint64_t page = (uintptr_t)fixture->page;
    char text[MEMORY_STRING_MAX];

    assert_int_equal(memory_read(memory, page, text, 6), 0);
    assert_string_equal(text, "hello");
    assert_int_equal(memory_read(memory, page + 4090, text, 16), -EFAULT);
    assert_int_equal(memory_read(memory, page + 4096, text, 1), -EFAULT);
    assert_int_equal(memory_read_string(memory, page, text, sizeof(text)), 5);
    assert_int_equal(memory_read_string(memory, page + 4092, text, sizeof(text)), 3);
    assert_string_equal(text, "end");
    assert_int_equal(memory_read_string(memory, page, text, 5), -E2BIG);
    assert_int_equal(memory_read_string(memory, page, text, 6), 5);
    assert_int_equal(memory_read_utf16(memory, page + 64, text, sizeof(text)), 6);
    assert_string_equal(text, "h\u00e9\u20ac");
    assert_int_equal(memory_read_utf16(memory, page + 65, text, sizeof(text)), -EINVAL);
    assert_int_equal(memory_read_utf16(memory, page + 64, text, 3), -E2BIG);
    assert_int_equal(memory_read_utf16(memory, page + 64, text, 4), 3);
    assert_string_equal(text, "h\u00e9");
}

static void by_process_vm_readv(void **state)
{
    struct fixture *fixture = *state;
    struct memory memory;

    memory_open(&memory, fixture->pid);
    reads(fixture, &memory);
    assert_int_equal(memory.fd, -1);
    memory_close(&memory);
}

static void by_file(void **state)
{
    struct fixture *fixture = *state;
    struct memory memory;
    char path[64];

    memory_open(&memory, fixture->pid);
    snprintf(path, sizeof(path), "/proc/%d/mem", fixture->pid);
    memory.fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(memory.fd >= 0);
    reads(fixture, &memory);
    memory_close(&memory);
    memory_close(&memory);
}

static void unterminated(void **state)
{
    struct fixture *fixture = *state;
    char text[MEMORY_STRING_MAX], *page = fixture->page;
    struct memory memory;

    memory_open(&memory, getpid());
    memset(page + 4080, 'x', 16);
    assert_int_equal(memory_read_string(&memory, (uintptr_t)page + 4080, text, 32), -EFAULT);
    assert_int_equal(memory_read_utf16(&memory, (uintptr_t)page + 4080, text, 32), -EFAULT);
    assert_int_equal(memory_read_string(&memory, (uintptr_t)page + 4080, text, 16), -E2BIG);
}

static void ranges(void **state)
{
    static const struct {
        uint64_t address;
        size_t length;
        int result;
    } table[] = {
        {0, 1, -EINVAL},
        {4095, 1, -EINVAL},
        {MEMORY_TOP, 1, -EINVAL},
        {MEMORY_TOP - 1, 2, -EINVAL},
        {UINT64_MAX, 1, -EINVAL},
        {UINT64_MAX - 4, 16, -EINVAL},
        {0xffff800000000000, 8, -EINVAL},
        {8192, MEMORY_READ_MAX + 1, -E2BIG},
        {8192, SIZE_MAX, -E2BIG},
        {8192, 0, 0},
    };
    struct memory memory;
    char byte[64];

    memory_open(&memory, getpid());
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_int_equal(memory_read(&memory, table[i].address, byte, table[i].length),
                         table[i].result);
    assert_int_equal(memory_read_string(&memory, 8192, byte, MEMORY_STRING_MAX + 1), -E2BIG);
    assert_int_equal(memory_read_utf16(&memory, 8192, byte, MEMORY_STRING_MAX + 1), -E2BIG);
}

static void gone(void **state)
{
    struct memory memory;
    char byte;
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    memory_open(&memory, pid);
    assert_int_equal(memory_read(&memory, (uintptr_t)&byte, &byte, 1), -ESRCH);
}

static void gone_while_open(void **state)
{
    struct memory memory;
    char path[64], byte;
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    memory_open(&memory, pid);
    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    memory.fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(memory_read(&memory, (uintptr_t)&byte, &byte, 1), 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(memory_read(&memory, (uintptr_t)&byte, &byte, 1), -ESRCH);
    memory_close(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_process_vm_readv, set_up, tear_down),
        cmocka_unit_test_setup_teardown(by_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unterminated, set_up, tear_down),
        cmocka_unit_test(ranges),
        cmocka_unit_test(gone),
        cmocka_unit_test(gone_while_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
