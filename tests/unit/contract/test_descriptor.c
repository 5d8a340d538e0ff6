/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "contract/crafted.h"

static const uint64_t pointers[] = {0, 0x7000};

static int decode(const char *json, struct descriptor *out)
{
    return descriptor_decode(json, strlen(json), pointers, 2, out, NULL);
}

static void of_10(void **state)
{
    struct descriptor descriptor;

    assert_int_equal(decode(CRAFTED_10, &descriptor), 0);
    assert_int_equal(descriptor.fields[METHOD_TABLE_CLASS], 40);
    assert_int_equal(descriptor.fields[ARRAY_CLASS_RANK], 72);
    assert_int_equal(descriptor.fields[SECTION_HEAP], 40);
    assert_int_equal(descriptor.values[CHUNK_SIZE], 24);
    assert_int_equal(descriptor.values[METHOD_TOKEN_BITS], 12);
    assert_int_equal(descriptor.values[METHOD_ALIGNMENT], 8);
    assert_int_equal(descriptor.values[CODE_RANGE_MAP], 0x7000);
    assert_int_equal(descriptor.execution_manager, 2);
}

static void of_9(void **state)
{
    struct descriptor descriptor;

    assert_int_equal(decode(CRAFTED_9, &descriptor), 0);
    assert_int_equal(descriptor.fields[CODE_METHOD], 24);
    assert_int_equal(descriptor.values[STUB_LAST], 15);
    assert_int_equal(descriptor.values[CODE_RANGE_MAP], 0);
    assert_int_equal(descriptor.execution_manager, 0);
}

static void ends_with_nul(void **state)
{
    struct descriptor descriptor;

    assert_int_equal(descriptor_decode(CRAFTED_9, sizeof(CRAFTED_9), NULL, 0, &descriptor, NULL),
                     0);
}

/* CRAFTED_10, in which one text stands for another. */
static void changed(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        int expected;
    } cases[] = {
        {"\"MTFlags2\":8", "\"MTFlags2\":[8]", 0},
        {"\"MTFlags2\":8", "\"MTFlags2\":\"0x8\"", 0},
        {"\"MTFlags2\":8", "\"MTFlags2\":-8", -EBADMSG},
        {"\"MTFlags2\":8", "\"MTFlags2\":8.5", -EBADMSG},
        {"\"MTFlags2\":8", "\"MTFlags2\":null", -EBADMSG},
        {"\"MTFlags2\":8", "\"MTFlags2\":[]", -EBADMSG},
        {"\"MTFlags2\":8", "\"MTFlags2\":[[8]]", -EBADMSG},
        {"\"MTFlags2\":8", "\"MTFlags2\":\"eight\"", -EBADMSG},
        {"\"MTFlags2\":8", "\"MTFlags2\":65529", -EBADMSG},
        {"\"MTFlags2\":8", "\"MTFlags2\":65528", 0},
        {"\"MTFlags2\":8", "\"MTFlags2\":99999999999999999999", -EBADMSG},
        {"\"MTFlags2\":8", "\"MTFlags3\":8", -ENOTSUP},
        {"\"EEClass\":", "\"EClass\":", -ENOTSUP},
        {"\"RealCodeHeader\":", "\"Other\":", 0},
        {"\"HeapList\":40", "\"Other\":40", -ENOTSUP},
        {"\"types\":{", "\"types\":0,\"other\":{", -ENOTSUP},
        {"\"globals\":{", "\"globals\":[],\"other\":{", -ENOTSUP},
        {"\"!\":24", "\"!\":70000", -EBADMSG},
        {"[8,\"uint64\"]", "[0,\"uint64\"]", -EBADMSG},
        {"[8,\"uint64\"]", "[[1],\"uint64\"]", -EBADMSG},
        {"\"0xc\"", "\"0x11\"", -EBADMSG},
        {"\"0xc\"", "\"12\"", 0},
        {"\"0x7\"", "\"0x100\"", -EBADMSG},
        {"[[1],\"pointer\"]", "[[2],\"pointer\"]", -EBADMSG},
        {"[[1],\"pointer\"]", "[[-1],\"pointer\"]", -EBADMSG},
        {"[[1],\"pointer\"]", "[1,\"pointer\"]", -EBADMSG},
        {"[[1],\"pointer\"]", "[[1]]", 0},
        {"[[1],\"pointer\"]", "[1]", 0},
        {"\"ExecutionManager\":2", "\"ExecutionManager\":1", 0},
        {"\"ExecutionManager\":2", "\"ExecutionManager\":3", -ENOTSUP},
        {"\"ExecutionManager\":2", "\"ExecutionManager\":\"c1\"", -ENOTSUP},
        {"\"Loader\":1", "\"Loader\":2", -ENOTSUP},
        {"\"Loader\":1", "\"Loader\":0", -ENOTSUP},
        {"\"Loader\":1,", "", -ENOTSUP},
        {"\"baseline\":\"empty\"", "\"baseline\":\"net9\"", -ENOTSUP},
        {"\"version\":0", "", -EBADMSG},
        {"{\"version\":0", "[{\"version\":0", -EBADMSG},
    };
    struct descriptor descriptor;
    char text[2 * sizeof(CRAFTED_10)];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *at = strstr(CRAFTED_10, cases[i].from);
        struct reason why = {""};

        assert_non_null(at);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - CRAFTED_10), CRAFTED_10, cases[i].to,
                 at + strlen(cases[i].from));
        if (descriptor_decode(text, strlen(text), pointers, 2, &descriptor, &why) !=
            cases[i].expected)
            fail_msg("%s -> %s: %s", cases[i].from, cases[i].to, why.text);
        assert_true(cases[i].expected == 0 || why.text[0]);
    }
}

static void nothing(void **state)
{
    static const char *const texts[] = {"", "{", "[]", "null", "{\"types\":{}}"};
    struct descriptor descriptor;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_true(decode(texts[i], &descriptor) < 0);
}

struct exported {
    char magic[8];
    uint32_t flags;
    uint32_t size;
    const char *json;
    uint32_t count;
    uint32_t padding;
    const uint64_t *pointers;
};

static void of_a_process(void **state)
{
    static const struct exported good = {"DNCCDAC", 1,       sizeof(CRAFTED_10), CRAFTED_10, 2,
                                         0,         pointers};
    static const struct {
        struct exported exported;
        int expected;
    } cases[] = {
        {{"DNCCDAC", 1, sizeof(CRAFTED_10), CRAFTED_10, 2, 0, pointers}, 0},
        {{"DNCCDAD", 1, sizeof(CRAFTED_10), CRAFTED_10, 2, 0, pointers}, -EBADMSG},
        {{"DNCCDAC", 3, sizeof(CRAFTED_10), CRAFTED_10, 2, 0, pointers}, -ENOTSUP},
        {{"DNCCDAC", 0, sizeof(CRAFTED_10), CRAFTED_10, 2, 0, pointers}, -ENOTSUP},
        {{"DNCCDAC", 1, DESCRIPTOR_JSON_MAX + 1, CRAFTED_10, 2, 0, pointers}, -EBADMSG},
        {{"DNCCDAC", 1, 0, CRAFTED_10, 2, 0, pointers}, -EBADMSG},
        {{"DNCCDAC", 1, 10, NULL, 2, 0, pointers}, -EINVAL},
        {{"DNCCDAC", 1, sizeof(CRAFTED_10), CRAFTED_10, 2, 0, NULL}, -EINVAL},
        {{"DNCCDAC", 1, sizeof(CRAFTED_10), CRAFTED_10, UINT32_MAX, 0, pointers}, -EBADMSG},
        {{"DNCCDAC", 1, sizeof(CRAFTED_10), CRAFTED_10, 0, 0, pointers}, -EBADMSG},
    };
    struct descriptor descriptor;
    struct memory memory;

    memory_open(&memory, getpid());
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct reason why = {""};

        assert_int_equal(
            descriptor_read(&memory, address_of(&cases[i].exported), &descriptor, &why),
            cases[i].expected);
        assert_true(cases[i].expected == 0 || why.text[0]);
    }
    assert_int_equal(descriptor_read(&memory, address_of(&good), &descriptor, NULL), 0);
    assert_int_equal(descriptor_read(&memory, 0, &descriptor, NULL), -EINVAL);
    memory_close(&memory);
}

static void not_exported(void **state)
{
    struct image image = {
        .segments = {{.va = 0x1000, .memory_size = 0x2000, .flags = SEGMENT_WRITABLE}},
        .segment_count = 1,
    };
    struct contract_place place;

    assert_int_equal(contract_locate(&image, 0x10000, &place), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_10),        cmocka_unit_test(of_9),    cmocka_unit_test(ends_with_nul),
        cmocka_unit_test(changed),      cmocka_unit_test(nothing), cmocka_unit_test(of_a_process),
        cmocka_unit_test(not_exported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
