/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "util/number.h"

struct row {
    const char *text;
    uint64_t most;
    int result;
    uint64_t expected;
};

static void check(int (*parse)(const char *, uint64_t, uint64_t *), const struct row *rows,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t number = 77;

        if (parse(rows[i].text, rows[i].most, &number) != rows[i].result ||
            number != (rows[i].result < 0 ? 77 : rows[i].expected))
            fail_msg("'%s': %llu", rows[i].text, (unsigned long long)number);
    }
}

static void decimal(void **state)
{
    static const struct row rows[] = {
        {"0", UINT64_MAX, 0, 0},
        {"42", UINT64_MAX, 0, 42},
        {"0042", 42, 0, 42},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, -ERANGE, 0},
        {"99999999999999999999999999", UINT64_MAX, -ERANGE, 0},
        {"43", 42, -ERANGE, 0},
        {"1", 0, -ERANGE, 0},
        {"0", 0, 0, 0},
        {"", UINT64_MAX, -EINVAL, 0},
        {" 1", UINT64_MAX, -EINVAL, 0},
        {"1 ", UINT64_MAX, -EINVAL, 0},
        {"+1", UINT64_MAX, -EINVAL, 0},
        {"-1", UINT64_MAX, -EINVAL, 0},
        {"1a", UINT64_MAX, -EINVAL, 0},
        {"0x10", UINT64_MAX, -EINVAL, 0},
        {"1.5", UINT64_MAX, -EINVAL, 0},
        {"\xc2\xb2", UINT64_MAX, -EINVAL, 0},
    };

    check(number_decimal, rows, ARRAY_SIZE(rows));
}

static void hex(void **state)
{
    static const struct row rows[] = {
        {"0", UINT64_MAX, 0, 0},
        {"0x0", UINT64_MAX, 0, 0},
        {"ff", UINT64_MAX, 0, 255},
        {"0XfF", UINT64_MAX, 0, 255},
        {"0xffffffffffffffff", UINT64_MAX, 0, UINT64_MAX},
        {"0x10000000000000000", UINT64_MAX, -ERANGE, 0},
        {"100", 255, -ERANGE, 0},
        {"", UINT64_MAX, -EINVAL, 0},
        {"0x", UINT64_MAX, -EINVAL, 0},
        {"x1", UINT64_MAX, -EINVAL, 0},
        {"0x0x1", UINT64_MAX, -EINVAL, 0},
        {"-1", UINT64_MAX, -EINVAL, 0},
        {"1g", UINT64_MAX, -EINVAL, 0},
        {"1 ", UINT64_MAX, -EINVAL, 0},
    };

    check(number_hex, rows, ARRAY_SIZE(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(decimal), cmocka_unit_test(hex)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
