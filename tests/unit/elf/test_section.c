/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elf/builder.h"
#include "elf/section.h"

static struct builder builder;
static struct image image;

static void build(void)
{
    builder_init(&builder, EM_X86_64);
    builder_add_section(&builder, SHT_PROGBITS, ".text", BUILD_CODE, 0x100);
    builder_add_section(&builder, SHT_NOBITS, ".bss", 0x5000, 0x1000);
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
}

static void sections(void **state)
{
    Elf64_Shdr section;

    build();
    assert_true(section_at(&image, 1, &section));
    assert_int_equal(section.sh_offset, BUILD_CODE);
    assert_true(section_is(&image, &section, ".text"));
    assert_false(section_is(&image, &section, ".tex"));
    assert_false(section_is(&image, &section, ".text2"));
    assert_ptr_equal(section_bytes(&image, &section), builder.bytes + BUILD_CODE);
    assert_true(section_at(&image, 2, &section));
    assert_null(section_bytes(&image, &section));
    assert_false(section_at(&image, 3, &section));
    assert_false(section_at(&image, UINT32_MAX, &section));
}

static void bent_file_headers(void **state)
{
    static const struct {
        uint64_t offset;
        uint16_t size, count;
        uint32_t index;
        bool found;
    } table[] = {
        {BUILD_SECTION, 64, 3, 0, true},
        {BUILD_SECTION, 63, 3, 0, false},
        {BUILD_SECTION, 65, 3, 0, false},
        {BUILD_SECTION, 64, 0, 0, false},
        {BUILD_SIZE - 64, 64, 3, 0, true},
        {BUILD_SIZE - 64, 64, 3, 1, false},
        {BUILD_SIZE - 63, 64, 3, 0, false},
        {0, 64, 0xffff, 0xfffe, false},
        {UINT64_MAX - 63, 64, 3, 0, false},
        {UINT64_MAX - 63, 64, 3, 1, false}, /* would come round to 0 */
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        Elf64_Shdr section;

        build();
        builder_file(&builder)->e_shoff = table[i].offset;
        builder_file(&builder)->e_shentsize = table[i].size;
        builder_file(&builder)->e_shnum = table[i].count;
        assert_int_equal(section_at(&image, table[i].index, &section), table[i].found);
    }
}

static void bent_sections(void **state)
{
    Elf64_Shdr section = {.sh_type = SHT_PROGBITS, .sh_offset = BUILD_SIZE - 8, .sh_size = 8};

    build();
    assert_non_null(section_bytes(&image, &section));
    section.sh_size = 9;
    assert_null(section_bytes(&image, &section));
    section = (Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_offset = UINT64_MAX, .sh_size = 8};
    assert_null(section_bytes(&image, &section));
    section = (Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_offset = 8, .sh_size = UINT64_MAX};
    assert_null(section_bytes(&image, &section));
    section.sh_name = UINT32_MAX;
    assert_false(section_is(&image, &section, ".text"));
    builder_section(&builder, 0)->sh_offset = UINT64_MAX - 3;
    section.sh_name = 8;
    assert_false(section_is(&image, &section, ".text"));
    builder_section(&builder, 0)->sh_offset = UINT64_MAX - 7;
    section.sh_name = 8 + BUILD_NAMES + builder_section(&builder, 1)->sh_name; /* comes round */
    assert_false(section_is(&image, &section, ".text"));
    builder_file(&builder)->e_shstrndx = 3;
    assert_false(section_is(&image, &section, ".text"));
}

static void got(void **state)
{
    size_t index;

    build();
    section_load_got(&image);
    assert_int_equal(image.got.memory_size, 0);
    assert_true(image_is_writable(&image, 0x8800));
    index = builder_add_section(&builder, SHT_PROGBITS, ".got", 0x4800, 16);
    builder_section(&builder, index)->sh_addr = 0x8800;
    builder_section(&builder, index)->sh_size = 16;
    section_load_got(&image);
    assert_int_equal(image.got.va, 0x8800);
    assert_false(image_is_writable(&image, 0x8808));
    assert_true(image_is_constant(&image, 0x8800));
    assert_true(image_is_writable(&image, 0x8810));
    assert_false(image_is_constant(&image, 0x87ff));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(got),
        cmocka_unit_test(sections),
        cmocka_unit_test(bent_file_headers),
        cmocka_unit_test(bent_sections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
