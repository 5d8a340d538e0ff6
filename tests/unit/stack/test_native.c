/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elf/builder.h"
#include "stack/native.h"

#define TABLE    0x5900
#define EXPORTED 0x5a00
#define NAMES    0x5b00

static struct builder builder;

static void add_symbol(size_t table, size_t index, const char *name, uint64_t address,
                       uint64_t size)
{
    static const uint32_t names[] = {1, 0x40, 0x80, 0xc0, 0x100, 0x140};
    uint32_t at = names[index] + (table == EXPORTED ? 0x20 : 0);
    Elf64_Sym symbol = {.st_name = at, .st_shndx = 1, .st_value = address, .st_size = size};

    memcpy(builder.bytes + table + index * sizeof(symbol), &symbol, sizeof(symbol));
    strcpy((char *)builder.bytes + NAMES + at, name);
}

static void build(void)
{
    builder_init(&builder, EM_X86_64);
    builder_frame(&builder, BUILD_FRAMES, BUILD_CODE + 0x100, 0x40);
    builder_frame(&builder, BUILD_FRAMES, BUILD_CODE + 0x200, 0x40);
    builder_add_section(&builder, SHT_SYMTAB, ".symtab", TABLE, 6 * sizeof(Elf64_Sym));
    builder_add_section(&builder, SHT_DYNSYM, ".dynsym", EXPORTED, 6 * sizeof(Elf64_Sym));
    builder_add_section(&builder, SHT_STRTAB, ".strtab", NAMES, 0x200);
    builder_section(&builder, 1)->sh_link = 3;
    builder_section(&builder, 2)->sh_link = 3;
}

static struct frame name_of(uint64_t va, const uint64_t *sites)
{
    struct frame frame = {0};
    struct native_place place = {va, &frame};
    struct image image;

    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    native_names(&image, sites, &place, 1);
    image_close(&image);
    return frame;
}

static void by_symbols(void **state)
{
    static const struct {
        uint64_t at;
        const char *name; /* NULL: none */
    } cases[] = {
        {0x0f, NULL},        {0x10, "Outer::Run"}, {0x1f, "Outer::Run"},
        {0x20, "inner"},     {0x30, "Outer::Run"}, {0x50, "Outer::Run"}, /* behind its last call */
        {0x51, NULL},        {0x60, "write"}, /* of several names, the plainest */
        {0x100, "by_hand"},  {0x13f, "by_hand"},   {0x141, NULL},
        {0x210, NULL}, /* begins nowhere */
        {0x300, "exported"},
    };

    build();
    add_symbol(TABLE, 0, "_ZN5Outer3RunEv", BUILD_CODE + 0x10, 0x40);
    add_symbol(TABLE, 1, "inner@@VERSION", BUILD_CODE + 0x20, 0x8);
    add_symbol(TABLE, 2, "__write", BUILD_CODE + 0x60, 0x8);
    add_symbol(TABLE, 3, "by_hand", BUILD_CODE + 0x100, 0);
    add_symbol(TABLE, 4, "middle", BUILD_CODE + 0x208, 0);
    add_symbol(TABLE, 5, "data", BUILD_DATA, UINT64_MAX);
    add_symbol(EXPORTED, 0, "write", BUILD_CODE + 0x60, 0x8);
    add_symbol(EXPORTED, 1, "exported", BUILD_CODE + 0x300, 0x8);
    add_symbol(EXPORTED, 2, "$x", BUILD_CODE + 0x200, 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct frame frame = name_of(BUILD_CODE + cases[i].at, NULL);

        assert_int_equal(frame.source, cases[i].name ? FRAME_SYMBOL : FRAME_UNKNOWN);
        assert_string_equal(frame.text, cases[i].name ? cases[i].name : "");
    }
}

static void by_sites(void **state)
{
    uint64_t sites[SITE_MAX] = {[SITE_LOCK_CONTENTION_ENTER] = BUILD_CODE + 0x100,
                                [SITE_GC_STATE_LEVELS] = BUILD_CODE + 0x200};

    build();
    assert_int_equal(name_of(BUILD_CODE + 0x120, sites).source, FRAME_SITE);
    assert_string_equal(name_of(BUILD_CODE + 0x120, sites).text,
                        site_name(SITE_LOCK_CONTENTION_ENTER));
    assert_int_equal(name_of(BUILD_CODE + 0x150, sites).source, FRAME_UNKNOWN);
    assert_int_equal(name_of(BUILD_CODE + 0x220, sites).source, FRAME_UNKNOWN); /* a variable's */
    add_symbol(TABLE, 0, "named", BUILD_CODE + 0x100, 0x40);
    assert_int_equal(name_of(BUILD_CODE + 0x120, sites).source, FRAME_SYMBOL);
}

static void names_are_printable(void **state)
{
    build();
    add_symbol(TABLE, 0, "\x1b[2J", BUILD_CODE, 0x10);
    assert_string_equal(name_of(BUILD_CODE, NULL).text, "?[2J");
}

static void many_at_once(void **state)
{
    struct frame frames[3] = {0};
    struct native_place places[] = {{BUILD_CODE + 0x28, &frames[0]},
                                    {BUILD_CODE + 0x01, &frames[1]},
                                    {BUILD_CODE + 0x24, &frames[2]}};
    struct image image;

    build();
    add_symbol(TABLE, 0, "one", BUILD_CODE, 0x10);
    add_symbol(TABLE, 1, "two", BUILD_CODE + 0x20, 0x10);
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    native_names(&image, NULL, places, 3);
    image_close(&image);
    assert_string_equal(frames[0].text, "two");
    assert_string_equal(frames[1].text, "one");
    assert_string_equal(frames[2].text, "two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_symbols),
        cmocka_unit_test(by_sites),
        cmocka_unit_test(names_are_printable),
        cmocka_unit_test(many_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
