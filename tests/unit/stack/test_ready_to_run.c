/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "stack/module_builder.h"
#include "stack/ready_to_run.h"

#define METHODS 6

static struct module_builder module;
static struct pe_image image;
static struct ready_to_run ready;

static int build(void **state)
{
    module_build(&module);
    return 0;
}

static int open_ready(void)
{
    struct reason why;

    ready_to_run_close(&ready);
    assert_int_equal(pe_open(&image, module_bytes(&module), NULL), 0);
    return ready_to_run_open(&ready, &image, METHODS, &why);
}

static int close_ready(void **state)
{
    ready_to_run_close(&ready);
    return 0;
}

/* The row of the method at @at, with its module in the hundreds; 0: none is known. */
static unsigned method_at(uint32_t at)
{
    struct ready_method method;

    return ready_to_run_method(&ready, MODULE_CODE + at, &method) ? method.module * 100 + method.row
                                                                  : 0;
}

static void methods_by_address(void **state)
{
    static const struct {
        uint32_t at;
        unsigned row;
    } cases[] = {
        {0, 2},     {0x3f, 2},   {0x40, 2},    {0x5f, 2},  {0x60, 5},         {0x9f, 5},
        {0xa0, 5}, /* behind a last call */
        {0xa1, 0},  {0xff, 0},   {0x100, 6},   {0x13f, 6}, {0x140, 109},      {0x180, 109},
        {0x181, 0}, {0x2000, 0}, {0xfffff, 0}, {-1u, 0},   {-MODULE_CODE, 0},
    };

    assert_int_equal(open_ready(), 0);
    assert_true(ready.complete);
    assert_int_equal(ready.function_count, 5);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(method_at(cases[i].at), cases[i].row);
}

/* Eight bytes a function, with no end: up to where the next begins. */
static void aarch64(void **state)
{
    module_put(&module, MODULE_PE + 4, 0xaa64, 2);
    for (unsigned i = 0; i < 5; i++) {
        module_put(&module, MODULE_FUNCTIONS + 8 * i, MODULE_CODE + 0x40 * i, 4);
        module_put(&module, MODULE_FUNCTIONS + 8 * i + 4, 0, 4);
    }
    module_ready_section(&module, 0, 102, MODULE_FUNCTIONS, 5 * 8);
    assert_int_equal(open_ready(), 0);
    assert_int_equal(ready.function_count, 5);
    assert_int_equal(method_at(0x7f), 2);
    assert_int_equal(method_at(0x80), 5);
    assert_int_equal(method_at(0x1ff), 109);
}

static void stubs_are_of_no_method(void **state)
{
    module_put(&module, MODULE_READY + 16 + 24 + 4, MODULE_CODE + 0x20, 4);
    assert_int_equal(open_ready(), 0);
    assert_int_equal(method_at(0x1f), 2);
    assert_int_equal(method_at(0x20), 0);
    assert_int_equal(method_at(0x27), 0);
    assert_int_equal(method_at(0x28), 2);
}

/* What is not understood may be what a gap belongs to. */
static void no_guesses(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } cases[] = {
        {MODULE_INSTANCES + 7, 0xc5},       /* a long number, and flags that nobody has yet */
        {MODULE_INSTANCES + 7, 0x4c},       /* a slot in place of a method */
        {MODULE_INSTANCES + 8, 0x77},       /* a type of an unknown kind */
        {MODULE_INSTANCES + 13, 0},         /* no method */
        {MODULE_INSTANCES + 18, 0x0a << 1}, /* a function that there is not */
        {MODULE_INSTANCES + 4, 0x7e},       /* outside */
        {MODULE_INSTANCES + 0, 0x03},       /* an unknown width */
        {MODULE_INSTANCES + 0, 0xfc},       /* 2^63 buckets */
        {MODULE_INSTANCES + 2, 0x7f},       /* a bucket that ends outside */
        {MODULE_METHODS + 0, 0xff},         /* no number */
        {MODULE_METHODS + 0, 0x38},         /* more methods than the metadata has */
        {MODULE_METHODS + 7, 0x2a},         /* a function that there is not */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        module_build(&module);
        module_put(&module, cases[i].at, cases[i].byte, 1);
        assert_int_equal(open_ready(), 0);
        assert_false(ready.complete);
        assert_int_equal(method_at(0x40), 0); /* would be the funclet */
    }
}

static void none(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
        unsigned width;
        int error;
    } cases[] = {
        {MODULE_CLI + 64, 0, 8, -ENODATA},
        {MODULE_READY, 0, 4, -ENODATA},
        {MODULE_READY + 8, 0x20, 4, -ENOTSUP},         /* a component */
        {MODULE_READY + 16 + 24, 115, 4, -ENOTSUP},    /* has components */
        {MODULE_READY + 16, 0, 4, -ENODATA},           /* no functions */
        {MODULE_READY + 16 + 8, 0x10000, 4, -ENODATA}, /* functions outside */
        {MODULE_READY + 12, 0, 4, -ENODATA},
        {MODULE_PE + 4, 0x14c, 2, -ENODATA},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        module_build(&module);
        module_put(&module, cases[i].at, cases[i].value, cases[i].width);
        assert_int_equal(open_ready(), cases[i].error);
        assert_null(ready.owners);
    }
}

/* Whatever a byte is, what is answered is inside. */
static void any_byte(void **state)
{
    for (size_t at = MODULE_READY; at < MODULE_THUNKS; at++) {
        for (unsigned value = 0; value < 256; value += 15) {
            module_build(&module);
            module_put(&module, at, value, 1);
            if (open_ready() < 0)
                continue;
            for (uint32_t rva = 0; rva < 0x200; rva += 0x20)
                method_at(rva);
        }
    }
}

/* A type in a type in a type: as deep as a stack can bear. */
static void deep_types(void **state)
{
    module_ready_section(&module, 3, 109, MODULE_INSTANCES, 0x200);
    memset(module.bytes + MODULE_INSTANCES + 8, 0x0f, 0x180);
    assert_int_equal(open_ready(), 0);
    assert_false(ready.complete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(methods_by_address, build, close_ready),
        cmocka_unit_test_setup_teardown(aarch64, build, close_ready),
        cmocka_unit_test_setup_teardown(stubs_are_of_no_method, build, close_ready),
        cmocka_unit_test_setup_teardown(no_guesses, build, close_ready),
        cmocka_unit_test_setup_teardown(none, build, close_ready),
        cmocka_unit_test_setup_teardown(any_byte, build, close_ready),
        cmocka_unit_test_setup_teardown(deep_types, build, close_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
