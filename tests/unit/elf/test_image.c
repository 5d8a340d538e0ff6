/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elf/builder.h"

static void every_header_is_checked(void **state)
{
    static const struct {
        size_t at; /* in the file */
        size_t size;
        uint64_t value;
        int result;
        const char *why;
    } table[] = {
        {0, 1, 0x7f, 0, NULL}, /* as it is */
        {0, 1, 0x7e, -ENOEXEC, "not an ELF file"},
        {4, 1, ELFCLASS32, -ENOEXEC, "not a 64-bit little-endian ELF file"},
        {5, 1, ELFDATA2MSB, -ENOEXEC, "not a 64-bit little-endian ELF file"},
        {18, 2, EM_RISCV, -ENOEXEC, "ELF machine 243 is neither x86-64 nor aarch64"},
        {18, 2, EM_AARCH64, 0, NULL},
        {54, 2, 55, -EBADMSG, "no program headers"},
        {56, 2, 0, -EBADMSG, "no program headers"},
        {56, 2, 0xffff, -EBADMSG, "program header"},
        {32, 8, BUILD_SIZE - 55, -EBADMSG, "truncated: program header 0 is outside the file"},
        {32, 8, UINT64_MAX - 100, -EBADMSG, "truncated: program header"},
        {64 + 8, 8, BUILD_SIZE, -EBADMSG, "truncated: a segment at offset 0x6000 ends after"},
        {64 + 8, 8, UINT64_MAX, -EBADMSG, "truncated: a segment at offset 0xffffffffffffffff"},
        {64 + 16, 8, UINT64_MAX - 0xfff, -EBADMSG, "a segment at 0xfffffffffffff000 has an"},
        {64 + 32, 8, UINT64_MAX, -EBADMSG, "truncated: a segment at offset 0x0 ends after"},
        {64 + 40, 8, 0x1fff, -EBADMSG, "a segment at 0x0 has an impossible size"},
        {64 + 40, 8, 0x2001, 0, NULL},
    };
    static struct builder builder;

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct image image = {.size = 77};
        struct reason why = {""};

        builder_init(&builder, EM_X86_64);
        memcpy(builder.bytes + table[i].at, &table[i].value, table[i].size);
        assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, &why), table[i].result);
        if (table[i].why && !strstr(why.text, table[i].why))
            fail_msg("row %zu: '%s' does not say '%s'", i, why.text, table[i].why);
        assert_int_equal(image.size, table[i].result < 0 ? 0 : BUILD_SIZE);
        image_close(&image);
        image_close(&image);
    }
}

/* Whatever is cut off, the reason is one of the truncated ones and nothing is read behind the end.
 */
static void every_truncation(void **state)
{
    static struct builder builder;
    struct image image;
    struct reason why;

    builder_init(&builder, EM_X86_64);
    for (size_t size = 0; size < 0x5000; size += size < 0x400 ? 1 : 0x100) {
        uint8_t *copy = malloc(size ? size : 1);

        memcpy(copy, builder.bytes, size);
        assert_int_equal(image_open(&image, copy, size, &why),
                         size < sizeof(Elf64_Ehdr) ? -ENOEXEC : -EBADMSG);
        if (size >= sizeof(Elf64_Ehdr))
            assert_non_null(strstr(why.text, "truncated: "));
        free(copy);
    }
    assert_int_equal(image_open(&image, builder.bytes, 0x5000, &why), 0);
}

static void too_many_segments(void **state)
{
    static struct builder builder;
    struct image image;
    struct reason why;

    builder_init(&builder, EM_X86_64);
    builder_file(&builder)->e_phoff = BUILD_SECTION;
    for (int i = 0; i <= IMAGE_SEGMENTS_MAX; i++)
        ((Elf64_Phdr *)(builder.bytes + BUILD_SECTION))[i] =
            (Elf64_Phdr){.p_type = PT_LOAD, .p_memsz = 1};
    builder_file(&builder)->e_phnum = IMAGE_SEGMENTS_MAX;
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, &why), 0);
    builder_file(&builder)->e_phnum = IMAGE_SEGMENTS_MAX + 1;
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, &why), -EBADMSG);
    assert_string_equal(why.text, "more than 32 loadable segments");
}

/* Each search of an image goes through its segments: many of the same bytes are refused. */
static void bytes_that_are_claimed_twice(void **state)
{
    static struct builder builder;
    Elf64_Phdr *headers = (Elf64_Phdr *)(builder.bytes + BUILD_SECTION);
    struct image image;
    struct reason why;

    builder_init(&builder, EM_X86_64);
    builder_file(&builder)->e_phoff = BUILD_SECTION;
    for (int i = 0; i < 3; i++)
        headers[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                                  .p_vaddr = 0x10000u * (unsigned)i,
                                  .p_filesz = BUILD_SIZE,
                                  .p_memsz = BUILD_SIZE};
    builder_file(&builder)->e_phnum = 2;
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, &why), 0);
    builder_file(&builder)->e_phnum = 3;
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, &why), -EBADMSG);
    assert_string_equal(why.text, "its segments claim the same bytes again and again");
    headers[2].p_filesz = 1;
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, &why), -EBADMSG);
}

static void open(struct builder *builder, struct image *image)
{
    struct reason why;

    assert_int_equal(image_open(image, builder->bytes, BUILD_SIZE, &why), 0);
}

static void reads_stay_inside(void **state)
{
    static const struct {
        uint64_t va;
        size_t length;
        int64_t offset; /* -1: refused */
    } table[] = {
        {0, 0x2000, 0},
        {0, 0x2001, -1}, /* the next segment follows in the file, but is another */
        {0x1fff, 1, 0x1fff},
        {0x1fff, 2, -1},
        {0x2000, 8, 0x2000},
        {0x4000, 1, -1}, /* in the file, at no address */
        {BUILD_DATA, 0x1000, 0x4000},
        {BUILD_DATA + 0xfff, 2, -1},
        {BUILD_BSS, 1, -1},
        {BUILD_DATA, SIZE_MAX, -1},
        {UINT64_MAX, 1, -1},
        {UINT64_MAX, SIZE_MAX, -1},
    };
    static struct builder builder;
    struct image image;

    builder_init(&builder, EM_X86_64);
    open(&builder, &image);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_ptr_equal(image_at(&image, table[i].va, table[i].length),
                         table[i].offset < 0 ? NULL : builder.bytes + table[i].offset);
    assert_ptr_equal(image_bytes(&image, BUILD_SIZE, 0), builder.bytes + BUILD_SIZE);
    assert_null(image_bytes(&image, BUILD_SIZE, 1));
    assert_null(image_bytes(&image, BUILD_SIZE + 1, 0));
    assert_null(image_bytes(&image, UINT64_MAX, 2));
    assert_null(image_bytes(&image, 8, SIZE_MAX - 4));
}

static void what_an_address_is(void **state)
{
    static const struct {
        uint64_t va;
        bool code, writable, constant;
    } table[] = {
        {0, false, false, true},
        {BUILD_CODE, true, false, true},
        {BUILD_CODE + 0x1fff, true, false, true},
        {BUILD_CODE + 0x2000, false, false, false},
        {BUILD_DATA - 1, false, false, false},
        {BUILD_DATA, false, false, true}, /* under RELRO */
        {BUILD_DATA + 0xff, false, false, true},
        {BUILD_DATA + 0x100, false, true, false},
        {BUILD_BSS, false, true, false},
        {BUILD_BSS + 0xfff, false, true, false},
        {BUILD_BSS + 0x1000, false, false, false},
        {UINT64_MAX, false, false, false},
    };
    static struct builder builder;
    struct image image;

    builder_init(&builder, EM_X86_64);
    builder_segment(&builder, HEADER_NOTE, PT_GNU_RELRO, PF_R, BUILD_DATA, 0x100);
    open(&builder, &image);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_int_equal(image_is_code(&image, table[i].va), table[i].code);
        assert_int_equal(image_is_writable(&image, table[i].va), table[i].writable);
        assert_int_equal(image_is_constant(&image, table[i].va), table[i].constant);
        assert_int_equal(image_segment(&image, table[i].va) != NULL,
                         table[i].code || table[i].writable || table[i].constant);
    }
    /* Executable memory behind the file's bytes is no code that could be read. */
    builder_header(&builder, HEADER_CODE)->p_memsz += 0x1000;
    open(&builder, &image);
    assert_false(image_is_code(&image, BUILD_CODE + 0x2000));
}

static void strings_end(void **state)
{
    static struct builder builder;
    struct image image;

    builder_init(&builder, EM_X86_64);
    builder_put_text(&builder, BUILD_RODATA, "twelve bytes");
    memset(builder_at(&builder, BUILD_CODE - 4), 'x', 4); /* to the segment's end */
    memset(builder_at(&builder, BUILD_DATA + 0xffc), 'x', 4);
    open(&builder, &image);
    assert_string_equal(image_string(&image, BUILD_RODATA, 13), "twelve bytes");
    assert_string_equal(image_string(&image, BUILD_RODATA, SIZE_MAX), "twelve bytes");
    assert_null(image_string(&image, BUILD_RODATA, 12));
    assert_null(image_string(&image, BUILD_RODATA, 0));
    assert_null(image_string(&image, BUILD_CODE - 4, 64));
    assert_null(image_string(&image, BUILD_DATA + 0xffc, 64));
    assert_null(image_string(&image, BUILD_BSS, 64));
    assert_null(image_string(&image, 0x7000, 64));
}

static void debug_files_have_no_segments(void **state)
{
    static struct builder builder;
    struct image image;
    struct reason why;

    builder_init(&builder, EM_X86_64);
    builder_header(&builder, HEADER_TEXT)->p_offset = 1 << 30; /* what objcopy leaves there */
    assert_int_equal(image_open_debug_file(&image, builder.bytes, BUILD_SIZE, &why), 0);
    assert_int_equal(image.segment_count, 0);
    assert_null(image_at(&image, 0, 1));
    assert_int_equal(image_open_debug_file(&image, "ELF", 3, &why), -ENOEXEC);
    assert_int_equal(image.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_header_is_checked),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(too_many_segments),
        cmocka_unit_test(bytes_that_are_claimed_twice),
        cmocka_unit_test(reads_stay_inside),
        cmocka_unit_test(what_an_address_is),
        cmocka_unit_test(strings_end),
        cmocka_unit_test(debug_files_have_no_segments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
