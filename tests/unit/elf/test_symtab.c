/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "elf/builder.h"
#include "elf/symtab.h"

#define TABLE 0x5900
#define NAMES 0x5a00

static struct builder builder;
static struct image image;

static void open(void)
{
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
}

static void build(const Elf64_Sym *table, size_t count, const char *names, size_t size)
{
    size_t index;

    builder_init(&builder, EM_X86_64);
    index = builder_add_section(&builder, SHT_SYMTAB, ".symtab", TABLE, count * sizeof(*table));
    builder_section(&builder, index)->sh_link = (uint32_t)index + 1;
    builder_add_section(&builder, SHT_STRTAB, ".strtab", NAMES, size);
    memcpy(builder.bytes + TABLE, table, count * sizeof(*table));
    memset(builder.bytes + NAMES, 'x', 0x100);
    memcpy(builder.bytes + NAMES, names, size);
    open();
}

static void symbols(void **state)
{
    static const char names[] = "\0first\0second\0open"; /* "open" has no end */
    static const Elf64_Sym table[] = {
        {.st_name = 1, .st_shndx = 1, .st_value = 0x2000, .st_size = 16},
        {.st_name = 7, .st_shndx = 1, .st_value = UINT64_MAX},
        {.st_name = 3, .st_shndx = 1},
        {.st_name = 1, .st_shndx = SHN_UNDEF},
        {.st_name = 1, .st_shndx = SHN_ABS},
        {.st_name = 0, .st_shndx = 1},
        {.st_name = 14, .st_shndx = 1},
        {.st_name = 17, .st_shndx = 1},
        {.st_name = 18, .st_shndx = 1},
        {.st_name = UINT32_MAX, .st_shndx = 1},
    };
    static const char *const expected[ARRAY_SIZE(table)] = {"first", "second", "rst"};
    struct symbols all;
    struct symbol symbol;

    build(table, ARRAY_SIZE(table), names, sizeof(names) - 1);
    assert_int_equal(symtab_open(&image, &all), 0);
    assert_int_equal(all.count, ARRAY_SIZE(table));
    for (size_t i = 0; i < all.count; i++) {
        assert_int_equal(symtab_at(&all, i, &symbol), expected[i] != NULL);
        if (!expected[i])
            continue;
        assert_string_equal(symbol.name, expected[i]);
        assert_int_equal(symbol.address, table[i].st_value);
        assert_int_equal(symbol.size, table[i].st_size);
    }
}

static void tables_outside_the_file(void **state)
{
    static const Elf64_Sym one = {.st_name = 1, .st_shndx = 1};
    struct symbols all;
    struct symbol symbol;

    build(&one, 1, "\0a", 3);
    builder_section(&builder, 1)->sh_size = 47; /* a half one at the end is none */
    assert_int_equal(symtab_open(&image, &all), 0);
    assert_int_equal(all.count, 1);
    builder_section(&builder, 1)->sh_size = UINT64_MAX;
    assert_int_equal(symtab_open(&image, &all), -EBADMSG);
    build(&one, 1, "\0a", 3);
    builder_section(&builder, 1)->sh_link = 3;
    assert_int_equal(symtab_open(&image, &all), -EBADMSG);
    build(&one, 1, "\0a", 3);
    builder_section(&builder, 2)->sh_offset = UINT64_MAX;
    assert_int_equal(symtab_open(&image, &all), -EBADMSG);
    build(&one, 1, "\0a", 3);
    builder_section(&builder, 2)->sh_size = 0;
    assert_int_equal(symtab_open(&image, &all), 0);
    assert_false(symtab_at(&all, 0, &symbol));
    build(&one, 1, "\0a", 3);
    builder_section(&builder, 1)->sh_type = SHT_DYNSYM;
    assert_int_equal(symtab_open(&image, &all), -ENODATA);
    assert_int_equal(symtab_open_exported(&image, &all), 0);
    assert_true(symtab_at(&all, 0, &symbol));
}

/* Ten thousand names that never end cost no more than ten thousand that do. */
static void names_without_an_end(void **state)
{
    const size_t names = 8 << 20, count = 20000, size = BUILD_SIZE + names + count * 24;
    _free_ uint8_t *file = malloc(size);
    struct symbols all;
    struct symbol symbol;
    clock_t start;

    builder_init(&builder, EM_X86_64);
    builder_add_section(&builder, SHT_SYMTAB, ".symtab", BUILD_SIZE + names, count * 24);
    builder_section(&builder, 1)->sh_link = 2;
    builder_add_section(&builder, SHT_STRTAB, ".strtab", BUILD_SIZE, names);
    memcpy(file, builder.bytes, BUILD_SIZE);
    memset(file + BUILD_SIZE, 'x', names);
    for (size_t i = 0; i < count; i++)
        memcpy(file + BUILD_SIZE + names + 24 * i, &(Elf64_Sym){.st_name = 1, .st_shndx = 1}, 24);
    assert_int_equal(image_open(&image, file, size, NULL), 0);
    assert_int_equal(symtab_open(&image, &all), 0);
    start = clock();
    for (size_t i = 0; i < all.count; i++)
        assert_false(symtab_at(&all, i, &symbol));
    assert_true(clock() - start < CLOCKS_PER_SEC / 2);
}

static void debug_links(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *name; /* NULL: refused */
    } table[] = {
        {"libcoreclr.so.dbg\0\0\0\1\2\3\4", 24, "libcoreclr.so.dbg"},
        {"a\0\0\0\1\2\3\4", 8, "a"},
        {"a\0\0\0\1\2\3", 7, NULL},
        {"\0\0\0\0\1\2\3\4", 8, NULL},
        {"..\0\0\1\2\3\4", 8, NULL},
        {".a\0\0\1\2\3\4", 8, NULL},
        {"a/b\0\1\2\3\4", 8, NULL},
        {"/ab\0\1\2\3\4", 8, NULL},
        {"../../etc/x\0\1\2\3\4", 16, NULL},
        {"abcdefgh", 8, NULL}, /* without an end */
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char name[DEBUGLINK_MAX] = "as it was";
        uint32_t crc = 0;

        builder_init(&builder, EM_X86_64);
        builder_add_section(&builder, SHT_PROGBITS, ".gnu_debuglink", TABLE, table[i].size);
        memcpy(builder.bytes + TABLE, table[i].bytes, table[i].size);
        open();
        assert_int_equal(symtab_debuglink(&image, name, &crc), table[i].name != NULL);
        assert_string_equal(name, table[i].name ? table[i].name : "as it was");
        assert_int_equal(crc, table[i].name ? 0x04030201 : 0);
    }
}

static void long_debug_links(void **state)
{
    char name[DEBUGLINK_MAX];
    uint32_t crc;

    builder_init(&builder, EM_X86_64);
    builder_add_section(&builder, SHT_PROGBITS, ".gnu_debuglink", TABLE, 0x200);
    memset(builder.bytes + TABLE, 'n', DEBUGLINK_MAX - 1);
    open();
    assert_true(symtab_debuglink(&image, name, &crc));
    assert_int_equal(strlen(name), DEBUGLINK_MAX - 1);
    builder.bytes[TABLE + DEBUGLINK_MAX - 1] = 'n';
    assert_false(symtab_debuglink(&image, name, &crc));
    builder_section(&builder, 1)->sh_offset = UINT64_MAX;
    assert_false(symtab_debuglink(&image, name, &crc));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols),
        cmocka_unit_test(tables_outside_the_file),
        cmocka_unit_test(names_without_an_end),
        cmocka_unit_test(debug_links),
        cmocka_unit_test(long_debug_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
