/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "locate/references.h"
#include "locate/scenes.h"

static struct builder builder;
static struct image image;

static void search(const uint64_t *addresses, size_t count, const uint64_t *starts, size_t expected)
{
    struct code code = {.image = &image};
    struct function_list list = {0};

    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(references_find(&code, addresses, count, &list), 0);
    for (size_t i = 0; i < list.count && i < expected; i++)
        assert_int_equal(list.items[i].start, starts[i]);
    assert_int_equal(list.count, expected);
    function_list_free(&list);
    assert_int_equal(list.count, 0);
    image_close(&image);
}

static void x86_64(void **state)
{
    static const uint64_t addresses[] = {0x1800, 0x8100, 0x9001};
    static const uint64_t expected[] = {0x2000, 0x2020, 0x2040, 0x2100};
    struct code_writer code;

    builder_init(&builder, EM_X86_64);
    code = scene_code(&builder, 0x2000);
    RELATIVE(&code, LEA_RDI, 0x1800);
    RELATIVE(&code, LEA_RAX, 0x1800);
    scene_end(&code);
    code = scene_code(&builder, 0x2020); /* mov dword [0x8100], 5: four bytes follow */
    RELATIVE(&code, "\xc7\x05", 0x8100 - 4);
    BYTES(&code, "\x05\x00\x00\x00");
    scene_end(&code);
    code = scene_code(&builder, 0x2040); /* mov byte [0x9001], 5 */
    RELATIVE(&code, "\xc6\x05", 0x9001 - 1);
    BYTES(&code, "\x05");
    scene_end(&code);
    code = scene_code(&builder, 0x2060); /* what no displacement follows */
    RELATIVE(&code, "\xe8", 0x1800);
    scene_end(&code);
    code = scene_code(&builder, 0x2080); /* beside them */
    RELATIVE(&code, LEA_RAX, 0x1801);
    RELATIVE(&code, LEA_RAX, 0x8101);
    RELATIVE(&code, LEA_RAX, 0x8100 - 5);
    scene_end(&code);
    code = scene_code(&builder, 0x20c0); /* in no function */
    RELATIVE(&code, LEA_RAX, 0x1800);
    code = scene_code(&builder, 0x2100);
    RELATIVE(&code, LEA_RAX, 0x9001);
    scene_end(&code);
    search(addresses, 3, expected, 4);
    search(addresses, 1, expected, 1);
    search(addresses, 0, expected, 0);
}

static void aarch64(void **state)
{
    static const uint64_t addresses[] = {0x1810, 0x8100};
    static const uint64_t expected[] = {0x2000, 0x2020, 0x2040};
    struct code_writer code;

    builder_init(&builder, EM_AARCH64);
    code = scene_code(&builder, 0x2000);
    scene_word(&code, arm_adrp(code.at, 8, 0x1810));
    scene_word(&code, 0xd503201f);
    scene_word(&code, arm_add(0, 8, 0x1810));
    scene_end(&code);
    code = scene_code(&builder, 0x2020);
    scene_word(&code, arm_adrp(code.at, 9, 0x8100));
    scene_word(&code, arm_load_w(0, 9, 0x8100));
    scene_end(&code);
    code = scene_code(&builder, 0x2040);
    scene_word(&code, arm_adrp(code.at, 9, 0x8100));
    scene_word(&code, arm_store_w(0, 9, 0x8100));
    scene_end(&code);
    code = scene_code(&builder, 0x2060); /* another register, another offset, another page */
    scene_word(&code, arm_adrp(code.at, 9, 0x8100));
    scene_word(&code, arm_store_w(0, 8, 0x8100));
    scene_word(&code, arm_add(0, 9, 0x8104));
    scene_word(&code, arm_adrp(code.at, 10, 0x9100));
    scene_word(&code, arm_add(0, 10, 0x9100));
    scene_end(&code);
    search(addresses, 2, expected, 3);
}

static void callers(void **state)
{
    static const uint64_t targets[] = {0x3000, 0x3100};
    static const uint64_t expected[] = {0x2000, 0x2040, 0x2060};
    struct function_list list = {0};
    struct code code = {.image = &image};
    struct code_writer writer;

    builder_init(&builder, EM_X86_64);
    writer = scene_code(&builder, 0x2040); /* by jump, and listed once */
    RELATIVE(&writer, JMP, 0x3100);
    RELATIVE(&writer, CALL, 0x3000);
    scene_end(&writer);
    writer = scene_code(&builder, 0x2000);
    RELATIVE(&writer, CALL, 0x3000);
    scene_end(&writer);
    writer = scene_code(&builder, 0x2060);
    RELATIVE(&writer, CALL, 0x3100);
    scene_end(&writer);
    writer = scene_code(&builder, 0x2080); /* beside them, and no call */
    RELATIVE(&writer, CALL, 0x3001);
    RELATIVE(&writer, LEA_RAX, 0x3000);
    scene_end(&writer);
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(references_find_callers(&code, targets, 2, &list), 0);
    assert_int_equal(list.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(list.items[i].start, expected[i]);
    function_list_free(&list);
    image_close(&image);
}

static void callers_aarch64(void **state)
{
    static const uint64_t targets[] = {0x2100};
    static const uint32_t call = 0x94000040, jump = 0x17ffffc0 /* back */, other = 0x94000041;
    struct function_list list = {0};
    struct code code = {.image = &image};

    builder_init(&builder, EM_AARCH64);
    builder_function(&builder, 0x2000, &call, 4);
    builder_function(&builder, 0x2020, &other, 4);
    builder_function(&builder, 0x2200, &jump, 4);
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(references_find_callers(&code, targets, 1, &list), 0);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].start, 0x2000);
    assert_int_equal(list.items[1].start, 0x2200);
    function_list_free(&list);
    image_close(&image);
}

static void far_apart(void **state)
{
    static const uint64_t addresses[] = {0x1800, 0x1800 + (1ull << 28)};
    struct code code = {.image = &image};
    struct function_list list = {0};

    builder_init(&builder, EM_X86_64);
    scene_heaps(&builder, 0x2000, 0);
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(references_find(&code, addresses, 2, &list), -E2BIG);
    assert_int_equal(references_find(&code, addresses + 1, 1, &list), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x86_64),  cmocka_unit_test(aarch64),         cmocka_unit_test(far_apart),
        cmocka_unit_test(callers), cmocka_unit_test(callers_aarch64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
