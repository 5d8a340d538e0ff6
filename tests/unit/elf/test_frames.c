/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elf/builder.h"
#include "elf/frames.h"

static struct builder builder;
static struct image image;

static void open(void)
{
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
}

static void functions_are_sorted(void **state)
{
    static const struct {
        uint64_t va;
        int index; /* -1: no function */
    } table[] = {
        {0, -1},      {BUILD_CODE, 0},      {BUILD_CODE + 0xf, 0}, {BUILD_CODE + 0x10, -1},
        {0x2030, 1},  {0x203f, 1},          {0x2040, 2},           {0x20ff, 2},
        {0x2100, -1}, {BUILD_CODE - 1, -1}, {UINT64_MAX, -1},
    };

    builder_init(&builder, EM_X86_64);
    builder_frame(&builder, BUILD_FRAMES, 0x2040, 0xc0);
    builder_frame(&builder, BUILD_FRAMES, 0x2000, 0x10);
    builder_frame(&builder, BUILD_FRAMES, 0x2030, 0x10);
    open();
    assert_null(frames_function(&image, 0x2000));
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(image.function_count, 3);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_ptr_equal(frames_function(&image, table[i].va),
                         table[i].index < 0 ? NULL : &image.functions[table[i].index]);
    assert_int_equal(frames_load(&image, NULL), 0); /* again is no leak */
    image_close(&image);
}

#define ENTRY(text) text, sizeof(text)

static void augmentations(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool usable;
    } table[] = {
        {ENTRY("zR\0\x01\x78\x10\x01\x1b"), true},
        {ENTRY("zR\0\x01\x78\x10\x01\x03"), false},                /* absolute */
        {ENTRY("zR\0\x01\x78\x10\x01\x3b"), false},                /* relative to data */
        {ENTRY("zR\0\x81\x01\xf8\x7f\x90\x00\x81\x00\x1b"), true}, /* long LEB128 */
        {ENTRY("zPLR\0\x01\x78\x10\x07\x9b\1\2\3\4\x1b\x1b"), true},
        {ENTRY("zPLR\0\x01\x78\x10\x07\x1b\1\2\3\4\x1b\x1b"), true},
        {ENTRY("zPLR\0\x01\x78\x10\x0b\x04\1\2\3\4\5\6\7\x1b\x1b\x1b"), true},
        {ENTRY("zPLR\0\x01\x78\x10\x0b\x00\1\2\3\4\5\6\7\x08\x1b\x1b"), true},
        {ENTRY("zPLR\0\x01\x78\x10\x0b\x1c\1\2\3\4\5\6\7\x08\x1b\x1b"), true},
        {ENTRY("zPLR\0\x01\x78\x10\x07\x9b\1\2\3\4\x1b\x1c"), false}, /* 8-byte code pointers */
        {ENTRY("zPR\0\x01\x78\x10\x06\x9b\1\2\3\4\x1b"), true},
        {ENTRY("zLR\0\x01\x78\x10\x02\x1b\x1b"), true},
        {ENTRY("zRS\0\x01\x78\x10\x01\x1b"), true},
        {ENTRY("zLP\0\x01\x78\x10\x01\x1b"), false}, /* no R */
        {ENTRY("z\0\x01\x78\x10\x01\x1b"), false},
        {ENTRY("\0\x01\x78\x10\x01\x1b"), false},
        {ENTRY("eh\0\x01\x78\x10\x01\x1b"), false},
        {ENTRY("zPPPPPPPPPPPPPPPPPPPP"), false}, /* does not end soon */
        {ENTRY("zR\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
               "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
               "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
         false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};
        uint64_t common;
        int r;

        builder_init(&builder, EM_X86_64);
        common = builder_common(&builder, table[i].bytes, table[i].size);
        builder_frame(&builder, common, 0x2000, 0x10);
        open();
        r = frames_load(&image, &why);
        if (r != (table[i].usable ? 0 : -ENODATA))
            fail_msg("row %zu: %d, %s", i, r, why.text);
        if (table[i].usable)
            assert_int_equal(image.functions[0].end, 0x2010);
        else
            assert_string_equal(why.text, "no function bounds in .eh_frame");
        image_close(&image);
    }
}

/* One description that makes no sense is left out, and the others stay. */
static void senseless_frames(void **state)
{
    static const struct {
        uint64_t start, size;
    } table[] = {
        {0x2100, 0},    /* empty */
        {0x1800, 0x10}, /* no code */
        {0x3ff8, 0x10}, /* ends behind the code */
        {0x1fff, 0x10}, /* begins before it */
        {BUILD_DATA, 0x10}, {0x2000, UINT32_MAX},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        builder_init(&builder, EM_X86_64);
        builder_frame(&builder, BUILD_FRAMES, table[i].start, table[i].size);
        builder_frame(&builder, BUILD_FRAMES, 0x3ff0, 0x10);
        open();
        assert_int_equal(frames_load(&image, NULL), 0);
        assert_int_equal(image.function_count, 1);
        assert_int_equal(image.functions[0].start, 0x3ff0);
        image_close(&image);
    }
    /* A common entry, and a description, that lie outside. */
    builder_init(&builder, EM_X86_64);
    builder_frame(&builder, UINT32_MAX / 2, 0x2000, 0x10);
    builder_frame(&builder, BUILD_FRAMES, 0x2010, 0x10);
    builder_put_32(&builder, BUILD_HEADER + 12 + 8 + 4, 0x80000000);
    builder_frame(&builder, BUILD_FRAMES, 0x2020, 0x10);
    open();
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(image.function_count, 1);
    assert_int_equal(image.functions[0].start, 0x2020);
    image_close(&image);
}

static void unusable_headers(void **state)
{
    static const struct {
        size_t at, size;
        uint64_t value;
        int result;
        const char *why;
    } table[] = {
        {0, 1, 2, -ENODATA, ".eh_frame_hdr has an encoding that no linker writes"},
        {2, 1, 0xff, -ENODATA, ".eh_frame_hdr has an encoding that no linker writes"},
        {3, 1, 0x1b, -ENODATA, ".eh_frame_hdr has an encoding that no linker writes"},
        {8, 4, 0x200, -EBADMSG, "truncated: .eh_frame_hdr ends after its segment"},
        {8, 4, (1 << 19) + 1, -EBADMSG, ".eh_frame_hdr claims 524289 functions"},
        {8, 4, UINT32_MAX, -EBADMSG, ".eh_frame_hdr claims 4294967295 functions"},
        {8, 4, 0, -ENODATA, "no function bounds in .eh_frame"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};

        builder_init(&builder, EM_X86_64);
        builder_frame(&builder, BUILD_FRAMES, 0x2000, 0x10);
        memcpy(builder.bytes + BUILD_HEADER + table[i].at, &table[i].value, table[i].size);
        open();
        assert_int_equal(frames_load(&image, &why), table[i].result);
        assert_string_equal(why.text, table[i].why);
        assert_null(frames_function(&image, 0x2000));
        image_close(&image);
    }
    builder_header(&builder, HEADER_FRAMES)->p_vaddr = 0x1ff8; /* four bytes short */
    open();
    assert_int_equal(frames_load(&image, NULL), -ENODATA);
    builder_header(&builder, HEADER_FRAMES)->p_type = PT_NULL;
    open();
    assert_int_equal(frames_load(&image, NULL), -ENODATA);
    image_close(&image);
}

/* Where little is described, targets of calls and address computations are functions too. */
static void gaps_x86_64(void **state)
{
    static const struct function expected[] = {
        {0x2000, 0x2020}, {0x2100, 0x2200}, {0x2200, 0x2800}, {0x2800, 0x2810}, {0x3ff0, 0x4000}};

    builder_init(&builder, EM_X86_64);
    memset(builder_at(&builder, BUILD_CODE), 0xcc, 0x2000);
    builder_frame(&builder, BUILD_FRAMES, 0x2000, 0x20);
    builder_frame(&builder, BUILD_FRAMES, 0x2800, 0x10);
    builder_put(&builder, 0x2000, "\xe8\xfb\x00\x00\x00", 5); /* call 0x2100 */
    builder_put(&builder, 0x2005, "\xe9\x06\x01\x00\x00", 5); /* jmp 0x2110: inside of 0x2100 */
    builder_put(&builder, 0x2005, "\xe8\xf6\x00\x00\x00", 5); /* call 0x2100 again */
    builder_put(&builder, 0x200a, "\x48\x8d\x05\xef\x01\x00\x00", 7); /* lea rax, 0x2200 */
    builder_put(&builder, 0x2011, "\xe8\x01\x01\x00\x00", 5);         /* call 0x2117: not aligned */
    builder_put(&builder, 0x2016, "\xe8\xe5\xef\xff\xff", 5);         /* call 0x1000: no code */
    builder_put(&builder, 0x2800, "\xe9\xeb\x17\x00\x00", 5);         /* jmp 0x3ff0 */
    builder_put(&builder, 0x2805, "\xe8\x06\x00\x00\x00", 5);         /* call 0x2810-5 */
    builder_put(&builder, 0x2805, "\xe8\xf6\xf7\xff\xff", 5);         /* call 0x2000: described */
    open();
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(frames_fill_gaps(&image, NULL), 0);
    assert_int_equal(image.function_count, ARRAY_SIZE(expected));
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_int_equal(image.functions[i].start, expected[i].start);
        assert_int_equal(image.functions[i].end, expected[i].end);
    }
    image_close(&image);
}

static void gaps_aarch64(void **state)
{
    builder_init(&builder, EM_AARCH64);
    builder_frame(&builder, BUILD_FRAMES, 0x2000, 0x20);
    builder_put_32(&builder, 0x2004, 0x94000040); /* bl 0x2104 */
    builder_put_32(&builder, 0x3000, 0x97fffc80); /* bl 0x2200 */
    builder_put_32(&builder, 0x2008, 0x14000100); /* b: no call */
    open();
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(frames_fill_gaps(&image, NULL), 0);
    assert_int_equal(image.function_count, 3);
    assert_int_equal(image.functions[1].start, 0x2104);
    assert_int_equal(image.functions[1].end, 0x2200);
    assert_int_equal(image.functions[2].start, 0x2200);
    assert_int_equal(image.functions[2].end, 0x4000);
    image_close(&image);
}

static void no_gaps_where_all_is_described(void **state)
{
    builder_init(&builder, EM_X86_64);
    builder_put(&builder, 0x2000, "\xe8\xeb\x1f\x00\x00", 5); /* call 0x3ff0 */
    builder_frame(&builder, BUILD_FRAMES, 0x2000, 0x1ff0);
    open();
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(frames_fill_gaps(&image, NULL), 0);
    assert_int_equal(image.function_count, 1);
    image_close(&image);
    /* Without any frame there is nothing to merge with. */
    builder_init(&builder, EM_X86_64);
    builder_put(&builder, 0x2000, "\xe8\xeb\x1f\x00\x00", 5);
    open();
    assert_int_equal(frames_fill_gaps(&image, NULL), 0);
    assert_int_equal(image.function_count, 1);
    image_close(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_sorted),
        cmocka_unit_test(augmentations),
        cmocka_unit_test(senseless_frames),
        cmocka_unit_test(unusable_headers),
        cmocka_unit_test(gaps_x86_64),
        cmocka_unit_test(gaps_aarch64),
        cmocka_unit_test(no_gaps_where_all_is_described),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
