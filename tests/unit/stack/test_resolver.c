/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "stack/module_builder.h"
#include "stack/resolver.h"

/* Names for places in this very process: its own functions, a module that it maps as the runtime
 * does, code that it says it has made. */

#define PAGE 4096

void resolver_test_function(void);

/* Not static: an optimizer may give a static function's symbol another name. */
void resolver_test_function(void)
{
}

static struct process self;
static struct resolver *resolver;

static const char *perf_map(void)
{
    static char text[64];

    snprintf(text, sizeof(text), "/tmp/perf-%d.map", getpid());
    return text;
}

static int open_resolver(void **state)
{
    unlink(perf_map());
    if (process_read(getpid(), &self, NULL) < 0)
        return -1;
    return resolver_new(&resolver, &self, NULL);
}

static int close_resolver(void **state)
{
    unlink(perf_map());
    resolver_free(&resolver);
    return 0;
}

static struct frame frame_at(uint64_t address)
{
    struct frame frame;

    resolver_frames(resolver, &address, 1, &frame);
    assert_true(frame.address == address);
    return frame;
}

static void expect(uint64_t address, enum frame_source source, const char *text)
{
    struct frame frame = frame_at(address);

    assert_int_equal(frame.source, source);
    assert_string_equal(frame.text, text);
}

static void native(void **state)
{
    uint64_t vdso = getauxval(AT_SYSINFO_EHDR);

    expect((uint64_t)resolver_test_function, FRAME_SYMBOL, "resolver_test_function");
    expect((uint64_t)resolver_test_function + 1, FRAME_SYMBOL, "resolver_test_function");
    expect((uint64_t)write, FRAME_SYMBOL, "write");
    if (vdso)
        expect(vdso + 0x10, FRAME_MODULE, "[vdso]+0x10");
}

static void nowhere(void **state)
{
    expect(1, FRAME_UNKNOWN, "0x1");
    expect(0, FRAME_UNKNOWN, "0x0");
    expect(UINT64_MAX, FRAME_UNKNOWN, "0xffffffffffffffff");
    expect(UINT64_C(0x123456789a), FRAME_UNKNOWN, "0x123456789a");
}

/* Headers, reserved room, code: each piece of the file apart. */
static uint8_t *map_module(int fd)
{
    uint8_t *room = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(room, MAP_FAILED);
    assert_ptr_not_equal(mmap(room, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), MAP_FAILED);
    assert_ptr_not_equal(
        mmap(room + 4 * PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, PAGE),
        MAP_FAILED);
    return room;
}

static void managed(void **state)
{
    static struct module_builder module;
    char path[] = "/tmp/clrmon-resolver-XXXXXX";
    _close_ int fd = mkstemp(path);
    uint8_t *room;

    module_build(&module);
    assert_int_equal(write(fd, module.bytes, MODULE_SIZE), MODULE_SIZE);
    room = map_module(fd);
    expect((uint64_t)room + 4 * PAGE + 0x70, FRAME_READY, "Plain.Main");
    expect((uint64_t)room + 4 * PAGE + 0x900, FRAME_MODULE, "Small.dll+0x11900");
    expect((uint64_t)room + 0x70, FRAME_UNKNOWN, frame_at((uint64_t)room + 0x70).text);
    unlink(path);
    munmap(room, 8 * PAGE); /* what was found stays so */
    expect((uint64_t)room + 4 * PAGE + 0x70, FRAME_READY, "Plain.Main");
}

static void made_at_run_time(void **state)
{
    uint8_t *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FILE *file = fopen(perf_map(), "w");

    fprintf(file, "%llx 10 void [app] Type::Run()[Tier0]\n", (unsigned long long)code);
    fclose(file);
    expect((uint64_t)code + 8, FRAME_PERF_MAP, "Type.Run");
    expect((uint64_t)code + 16, FRAME_UNKNOWN, frame_at((uint64_t)code + 16).text);
    unlink(perf_map());
    expect((uint64_t)code + 8, FRAME_PERF_MAP, "Type.Run");
    munmap(code, PAGE);
}

static void many_at_once(void **state)
{
    static uint64_t addresses[20000]; /* more than are kept */
    static struct frame frames[ARRAY_SIZE(addresses)];

    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
        addresses[i] = i % 4 ? (uint64_t)resolver_test_function : i;
    for (int again = 0; again < 2; again++) {
        resolver_frames(resolver, addresses, ARRAY_SIZE(addresses), frames);
        for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
            assert_true(frames[i].address == addresses[i]);
            if (i % 4)
                assert_string_equal(frames[i].text, "resolver_test_function");
            else
                assert_int_equal(frames[i].source, FRAME_UNKNOWN);
        }
    }
    resolver_frames(resolver, NULL, 0, NULL);
}

static void types(void **state)
{
    char type[FRAME_TEXT_MAX] = "#";

    resolver_type(resolver, (uint64_t)&self, type);
    assert_string_equal(type, "");
}

static void a_process_that_ends(void **state)
{
    struct resolver *other = NULL;
    struct process process;
    struct frame frame;
    uint64_t address = (uint64_t)resolver_test_function;
    pid_t child = fork();
    struct reason why;

    if (child == 0) {
        pause();
        _exit(0);
    }
    assert_int_equal(process_read(child, &process, &why), 0);
    assert_int_equal(resolver_new(&other, &process, &why), 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    resolver_frames(other, &address, 1, &frame);
    assert_int_equal(frame.source, FRAME_UNKNOWN);
    resolver_free(&other);
    assert_int_equal(resolver_new(&other, &process, &why), -ESRCH);
    assert_null(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(native, open_resolver, close_resolver),
        cmocka_unit_test_setup_teardown(nowhere, open_resolver, close_resolver),
        cmocka_unit_test_setup_teardown(managed, open_resolver, close_resolver),
        cmocka_unit_test_setup_teardown(made_at_run_time, open_resolver, close_resolver),
        cmocka_unit_test_setup_teardown(many_at_once, open_resolver, close_resolver),
        cmocka_unit_test_setup_teardown(types, open_resolver, close_resolver),
        cmocka_unit_test(a_process_that_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
