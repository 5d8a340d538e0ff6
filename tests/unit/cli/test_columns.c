/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "columns.h"
#include "util/cleanup.h"

static const struct column columns[] = {
    {"ID", .width = 3},
    {"NAME", .width = 6, .least = 2, .most = 9},
    {"LEVEL", .width = 5, .rank = 1},
    {"MORE", .width = 4, .rank = 2, .most = 6},
    {"END", .width = 3},
};

static void fits(void **state)
{
    static const struct {
        unsigned room;
        unsigned widths[ARRAY_SIZE(columns)];
    } rows[] = {
        {25, {3, 6, 5, 4, 3}}, {26, {3, 7, 5, 4, 3}}, {28, {3, 9, 5, 4, 3}}, {30, {3, 9, 5, 6, 3}},
        {99, {3, 9, 5, 6, 3}}, {24, {3, 9, 5, 0, 3}}, {20, {3, 6, 5, 0, 3}}, {19, {3, 9, 0, 0, 3}},
        {14, {3, 6, 0, 0, 3}}, {13, {3, 5, 0, 0, 3}}, {10, {3, 2, 0, 0, 3}}, {1, {3, 2, 0, 0, 3}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned widths[ARRAY_SIZE(columns)];

        columns_fit(columns, ARRAY_SIZE(columns), rows[i].room, widths);
        assert_memory_equal(widths, rows[i].widths, sizeof(widths));
    }
}

static void formats(void **state)
{
    const unsigned widths[] = {3, 4, 0, 0, 3};
    char line[COLUMNS_LINE];

    columns_format(columns, widths, ARRAY_SIZE(columns), NULL, line);
    assert_string_equal(line, "ID  NAME END");
    columns_format(columns, widths, ARRAY_SIZE(columns),
                   (const char *const[]){"12345", "\xc3\xa4\xc3\xb6\xe2\x82\xac", "x", "y", ""},
                   line);
    assert_string_equal(line, "123 \xc3\xa4\xc3\xb6\xe2\x82\xac     ");
}

static void never_too_long(void **state)
{
    const struct column wide[] = {{"A", .width = COLUMNS_LINE}, {"B", .width = COLUMNS_LINE}};
    const unsigned widths[] = {COLUMNS_LINE, COLUMNS_LINE};
    char line[COLUMNS_LINE];

    columns_format(wide, widths, 2, NULL, line);
    assert_int_equal(strlen(line), COLUMNS_LINE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits),
        cmocka_unit_test(formats),
        cmocka_unit_test(never_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
