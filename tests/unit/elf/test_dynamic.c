/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elf/builder.h"
#include "elf/dynamic.h"

static struct builder builder;
static struct image image;

static int load(struct reason *why)
{
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, why), 0);
    return dynamic_load_relocations(&image, why);
}

static void check(const struct relocation *expected, size_t count)
{
    struct reason why;

    assert_int_equal(load(&why), 0);
    assert_int_equal(image.relocation_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(image.relocations[i].slot, expected[i].slot);
        assert_int_equal(image.relocations[i].target, expected[i].target);
        assert_ptr_equal(dynamic_relocation(&image, expected[i].slot), &image.relocations[i]);
        assert_null(dynamic_relocation(&image, expected[i].slot + 1));
    }
    image_close(&image);
}

static void rela(void **state)
{
    static const struct relocation expected[] = {
        {BUILD_DATA, 0x2000}, {BUILD_DATA + 8, 0x3000}, {UINT64_MAX - 8, UINT64_MAX}};

    builder_init(&builder, EM_X86_64);
    builder_relocate(&builder, UINT64_MAX - 8, UINT64_MAX);
    builder_rela(&builder, R_X86_64_GLOB_DAT, BUILD_DATA + 16, 0x2000);
    builder_rela(&builder, R_AARCH64_RELATIVE, BUILD_DATA + 24, 0x2000);
    builder_relocate(&builder, BUILD_DATA + 8, 0x3000);
    builder_relocate(&builder, BUILD_DATA, 0x2000);
    check(expected, 3);
    builder_init(&builder, EM_AARCH64);
    builder_rela(&builder, R_X86_64_RELATIVE, BUILD_DATA + 24, 0x2000);
    builder_relocate(&builder, BUILD_DATA + 8, 0x3000);
    check(expected + 1, 1);
}

/* Even: a slot; odd: bit n is the n-th word behind the last. What is at a slot is its target. */
static void relr(void **state)
{
    static const struct relocation expected[] = {
        {BUILD_DATA, 0x2000},        {BUILD_DATA + 8, 0x2001},   {BUILD_DATA + 24, 0x2003},
        {BUILD_DATA + 504, 0x203f},  {BUILD_DATA + 512, 0x2040}, {BUILD_DATA + 1008, 0x207e},
        {BUILD_DATA + 1024, 0x2080},
    };

    builder_init(&builder, EM_X86_64);
    for (uint64_t i = 0, target = 0x2000; i < 0x200; i++, target++)
        builder_put(&builder, BUILD_DATA + 8 * i, &target, sizeof(target));
    builder_relr(&builder, BUILD_DATA);
    builder_relr(&builder, 1 | 1 << 1 | 1 << 3 | 1ull << 63);
    builder_relr(&builder, 1 | 1 << 1 | 1ull << 63);
    builder_relr(&builder, BUILD_DATA + 1024);
    builder_relr(&builder, BUILD_BSS); /* no bytes in the file: passed over */
    builder_relr(&builder, UINT64_MAX / 4 * 2);
    builder_relr(&builder, UINT64_MAX);
    check(expected, ARRAY_SIZE(expected));
}

static void tables_outside_the_file(void **state)
{
    static const struct {
        int64_t tag, size_tag;
        uint64_t table, size;
        int result;
        size_t count;
    } table[] = {
        {DT_RELA, DT_RELASZ, BUILD_RELA, 48, 0, 2},
        {DT_RELA, DT_RELASZ, BUILD_RELA, 47, 0, 1},
        {DT_RELA, DT_RELASZ, BUILD_RELA, 0, 0, 0},
        {DT_RELA, DT_RELASZ, 0, 48, 0, 0},
        {DT_RELA, DT_RELASZ, BUILD_RELA, 0x1800, 0, 2},
        {DT_RELA, DT_RELASZ, BUILD_RELA, 0x1801, -EBADMSG, 0},
        {DT_RELA, DT_RELASZ, BUILD_RELA, UINT64_MAX, -EBADMSG, 0},
        {DT_RELA, DT_RELASZ, 0x7000, 48, -EBADMSG, 0},
        {DT_RELA, DT_RELASZ, BUILD_BSS, 48, -EBADMSG, 0},
        {36, 35, BUILD_RELR, 0x1200, 0, 2},
        {36, 35, BUILD_RELR, 0x1201, -EBADMSG, 0},
        {36, 35, UINT64_MAX - 7, 8, -EBADMSG, 0},
        {36, 35, BUILD_RELR, UINT64_MAX, -EBADMSG, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why;

        builder_init(&builder, EM_X86_64);
        builder_relocate(&builder, BUILD_DATA, 0x2000);
        builder_relocate(&builder, BUILD_DATA + 8, 0x2000);
        memset(builder_at(&builder, BUILD_HEADER), 0xff, 0x1000); /* nothing relative */
        builder_tag(&builder, table[i].tag, table[i].table);
        builder_tag(&builder, table[i].size_tag, table[i].size);
        if (table[i].tag == 36)
            memset(builder_at(&builder, BUILD_RELR), 0, 0x1200);
        assert_int_equal(load(&why), table[i].result);
        if (table[i].result < 0)
            assert_string_equal(why.text, "its relocations can't be read: Bad message");
        else if (table[i].tag == DT_RELA)
            assert_int_equal(image.relocation_count, table[i].count);
        image_close(&image);
    }
}

/* A bitmap makes 63 relocations of 8 bytes, again and again of the same slots. */
static void more_than_a_million(void **state)
{
    static const struct {
        size_t bitmaps; /* of 8 words; the rest are slots */
        int result;
        size_t count;
    } table[] = {{4, 0, 10000 * 63 + 10000}, {6, 0, 15000 * 63 + 5000}, {7, -E2BIG, 0}};
    const size_t words = 20000, size = BUILD_SIZE + 8 * words;
    _free_ uint8_t *file = malloc(size);
    struct reason why;

    builder_init(&builder, EM_X86_64);
    builder_segment(&builder, HEADER_NOTE, PT_LOAD, PF_R, 0x10000, 8 * words);
    builder_header(&builder, HEADER_NOTE)->p_offset = BUILD_SIZE;
    builder_tag(&builder, 36, 0x10000);
    builder_tag(&builder, 35, 8 * words);
    memcpy(file, builder.bytes, BUILD_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        for (size_t word = 0; word < words; word++)
            memset(file + BUILD_SIZE + 8 * word, word % 8 < 8 - table[i].bitmaps ? 0 : 0xff, 8);
        assert_int_equal(image_open(&image, file, size, &why), 0);
        assert_int_equal(dynamic_load_relocations(&image, &why), table[i].result);
        assert_int_equal(image.relocation_count, table[i].count);
        image_close(&image);
    }
}

static void no_dynamic_section(void **state)
{
    struct reason why;

    builder_init(&builder, EM_X86_64);
    builder_relocate(&builder, BUILD_DATA, 0x2000);
    builder_header(&builder, HEADER_DYNAMIC)->p_type = PT_NULL;
    assert_int_equal(load(&why), 0);
    assert_int_equal(image.relocation_count, 0);
    assert_null(dynamic_relocation(&image, BUILD_DATA));
    builder_segment(&builder, HEADER_DYNAMIC, PT_DYNAMIC, PF_R, UINT64_MAX - 7, UINT64_MAX);
    assert_int_equal(load(&why), 0);
    assert_int_equal(image.relocation_count, 0);
    /* Tags behind the section's end, or behind DT_NULL, are none. */
    builder_segment(&builder, HEADER_DYNAMIC, PT_DYNAMIC, PF_R, BUILD_DYNAMIC, 16 + 15);
    assert_int_equal(load(&why), 0);
    assert_int_equal(image.relocation_count, 0);
}

static void exports(void **state)
{
    static const struct {
        const char *name;
        uint64_t address;
    } table[] = {
        {"coreclr_initialize", 0x2000}, {"GC_Initialize", 0x2010}, {"coreclr_init", 0},
        {"oreclr_initialize", 0},       {"undefined", 0},          {"", 0},
    };

    builder_init(&builder, EM_X86_64);
    builder_export(&builder, "undefined", 0x3000);
    ((Elf64_Sym *)builder_at(&builder, BUILD_SYMBOLS))[1].st_shndx = SHN_UNDEF;
    builder_export(&builder, "coreclr_initialize", 0x2000);
    builder_export(&builder, "GC_Initialize", 0x2010);
    assert_int_equal(load(NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (table[i].name[0])
            assert_int_equal(dynamic_exported(&image, table[i].name), table[i].address);
    ((Elf64_Sym *)builder_at(&builder, BUILD_SYMBOLS))[3].st_name = UINT32_MAX;
    assert_int_equal(dynamic_exported(&image, "GC_Initialize"), 0);
    builder_tag(&builder, DT_STRTAB, UINT64_MAX - 3);
    assert_int_equal(dynamic_exported(&image, "coreclr_initialize"), 0);
    builder_tag(&builder, DT_STRTAB, 0); /* before the symbols */
    assert_int_equal(dynamic_exported(&image, "coreclr_initialize"), 0);
    builder_tag(&builder, DT_SYMTAB, UINT64_MAX - 23);
    builder_tag(&builder, DT_STRTAB, UINT64_MAX);
    assert_int_equal(dynamic_exported(&image, "coreclr_initialize"), 0);
}

static void imported(void **state)
{
    uint64_t slots[2] = {0};
    static const uint16_t machines[] = {EM_X86_64, EM_AARCH64};

    for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
        builder_init(&builder, machines[i]);
        builder_import(&builder, "abort", 0x8c00);
        builder_import(&builder, "_Unwind_Resume", 0x8c08);
        builder_import(&builder, "abort", 0x8c10);
        builder_relocate(&builder, 0x8c18, 0x2000);
        assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
        assert_int_equal(dynamic_imported(&image, "abort", slots, 2), 2);
        assert_int_equal(slots[0], 0x8c00);
        assert_int_equal(slots[1], 0x8c10);
        assert_int_equal(dynamic_imported(&image, "abort", slots, 1), 1);
        assert_int_equal(dynamic_imported(&image, "_Unwind_Resume", slots, 2), 1);
        assert_int_equal(slots[0], 0x8c08);
        assert_int_equal(dynamic_imported(&image, "_Unwind", slots, 2), 0);
        assert_int_equal(dynamic_imported(&image, "abort", slots, 0), 0);
        builder_tag(&builder, DT_RELA, 0x7fff0000); /* tables that are not in the file */
        assert_int_equal(dynamic_imported(&image, "abort", slots, 2), 0);
        builder_tag(&builder, DT_RELA, BUILD_RELA);
        builder_tag(&builder, DT_SYMTAB, 0x7fff0000);
        assert_int_equal(dynamic_imported(&image, "abort", slots, 2), 0);
        image_close(&image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imported),
        cmocka_unit_test(rela),
        cmocka_unit_test(relr),
        cmocka_unit_test(tables_outside_the_file),
        cmocka_unit_test(more_than_a_million),
        cmocka_unit_test(no_dynamic_section),
        cmocka_unit_test(exports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
