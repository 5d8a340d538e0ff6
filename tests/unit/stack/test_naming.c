/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "elf/builder.h"
#include "stack/module_builder.h"
#include "stack/naming.h"

#define BUNDLED (BUILD_SIZE + 0x40) /* in the middle of a page */

static struct builder builder;
static struct module_builder module;
static uint8_t file[0x10000];

struct expected {
    uint64_t offset, image;
    enum frame_source source;
    const char *text;
};

static int build(void **state)
{
    builder_init(&builder, EM_X86_64);
    module_build(&module);
    memset(file, 0, sizeof(file));
    return 0;
}

static void expect(const struct expected *cases, size_t count, size_t size)
{
    struct naming question = {.file = "some.file", .count = count};
    struct frame frames[NAMING_PLACES_MAX];

    for (size_t i = 0; i < count; i++)
        question.places[i] = (struct naming_place){cases[i].offset, cases[i].image};
    naming_answer((struct bytes){file, size}, &question, frames);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(frames[i].source, cases[i].source);
        assert_string_equal(frames[i].text, cases[i].text);
    }
}

static void managed(void **state)
{
    static const struct expected cases[] = {
        {0x1000, 0, FRAME_READY, "Space.Outer`1..ctor"},
        {0x1044, 0, FRAME_READY, "Space.Outer`1..ctor"},
        {0x1070, 0, FRAME_READY, "Plain.Main"},
        {0x1100, 0, FRAME_READY, "Plain.Generic"},
        {0x1150, 0, FRAME_MODULE, "Small.dll+0x11150"}, /* of another module */
        {0x1800, 0, FRAME_MODULE, "Small.dll+0x11800"},
        {0x0500, 0, FRAME_UNKNOWN, ""},
        {0x1000, NAMING_NATIVE, FRAME_UNKNOWN, ""},
        {0x1000, 0x1000, FRAME_UNKNOWN, ""},
        {UINT64_MAX, UINT64_MAX - 1, FRAME_UNKNOWN, ""},
    };

    memcpy(file, module.bytes, MODULE_SIZE);
    expect(cases, ARRAY_SIZE(cases), MODULE_SIZE);
}

/* A single-file program: a native image, and a managed one behind it. */
static void bundled(void **state)
{
    static const struct expected cases[] = {
        {BUNDLED + 0x1070, BUILD_SIZE, FRAME_READY, "Plain.Main"},
        {BUILD_CODE + 0x10, 0, FRAME_MODULE, "some.file+0x2010"},
        {BUNDLED + 0x1000, BUILD_SIZE, FRAME_READY, "Space.Outer`1..ctor"},
        {BUNDLED + 0x0500, BUILD_SIZE, FRAME_UNKNOWN, ""},
        {BUNDLED + 0x1000, 0, FRAME_UNKNOWN, ""},
    };

    memcpy(file, builder.bytes, BUILD_SIZE);
    memcpy(file + BUNDLED, module.bytes, MODULE_SIZE);
    expect(cases, ARRAY_SIZE(cases), sizeof(file));
}

static void without_tables(void **state)
{
    static const struct expected damaged_code[] = {{0x1000, 0, FRAME_MODULE, "Small.dll+0x11000"}};
    static const struct expected damaged_names[] = {{0x1000, 0, FRAME_MODULE, "some.file+0x11000"}};

    module_put(&module, MODULE_READY, 0, 4);
    memcpy(file, module.bytes, MODULE_SIZE);
    expect(damaged_code, 1, MODULE_SIZE);
    module_put(&module, MODULE_METADATA, 0, 4);
    memcpy(file, module.bytes, MODULE_SIZE);
    expect(damaged_names, 1, MODULE_SIZE);
}

static void no_image(void **state)
{
    static const struct expected cases[] = {{0x1000, 0, FRAME_UNKNOWN, ""}};

    expect(cases, 1, sizeof(file));
    expect(cases, 1, 0);
}

static void confined(void **state)
{
    _close_ int fd = memfd_create("module", MFD_CLOEXEC);
    struct naming question = {.count = 2, .places = {{0x1070, 0}, {0x1100, 0}}};
    struct frame frames[2];
    struct reason why;

    assert_int_equal(write(fd, module.bytes, MODULE_SIZE), MODULE_SIZE);
    assert_int_equal(naming_ask(fd, &question, frames, &why), 0);
    assert_string_equal(frames[0].text, "Plain.Main");
    assert_string_equal(frames[1].text, "Plain.Generic");
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(naming_ask(fd, &question, frames, &why), -ENOEXEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(managed, build),        cmocka_unit_test_setup(bundled, build),
        cmocka_unit_test_setup(without_tables, build), cmocka_unit_test_setup(no_image, build),
        cmocka_unit_test_setup(confined, build),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
