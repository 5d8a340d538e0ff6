/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "proc/maps.h"

static void line_table(void **state)
{
    static const struct {
        const char *line;
        int result;
        struct mapping expected;
    } table[] = {
        {"7f00a000-7f00b000 r-xp 00001000 fe:00 331651                     /usr/lib/libc.so.6",
         0,
         {0x7f00a000, 0x7f00b000, 0x1000, MAPPING_READABLE | MAPPING_EXECUTABLE, 0xfe, 0, 331651,
          false, "/usr/lib/libc.so.6"}},
        {"7f00a000-7f00b000 rw-s 00000000 00:01 1100   /memfd:doublemapper (deleted)",
         0,
         {0x7f00a000, 0x7f00b000, 0, MAPPING_READABLE | MAPPING_WRITABLE | MAPPING_SHARED, 0, 1,
          1100, true, "/memfd:doublemapper"}},
        {"00400000-00401000 ---p 00000000 00:00 0 ",
         0,
         {0x400000, 0x401000, 0, 0, 0, 0, 0, false, ""}},
        {"00400000-00401000 ---p 00000000 00:00 0",
         0,
         {0x400000, 0x401000, 0, 0, 0, 0, 0, false, ""}},
        {"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]",
         0,
         {0xffffffffff600000, 0xffffffffff601000, 0, MAPPING_EXECUTABLE, 0, 0, 0, false,
          "[vsyscall]"}},
        {"1000-2000 r--p 0 8:1 18446744073709551615 /a b  c/d\\012e\\040f (deleted) (deleted)",
         0,
         {0x1000, 0x2000, 0, MAPPING_READABLE, 8, 1, UINT64_MAX, true,
          "/a b  c/d\ne\\040f (deleted)"}},
        {"1000-2000 r--p 0 8:1 5 \\012\\01",
         0,
         {0x1000, 0x2000, 0, MAPPING_READABLE, 8, 1, 5, false, "\n\\01"}},
        {.line = "2000-1000 r--p 00000000 00:00 0 ", .result = -EBADMSG},
        {.line = "1000-1000 r--p 00000000 00:00 0 ", .result = -EBADMSG},
        {.line = "10000000000000000-20000000000000000 r--p 0 00:00 0 ", .result = -EBADMSG},
        {.line = "1000-2000 r--p 0 100000000:0 0 ", .result = -EBADMSG},
        {.line = "1000-2000 r--p 0 0:0 18446744073709551616 ", .result = -EBADMSG},
        {.line = "1000-2000 r--p 0 0:0 -1 ", .result = -EBADMSG},
        {.line = "1000-2000 r--q 0 0:0 0 ", .result = -EBADMSG},
        {.line = "1000-2000 wr-p 0 0:0 0 ", .result = -EBADMSG},
        {.line = "1000-2000 r--pp 0 0:0 0 ", .result = -EBADMSG},
        {.line = "1000-2000 r--p 0 0:0 ", .result = -EBADMSG},
        {.line = "1000-2000 r--p 0 00", .result = -EBADMSG},
        {.line = "1000-2000 r--p", .result = -EBADMSG},
        {.line = "1000-2000", .result = -EBADMSG},
        {.line = "1000", .result = -EBADMSG},
        {.line = "-", .result = -EBADMSG},
        {.line = " 1000-2000 r--p 0 0:0 0 ", .result = -EBADMSG},
        {.line = "", .result = -EBADMSG},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct mapping mapping = {.inode = 77};
        const struct mapping *expected = &table[i].expected;
        _free_ char *line = strdup(table[i].line);

        assert_int_equal(mapping_parse(line, &mapping), table[i].result);
        if (table[i].result < 0) {
            assert_int_equal(mapping.inode, 77);
            continue;
        }
        assert_true(mapping.start == expected->start && mapping.end == expected->end);
        assert_true(mapping.offset == expected->offset && mapping.inode == expected->inode);
        assert_int_equal(mapping.permissions, expected->permissions);
        assert_int_equal(mapping.device_major, expected->device_major);
        assert_int_equal(mapping.device_minor, expected->device_minor);
        assert_int_equal(mapping.deleted, expected->deleted);
        assert_string_equal(mapping.path, expected->path);
    }
}

static int parse(const char *text, struct maps *out, struct reason *why)
{
    return maps_parse(strdup(text), strlen(text), out, why);
}

static void whole_files(void **state)
{
    static const struct {
        const char *text;
        int result;
        size_t count;
    } table[] = {
        {"", 0, 0},
        {"1000-2000 r--p 0 0:0 0 \n", 0, 1},
        {"1000-2000 r--p 0 0:0 0 \n2000-3000 r--p 0 0:0 0", 0, 2},
        {"1000-2000 r--p 0 0:0 0 \n\n", -EBADMSG, 0},
        {"1000-2000 r--p 0 0:0 0 \n2000-30", -EBADMSG, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct maps maps;
        struct reason why;

        assert_int_equal(parse(table[i].text, &maps, &why), table[i].result);
        assert_int_equal(maps.count, table[i].count);
        maps_close(&maps);
        maps_close(&maps);
    }
}

static void embedded_nul_and_too_many(void **state)
{
    static const char line[] = "1000-2000 r--p 0 0:0 0 \n";
    const size_t length = sizeof(line) - 1, lines = MAPS_LINES_MAX + 1;
    char *text = malloc(length * lines + 1);
    struct reason why;
    struct maps maps;

    for (size_t i = 0; i < lines; i++)
        memcpy(text + i * length, line, length + 1);
    assert_int_equal(maps_parse(text, length * lines, &maps, &why), -E2BIG);
    text = malloc(2 * length + 1);
    memcpy(text, line, length);
    memcpy(text + length, line, length + 1);
    text[length - 1] = '\0';
    assert_int_equal(maps_parse(text, 2 * length, &maps, &why), -EBADMSG);
}

static const char loaded[] =
    "1000-2000 r--p 00000000 08:01 7 /opt/view/libcoreclr.so\n" /* mapped as data */
    "10000-12000 r--p 00000000 08:01 7 /opt/a/libcoreclr.so\n"
    "12000-13000 r-xp 00001000 08:01 7 /opt/a/libcoreclr.so\n"
    "13000-14000 rw-p 00002000 08:01 7 /opt/a/libcoreclr.so\n"
    "20000-21000 r--p 00000000 08:01 7 /opt/a/libcoreclr.so\n"
    "30000-31000 r-xp 00000000 08:02 7 /opt/b/whole\n"
    "40000-41000 r--p 00000000 08:02 8 /opt/b/data\n"
    "50000-51000 r-xp 00001000 08:02 9 /opt/b/headless\n"
    "60000-61000 r-xp 00000000 00:00 0 [vdso]\n";

static void base(void **state)
{
    static const struct {
        size_t of;
        int result;
        uint64_t base;
    } table[] = {
        {0, 0, 0x10000}, {3, 0, 0x10000}, {5, 0, 0x30000},
        {6, -ENOENT, 0}, {7, -ENOENT, 0}, {8, -ENOENT, 0},
    };
    struct reason why;
    struct maps maps;

    assert_int_equal(parse(loaded, &maps, &why), 0);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        uint64_t start = 0;

        assert_int_equal(maps_base(&maps, &maps.entries[table[i].of], &start), table[i].result);
        assert_int_equal(start, table[i].base);
    }
    maps_close(&maps);
}

static void find(void **state)
{
    struct reason why;
    struct maps maps;

    assert_int_equal(parse(loaded, &maps, &why), 0);
    assert_ptr_equal(maps_find(&maps, "libcoreclr.so"), &maps.entries[2]);
    assert_null(maps_find(&maps, "data"));
    assert_null(maps_find(&maps, "coreclr.so"));
    assert_null(maps_find(&maps, "[vdso]"));
    assert_true(mapping_same_file(&maps.entries[0], &maps.entries[4]));
    assert_false(mapping_same_file(&maps.entries[0], &maps.entries[5]));
    assert_false(mapping_same_file(&maps.entries[8], &maps.entries[8]));
    maps_close(&maps);
}

static void reads_itself(void **state)
{
    const struct mapping *libc;
    struct reason why;
    struct maps maps;
    uint64_t start;

    assert_int_equal(maps_read(getpid(), &maps, &why), 0);
    libc = maps_find(&maps, "libcmocka.so.0.7.0");
    if (libc) {
        assert_int_equal(maps_base(&maps, libc, &start), 0);
        assert_memory_equal((const void *)(uintptr_t)start, "\177ELF", 4);
    }
    maps_close(&maps);
    assert_int_equal(maps_read(INT32_MAX, &maps, &why), -ESRCH);
    assert_int_equal(maps.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_table),
        cmocka_unit_test(whole_files),
        cmocka_unit_test(embedded_nul_and_too_many),
        cmocka_unit_test(base),
        cmocka_unit_test(find),
        cmocka_unit_test(reads_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
