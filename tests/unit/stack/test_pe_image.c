/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "stack/module_builder.h"
#include "stack/pe_image.h"

static struct module_builder module;
static struct pe_image image;

static int build(void **state)
{
    module_build(&module);
    return 0;
}

static void what_is_in_it(void **state)
{
    assert_int_equal(pe_open(&image, module_bytes(&module), NULL), 0);
    assert_int_equal(image.machine, PE_X86_64);
    assert_int_equal(image.section_count, 2);
    assert_ptr_equal(image.metadata.data, module.bytes + MODULE_METADATA);
    assert_int_equal(image.metadata.size, MODULE_METADATA_SIZE);
    assert_ptr_equal(image.ready_to_run.data, module.bytes + MODULE_READY);
}

static void addresses(void **state)
{
    static const struct {
        uint32_t rva, size, offset; /* offset 0: outside */
    } cases[] = {
        {0x2000, 1, 0x400},
        {0x2000, 0xc00, 0x400},
        {0x2000, 0xc01, 0},
        {0x2bff, 1, 0xfff},
        {0x2c00, 1, 0},
        {0x1fff, 1, 0},
        {MODULE_CODE, 16, 0x1000},
        {MODULE_CODE + 0xfff, 2, 0},
        {UINT32_MAX, 1, 0},
        {0x2000, UINT32_MAX, 0},
    };

    assert_int_equal(pe_open(&image, module_bytes(&module), NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bytes at = pe_at(&image, cases[i].rva, cases[i].size);

        assert_ptr_equal(at.data, cases[i].offset ? module.bytes + cases[i].offset : NULL);
    }
}

static void code_by_offset(void **state)
{
    static const struct {
        uint64_t offset;
        uint32_t rva; /* 0: no code */
    } cases[] = {
        {0x1000, MODULE_CODE}, {0x1fff, MODULE_CODE + 0xfff}, {0xfff, 0}, {0x400, 0}, {0x2000, 0},
        {UINT64_MAX, 0},
    };

    assert_int_equal(pe_open(&image, module_bytes(&module), NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t rva = 0;

        assert_int_equal(pe_code_rva(&image, cases[i].offset, &rva), cases[i].rva != 0);
        assert_int_equal(rva, cases[i].rva);
    }
}

static void machines(void **state)
{
    static const struct {
        uint16_t machine;
        enum pe_machine is;
    } cases[] = {
        {0x8664, PE_X86_64},  {0x8664 ^ 0x7b79, PE_X86_64},
        {0xaa64, PE_AARCH64}, {0xaa64 ^ 0x7b79, PE_AARCH64},
        {0x14c, PE_OTHER},    {0x8664 ^ 0x4644, PE_OTHER},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        module_put(&module, MODULE_PE + 4, cases[i].machine, 2);
        assert_int_equal(pe_open(&image, module_bytes(&module), NULL), 0);
        assert_int_equal(image.machine, cases[i].is);
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
        {0, 0, 2, -ENOEXEC},
        {0x3c, UINT32_MAX, 4, -ENOEXEC},
        {MODULE_PE, 0, 4, -ENOEXEC},
        {MODULE_OPTIONAL, 0x107, 2, -ENOEXEC},
        {MODULE_PE + 20, 0xffff, 2, -ENOEXEC}, /* headers that end outside */
        {MODULE_PE + 6, 97, 2, -EBADMSG},
        {MODULE_SECTIONS + 20, UINT32_MAX, 4, -EBADMSG}, /* content outside of the file */
        {MODULE_SECTIONS + 12, UINT32_MAX, 4, -EBADMSG}, /* addresses that wrap around */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        module_build(&module);
        module_put(&module, cases[i].at, cases[i].value, cases[i].width);
        assert_int_equal(pe_open(&image, module_bytes(&module), NULL), cases[i].error);
        assert_int_equal(image.section_count, 0);
    }
}

/* No managed code in it, or none that is where it should be. */
static void native(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
        unsigned width;
    } cases[] = {
        {MODULE_OPTIONAL + 108, 14, 4},
        {MODULE_OPTIONAL + 112 + 14 * 8, 0, 8},
        {MODULE_OPTIONAL + 112 + 14 * 8 + 4, 71, 4},
        {MODULE_OPTIONAL + 112 + 14 * 8, UINT32_MAX, 4},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        module_build(&module);
        module_put(&module, cases[i].at, cases[i].value, cases[i].width);
        assert_int_equal(pe_open(&image, module_bytes(&module), NULL), 0);
        assert_null(image.metadata.data);
        assert_null(image.ready_to_run.data);
    }
}

static void cut_anywhere(void **state)
{
    for (size_t size = 0; size < MODULE_SIZE; size += 3) {
        uint8_t *copy = malloc(size + 1);

        memcpy(copy, module.bytes, size);
        assert_int_not_equal(pe_open(&image, (struct bytes){copy, size}, NULL), 0);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_in_it, build),  cmocka_unit_test_setup(addresses, build),
        cmocka_unit_test_setup(code_by_offset, build), cmocka_unit_test_setup(machines, build),
        cmocka_unit_test_setup(malformed, build),      cmocka_unit_test_setup(native, build),
        cmocka_unit_test_setup(cut_anywhere, build),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
