/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "moment.h"

#define NOW INT64_C(1795501800000000) /* 2026-11-24T06:30:00Z */

static void durations(void **state)
{
    static const struct {
        const char *text;
        int error;
        uint64_t seconds;
    } rows[] = {
        {"10s", 0, 10},
        {"5m", 0, 300},
        {"2h", 0, 7200},
        {"1d", 0, 86400},
        {"1h30m", 0, 5400},
        {"1d2h3m4s", 0, 93784},
        {"90", 0, 90},
        {"0", 0, 0},
        {"00:00:05:00", 0, 300},
        {"01:02:03:04", 0, 93784},
        {"3155760000", 0, 3155760000},
        {"3155760001", -ERANGE, 0},
        {"99999999999999999999", -ERANGE, 0},
        {"36525d1s", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"10x", -EINVAL, 0},
        {"10s5m", -EINVAL, 0},
        {"1h1h", -EINVAL, 0},
        {"1h30", -EINVAL, 0},
        {"-5", -EINVAL, 0},
        {"+5", -EINVAL, 0},
        {" 5", -EINVAL, 0},
        {"5 ", -EINVAL, 0},
        {"1.5h", -EINVAL, 0},
        {"06:30", -EINVAL, 0},
        {"06:30:00", -EINVAL, 0},
        {"00:24:00:00", -EINVAL, 0},
        {"00:00:00:00:00", -EINVAL, 0},
        {"00:00:00:", -EINVAL, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t seconds = 4711;

        assert_int_equal(duration_parse(rows[i].text, &seconds), rows[i].error);
        assert_int_equal(seconds, rows[i].error ? 4711 : rows[i].seconds);
    }
}

static void formats(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } rows[] = {
        {0, "0s"},        {59, "59s"},       {60, "1m00s"},
        {3599, "59m59s"}, {3600, "1h00m"},   {86399, "23h59m"},
        {86400, "1d00h"}, {187200, "2d04h"}, {UINT64_MAX, "36525d00h"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[DURATION_TEXT_MAX];

        duration_format(rows[i].seconds, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void moments(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* after NOW */
    } rows[] = {
        {"1h", -3600},
        {"90", -90},
        {"2026-11-24T06:30:00Z", 0},
        {"2026-11-24T06:30:01.5Z", 1},
        {"2026-11-24T06:30:01.123456789Z", 1},
        {"2026-11-24T07:30:00+01:00", 0},
        {"2026-11-24T01:00:00-05:30", 0},
        {"2026-11-24T08:30:00", 0}, /* local: two hours ahead */
        {"2026-11-24 08:31", 60},
        {"2026-11-24 08:30:05", 5},
        {"2026-11-24", -8 * 3600 - 1800},
        {"08:29", -60},
        {"08:30:00", 0},
        {"08:31", 60 - 86400}, /* still to come: that of yesterday */
    };

    setenv("TZ", "UTC-2", 1);
    tzset();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t moment = 0;

        assert_int_equal(moment_parse(rows[i].text, NOW, &moment), 0);
        assert_int_equal(moment / 1000000 - NOW / 1000000, rows[i].seconds);
    }
}

static void no_moments(void **state)
{
    static const char *const rows[] = {
        "",
        "yesterday",
        "2026-11-24T06:30",
        "2026-11-24T06:30:00Zx",
        "2026-11-24T06:30:00+1",
        "2026-11-24T06:30:00+99:00",
        "2026-13-24",
        "2026-11-24 25:00",
        "25:00",
        "06:30 ",
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t moment = 5;

        assert_int_equal(moment_parse(rows[i], NOW, &moment), -EINVAL);
        assert_int_equal(moment, 5);
    }
}

static void fine_durations(void **state)
{
    static const struct {
        const char *text;
        int error;
        uint64_t ns;
    } rows[] = {
        {"10ms", 0, 10000000},
        {"250us", 0, 250000},
        {"7ns", 0, 7},
        {"2s", 0, 2000000000},
        {"2", 0, 2000000000},
        {"0.5", 0, 500000000},
        {"1.25s", 0, 1250000000},
        {"1.5ms", 0, 1500000},
        {"0", 0, 0},
        {"1h30m", 0, 5400000000000},
        {"00:00:00:01", 0, 1000000000},
        {"3155760000", 0, 3155760000000000000},
        {"36526d", -ERANGE, 0},
        {"99999999999s", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"ms", -EINVAL, 0},
        {".5", -EINVAL, 0},
        {"1.", -EINVAL, 0},
        {"1.s", -EINVAL, 0},
        {"1.5.5", -EINVAL, 0},
        {"1.0123456789", -EINVAL, 0},
        {"10 ms", -EINVAL, 0},
        {"10MS", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"1s500ms", -EINVAL, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t ns = 4711;

        assert_int_equal(duration_parse_ns(rows[i].text, &ns), rows[i].error);
        assert_int_equal(ns, rows[i].error ? 4711 : rows[i].ns);
    }
}

static void fine_formats(void **state)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } rows[] = {
        {0, "0ns"},           {999, "999ns"},         {1000, "1.0us"},      {9940, "9.9us"},
        {9960, "10us"},       {1048576, "1.0ms"},     {123456789, "123ms"}, {1500000000, "1.5s"},
        {59000000000, "59s"}, {65000000000, "1m05s"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[DURATION_TEXT_MAX];

        duration_format_ns(rows[i].ns, text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),    cmocka_unit_test(formats), cmocka_unit_test(fine_durations),
        cmocka_unit_test(fine_formats), cmocka_unit_test(moments), cmocka_unit_test(no_moments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
