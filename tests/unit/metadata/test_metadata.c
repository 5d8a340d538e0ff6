/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "metadata/metadata.h"
#include "stack/module_builder.h"

static struct module_builder module;
static struct metadata metadata;

static int build(void **state)
{
    module_build(&module);
    return 0;
}

static int open_metadata(void)
{
    struct bytes bytes = bytes_slice(module_bytes(&module), MODULE_METADATA, MODULE_METADATA_SIZE);

    return metadata_open(&metadata, bytes, NULL);
}

static void names(void **state)
{
    typedef int namer(const struct metadata *metadata, uint32_t token, char *out, size_t size);
    static const struct {
        namer *namer;
        uint32_t token;
        const char *name; /* NULL: there is none */
    } cases[] = {
        {metadata_method_name, 0x06000001, "Global"},
        {metadata_method_name, 0x06000002, "Space.Outer`1..ctor"},
        {metadata_method_name, 0x06000003, "Space.Outer`1.Run"},
        {metadata_method_name, 0x06000004, "Space.Outer`1+Inner.Deep"},
        {metadata_method_name, 0x06000005, "Plain.Main"},
        {metadata_method_name, 0x06000006, "Plain.Generic"},
        {metadata_method_name, 0x06000007, NULL},
        {metadata_method_name, 0x06000000, NULL},
        {metadata_method_name, 0x06ffffff, NULL},
        {metadata_method_name, 0x02000001, NULL},
        {metadata_type_name, 0x02000002, "Space.Outer`1"},
        {metadata_type_name, 0x02000003, "Space.Outer`1+Inner"},
        {metadata_type_name, 0x02000004, "Plain"},
        {metadata_type_name, 0x02000005, NULL},
        {metadata_type_name, 0x01000001, "System.Object"},
        {metadata_type_name, 0x01000002, "System.Object+Nested"},
        {metadata_type_name, 0x01000000, NULL},
        {metadata_type_name, 0x06000001, NULL},
        {metadata_type_name, 0xff000001, NULL},
    };
    char name[64];

    assert_int_equal(open_metadata(), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(cases[i].namer(&metadata, cases[i].token, name, sizeof(name)),
                         cases[i].name ? 0 : -ENOENT);
        assert_string_equal(name, cases[i].name ? cases[i].name : "");
    }
    assert_int_equal(metadata_module_name(&metadata, name, sizeof(name)), 0);
    assert_string_equal(name, "Small.dll");
}

static void names_are_cut(void **state)
{
    static const char whole[] = "Space.Outer`1+Inner.Deep";
    char name[sizeof(whole) + 1];

    assert_int_equal(open_metadata(), 0);
    for (size_t size = 1; size <= sizeof(whole); size++) {
        memset(name, '#', sizeof(name));
        assert_int_equal(metadata_method_name(&metadata, 0x06000004, name, size), 0);
        assert_int_equal(strlen(name), size - 1);
        assert_memory_equal(name, whole, size - 1);
        assert_int_equal(name[size], '#');
    }
}

static void names_are_printable(void **state)
{
    char name[64];

    module_put_bytes(&module, MODULE_STRINGS + 1, "\x1b[2J\xff.dll", 9);
    assert_int_equal(open_metadata(), 0);
    assert_int_equal(metadata_module_name(&metadata, name, sizeof(name)), 0);
    assert_string_equal(name, "?[2J?.dll");
}

/* A type that is nested in itself, and a string that begins nowhere or does not end. */
static void names_that_are_none(void **state)
{
    char name[64];

    module_put(&module, MODULE_ROWS + ROW_NESTED_CLASS + 2, 3, 2);
    module_put(&module, MODULE_ROWS + ROW_TYPE_REF + 6, 2 << 2 | 3, 2);
    module_put(&module, MODULE_ROWS + ROW_MODULE + 2, 0xffff, 2);
    memset(module.bytes + MODULE_STRINGS + 0x1f0, 'x', 0x10);
    module_put(&module, MODULE_ROWS + ROW_ASSEMBLY + 18, 0x1f0, 2);
    assert_int_equal(open_metadata(), 0);
    assert_int_equal(metadata_type_name(&metadata, 0x02000003, name, sizeof(name)), -ENOENT);
    assert_int_equal(metadata_type_name(&metadata, 0x01000002, name, sizeof(name)), -ENOENT);
    assert_int_equal(metadata_module_name(&metadata, name, sizeof(name)), -ENOENT);
    assert_string_equal(name, "");
}

/* An index is as wide as what it means needs: heaps by their flags, tables by their rows. */
static void wide_indexes(void **state)
{
    static const struct {
        uint8_t heaps;
        uint32_t fields; /* rows of a table that is referred to */
        uint16_t module, type_def;
    } cases[] = {
        {0, 0, 10, 14}, {1, 0, 12, 18}, {2, 0, 16, 14}, {7, 0, 18, 18}, {0, 0x10000, 10, 16},
    };
    static uint8_t large[0x80000];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bytes bytes = {large, sizeof(large)};

        module_build(&module);
        memcpy(large, module.bytes + MODULE_METADATA, MODULE_METADATA_SIZE);
        memset(large + MODULE_TABLES - MODULE_METADATA + 24, 0, 28);
        large[MODULE_TABLES - MODULE_METADATA + 6] = cases[i].heaps;
        memcpy(large + 36, &(uint32_t){0x70000}, 4);
        memset(large + MODULE_TABLES - MODULE_METADATA + 8, 0, 8);
        large[MODULE_TABLES - MODULE_METADATA + 8] = 1 << 4; /* fields alone */
        memcpy(large + MODULE_TABLES - MODULE_METADATA + 24, &cases[i].fields, 4);
        assert_int_equal(metadata_open(&metadata, bytes, NULL), 0);
        assert_int_equal(metadata.row_size[METADATA_MODULE], cases[i].module);
        assert_int_equal(metadata.row_size[METADATA_TYPE_DEF], cases[i].type_def);
    }
}

static void malformed(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
        unsigned width;
        int error;
    } cases[] = {
        {0, 0, 4, -EBADMSG},           /* no root */
        {12, UINT32_MAX, 4, -EBADMSG}, /* a version that ends outside */
        {30, 0, 2, -EBADMSG},          /* no streams */
        {32, UINT32_MAX, 4, -EBADMSG}, /* tables outside */
        {36, 0x80, 4, -EBADMSG},       /* tables that end inside of a row */
        {41, '-', 1, -ENOTSUP},
        {MODULE_TABLES - MODULE_METADATA + 13, 0x80, 1, -EBADMSG}, /* table 0x2f */
        {MODULE_TABLES - MODULE_METADATA + 24, UINT32_MAX, 4, -EBADMSG},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        module_build(&module);
        module_put(&module, MODULE_METADATA + cases[i].at, cases[i].value, cases[i].width);
        assert_int_equal(open_metadata(), cases[i].error);
    }
}

static void cut_anywhere(void **state)
{
    char name[64];

    for (size_t size = 0; size < MODULE_METADATA_SIZE; size++) {
        uint8_t *copy = malloc(size + 1);

        memcpy(copy, module.bytes + MODULE_METADATA, size);
        if (metadata_open(&metadata, (struct bytes){copy, size}, NULL) == 0)
            for (uint32_t row = 0; row < 8; row++) {
                (void)!metadata_method_name(&metadata, 0x06000000 | row, name, sizeof(name));
                (void)!metadata_type_name(&metadata, 0x01000000 | row, name, sizeof(name));
            }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names, build),
        cmocka_unit_test_setup(names_are_cut, build),
        cmocka_unit_test_setup(names_are_printable, build),
        cmocka_unit_test_setup(names_that_are_none, build),
        cmocka_unit_test_setup(wide_indexes, build),
        cmocka_unit_test_setup(malformed, build),
        cmocka_unit_test_setup(cut_anywhere, build),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
