/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elf/dynamic.h"
#include "elf/frames.h"
#include "locate/entry_points.h"
#include "locate/scenes.h"

static struct builder builder;
static struct image image;

/* Pairs of {name, function}, at 0x8400 and on. */
static void build(const char *const *names, const uint64_t *functions, size_t count)
{
    builder_init(&builder, EM_X86_64);
    builder_function(&builder, 0x2000, "\xc3", 1);
    builder_function(&builder, 0x2040, "\xc3\xc3", 2);
    for (size_t i = 0; i < count; i++) {
        builder_put_text(&builder, 0x1a00 + 0x20 * i, names[i]);
        builder_relocate(&builder, 0x8400 + 16 * i, 0x1a00 + 0x20 * i);
        builder_relocate(&builder, 0x8408 + 16 * i, functions[i]);
    }
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(dynamic_load_relocations(&image, NULL), 0);
    assert_int_equal(frames_load(&image, NULL), 0);
}

static void by_name(void **state)
{
    static const char *const names[] = {"First", "Second", "Inside"};
    static const uint64_t functions[] = {0x2000, 0x2040, 0x2041};

    build(names, functions, 3);
    assert_int_equal(entry_points_find(&image, "First", ENTRY_QCALL), 0x2000);
    assert_int_equal(entry_points_find(&image, "Second", ENTRY_QCALL), 0x2040);
    assert_int_equal(entry_points_find(&image, "Second", ENTRY_FCALL), 0x2000); /* before it */
    assert_int_equal(entry_points_find(&image, "First", ENTRY_FCALL), 0);
    assert_int_equal(entry_points_find(&image, "Inside", ENTRY_QCALL), 0); /* no function's start */
    assert_int_equal(entry_points_find(&image, "Fir", ENTRY_QCALL), 0);
    assert_int_equal(entry_points_find(&image, "FirstOf", ENTRY_QCALL), 0);
    assert_int_equal(entry_points_find_only(&image, "First", ENTRY_QCALL), 0x2000);
    assert_int_equal(entry_points_find_only(&image, "Third", ENTRY_QCALL), 0);
    image_close(&image);
}

static void listed_twice(void **state)
{
    static const char *const names[] = {"Same", "Same", "Other", "Other"};
    static const uint64_t functions[] = {0x2000, 0x2000, 0x2000, 0x2040};

    build(names, functions, 4);
    assert_int_equal(entry_points_find_only(&image, "Same", ENTRY_QCALL), 0x2000);
    assert_int_equal(entry_points_find_only(&image, "Other", ENTRY_QCALL), 0);
    assert_int_equal(entry_points_find(&image, "Other", ENTRY_QCALL), 0x2000);
    image_close(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_name),
        cmocka_unit_test(listed_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
