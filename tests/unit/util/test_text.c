/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "util/cleanup.h"
#include "util/reason.h"
#include "util/text.h"

static void printable(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } table[] = {
        {"", ""},
        {"dotnet app.dll", "dotnet app.dll"},
        {"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80",
         "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\nb\tc\033[31m\x7f", "a?b?c?[31m?"},
        {"\xc2\x9b"
         "31m",
         "??31m"},                           /* C1: CSI in UTF-8 */
        {"cut \xe2\x82", "cut ??"},          /* by comm's 15 bytes */
        {"\xc0\xaf \xe0\x80\xaf", "?? ???"}, /* overlong */
        {"\xed\xa0\x80", "???"},             /* surrogate */
        {"\xf4\x90\x80\x80 \xff", "???? ?"}, /* beyond U+10FFFF */
        {"\x80", "?"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char text[64];

        text_copy(text, sizeof(text), table[i].text);
        text_printable(text);
        assert_string_equal(text, table[i].expected);
    }
}

static void from_utf16(void **state)
{
    static const struct {
        uint16_t units[8];
        size_t count;
        size_t size;
        const char *expected;
    } table[] = {
        {{'D', 'o', 't'}, 3, 16, "Dot"},
        {{0xe9, 0x20ac}, 2, 16, "\xc3\xa9\xe2\x82\xac"},
        {{0xd83d, 0xde00}, 2, 16, "\xf0\x9f\x98\x80"},
        {{0xd83d}, 1, 16, "\xef\xbf\xbd"},
        {{0xd83d, 'x'}, 2, 16, "\xef\xbf\xbdx"},
        {{0xde00, 0xd83d}, 2, 16, "\xef\xbf\xbd\xef\xbf\xbd"},
        {{'a', 'b', 'c'}, 3, 3, "ab"},
        {{'a', 0x20ac}, 2, 4, "a"},
        {{'a'}, 1, 1, ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char text[16];
        size_t length = text_from_utf16(table[i].units, table[i].count, text, table[i].size);

        assert_string_equal(text, table[i].expected);
        assert_int_equal(length, strlen(text));
    }
    assert_int_equal(text_from_utf16(table[0].units, 3, NULL, 0), 0);
}

static void ends(void **state)
{
    assert_true(text_starts_with(".NET Server GC", ".NET "));
    assert_false(text_starts_with(".NE", ".NET "));
    assert_true(text_ends_with("app.dll", ".dll"));
    assert_false(text_ends_with("dll", ".dll"));
    assert_string_equal(text_file_name("/a/b.so"), "b.so");
    assert_string_equal(text_file_name("b.so"), "b.so");
    assert_string_equal(text_file_name("/a/"), "");
}

/* Too long a reason ends before a character of which there is not the whole. */
static void reasons(void **state)
{
    struct reason why;
    char text[sizeof(why.text) + 8];

    assert_int_equal(reason_set(NULL, -EIO, "%s", "nobody asks"), -EIO);
    assert_int_equal(reason_set(&why, -EPERM, "%s: %d", "na\xc3\xafve", 1), -EPERM);
    assert_string_equal(why.text, "na\xc3\xafve: 1");
    for (size_t before = sizeof(why.text) - 6; before < sizeof(why.text); before++) {
        memset(text, 'a', before);
        strcpy(text + before, "\xe2\x82\xac\xe2\x82\xac");
        reason_set(&why, 0, "%s", text);
        strcpy(text, why.text);
        text_printable(text);
        assert_string_equal(text, why.text);
        assert_in_range(strlen(text), before < sizeof(why.text) - 4 ? before : sizeof(why.text) - 4,
                        sizeof(why.text) - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable),
        cmocka_unit_test(from_utf16),
        cmocka_unit_test(ends),
        cmocka_unit_test(reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
