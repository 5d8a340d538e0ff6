/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "contract/crafted.h"
#include "contract/method.h"

static struct crafted crafted;

static int read_second(struct method *out)
{
    struct reason why = {""};
    int r = method_read(&crafted.view, address_of(&crafted.chunk.methods[1]), out, &why);

    assert_true(r == 0 || why.text[0]);
    return r;
}

static void by_token(void **state)
{
    struct method method;

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    assert_int_equal(read_second(&method), 0);
    assert_int_equal(method.token, 0x06001002);
    assert_int_equal(method.module, address_of(&crafted.module));
    assert_string_equal(method.name, "");
}

/* The two parts of the token, and what else lies beside each. */
static void parts(void **state)
{
    static const struct {
        uint16_t high;
        uint16_t low;
        uint32_t token;
    } cases[] = {
        {0, 1, 0x06000001},
        {0xf000, 0xffff, 0x06000fff},
        {0xffff, 0xffff, 0x06ffffff},
        {1, 0, 0x06001000},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct method method;

        assert_int_equal(craft(&crafted, CRAFTED_10), 0);
        crafted.chunk.token = cases[i].high;
        crafted.chunk.methods[1].token = cases[i].low;
        assert_int_equal(read_second(&method), 0);
        assert_int_equal(method.token, cases[i].token);
    }
}

static void at_run_time(void **state)
{
    struct method method;

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    crafted.chunk.methods[1].flags = CRAFTED_DYNAMIC;
    assert_int_equal(read_second(&method), 0);
    assert_int_equal(method.token, 0);
    assert_string_equal(method.name, "IL_STUB_PInvoke");
    crafted.name[0] = 0;
    assert_int_equal(read_second(&method), -ENOENT);
    crafted.chunk.methods[1].name = 0;
    assert_int_equal(read_second(&method), -EINVAL);
}

static void nameless(void **state)
{
    struct method method;

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    crafted.chunk.methods[1].flags = 4;
    assert_int_equal(read_second(&method), -ENOENT);
    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    crafted.chunk.token = crafted.chunk.methods[1].token = 0;
    assert_int_equal(read_second(&method), -ENOENT);
    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    crafted.table.flags = 0x800a0008;
    assert_int_equal(read_second(&method), -ENOENT);
}

static void nonsense(void **state)
{
    static const uint64_t addresses[] = {0, 8, 1 << 16, MEMORY_TOP - 8, MEMORY_TOP, UINT64_MAX - 7};
    struct method method;

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
        assert_true(method_read(&crafted.view, addresses[i], &method, NULL) < 0);
    assert_int_equal(
        method_read(&crafted.view, address_of(&crafted.chunk.methods[1]) + 1, &method, NULL),
        -EBADMSG);
    crafted.chunk.methods[1].index = 0;
    assert_true(read_second(&method) < 0);
    crafted.chunk.methods[1].index = sizeof(struct crafted_method) / 8;
    crafted.class.method_table = 0;
    assert_int_equal(read_second(&method), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_token), cmocka_unit_test(parts),    cmocka_unit_test(at_run_time),
        cmocka_unit_test(nameless), cmocka_unit_test(nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
