/* SPDX-License-Identifier: Apache-2.0 */
#include "moment.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/number.h"

#define MICROSECONDS INT64_C(1000000)
#define DAY          86400
#define NANOSECONDS  UINT64_C(1000000000)

static const struct {
    char letter;
    unsigned seconds;
} units[] = {{'d', DAY}, {'h', 3600}, {'m', 60}, {'s', 1}};

static unsigned unit_of(char letter)
{
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (units[i].letter == letter)
            return units[i].seconds;
    return 0;
}

/* The digits at *@text, which moves on behind them. */
static int take_digits(const char **text, uint64_t *out)
{
    size_t length = strspn(*text, "0123456789");
    char digits[16];

    if (length == 0 || length >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, *text, length);
    digits[length] = 0;
    *text += length;
    return number_decimal(digits, DURATION_SECONDS_MAX, out);
}

/* "1h30m": units in falling order. */
static int parse_units(const char *text, uint64_t *seconds)
{
    unsigned last = 2 * DAY;
    uint64_t sum = 0;

    while (*text) {
        uint64_t number;
        unsigned unit;
        int r = take_digits(&text, &number);

        unit = unit_of(*text);
        if (r < 0 || !unit || unit >= last)
            return r < 0 ? r : -EINVAL;
        sum += number * unit;
        last = unit;
        text++;
    }
    *seconds = sum;
    return 0;
}

static int parse_colons(const char *text, uint64_t *seconds)
{
    static const unsigned most[] = {36500, 23, 59, 59};
    uint64_t sum = 0;

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        uint64_t number;

        if (take_digits(&text, &number) < 0 || number > most[i] ||
            *text != (i + 1 < ARRAY_SIZE(units) ? ':' : 0))
            return -EINVAL;
        sum += number * units[i].seconds;
        text += *text == ':';
    }
    *seconds = sum;
    return 0;
}

int duration_parse(const char *text, uint64_t *seconds)
{
    uint64_t sum = 0;
    int r;

    if (!*text)
        return -EINVAL;
    if (strchr(text, ':'))
        r = parse_colons(text, &sum);
    else if (text[strspn(text, "0123456789")] == 0)
        r = number_decimal(text, DURATION_SECONDS_MAX, &sum);
    else
        r = parse_units(text, &sum);
    if (r == 0 && sum > DURATION_SECONDS_MAX)
        r = -ERANGE;
    if (r == 0)
        *seconds = sum;
    return r;
}

static const struct {
    const char *name;
    uint64_t ns;
} fine_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", NANOSECONDS},
    {"m", 60 * NANOSECONDS},
    {"h", 3600 * NANOSECONDS},
    {"d", DAY *NANOSECONDS},
    {"", NANOSECONDS},
};

/* 0: none. */
static uint64_t fine_unit_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(fine_units); i++)
        if (strcmp(fine_units[i].name, name) == 0)
            return fine_units[i].ns;
    return 0;
}

/* One number with its unit, and with a fraction if it has one. */
static int parse_fine(const char *text, uint64_t *ns)
{
    uint64_t whole, fraction = 0, parts = 1, unit;
    int r = take_digits(&text, &whole);

    if (r < 0)
        return r;
    if (*text == '.') {
        const char *digits = ++text;

        if (take_digits(&text, &fraction) < 0 || text - digits > 9)
            return -EINVAL;
        for (; digits < text; digits++)
            parts *= 10;
    }
    unit = fine_unit_of(text);
    if (!unit)
        return -EINVAL;
    if (whole > DURATION_SECONDS_MAX * NANOSECONDS / unit)
        return -ERANGE;
    *ns = whole * unit + (uint64_t)((double)fraction / (double)parts * (double)unit);
    return 0;
}

int duration_parse_ns(const char *text, uint64_t *ns)
{
    uint64_t seconds;
    int r = parse_fine(text, ns);

    if (r != -EINVAL)
        return r;
    r = duration_parse(text, &seconds);
    if (r == 0)
        *ns = seconds * NANOSECONDS;
    return r;
}

/* From 60 s on as duration_format(). */
void duration_format_ns(uint64_t ns, char text[static DURATION_TEXT_MAX])
{
    size_t i = 0;
    double value;

    if (ns >= 60 * NANOSECONDS)
        return duration_format(ns / NANOSECONDS, text);
    while (i < 3 && ns >= fine_units[i + 1].ns)
        i++;
    value = (double)ns / (double)fine_units[i].ns;
    snprintf(text, DURATION_TEXT_MAX, "%.*f%s", i && value < 9.95 ? 1 : 0, value,
             fine_units[i].name);
}

void bound_format(uint64_t ns, char text[static DURATION_TEXT_MAX + 1])
{
    strcpy(text, ns == UINT64_MAX ? ">18m" : "<");
    if (ns < UINT64_MAX)
        duration_format_ns(ns, text + 1);
}

void duration_format(uint64_t seconds, char text[static DURATION_TEXT_MAX])
{
    if (seconds > DURATION_SECONDS_MAX)
        seconds = DURATION_SECONDS_MAX;
    for (size_t i = 0; i + 1 < ARRAY_SIZE(units); i++)
        if (seconds >= units[i].seconds) {
            snprintf(text, DURATION_TEXT_MAX, "%u%c%02u%c", (unsigned)(seconds / units[i].seconds),
                     units[i].letter, (unsigned)(seconds % units[i].seconds / units[i + 1].seconds),
                     units[i + 1].letter);
            return;
        }
    snprintf(text, DURATION_TEXT_MAX, "%us", (unsigned)seconds);
}

static bool parse_whole(const char *text, const char *format, struct tm *out)
{
    struct tm parsed = {.tm_isdst = -1};
    const char *end = strptime(text, format, &parsed);

    if (!end || *end)
        return false;
    *out = parsed;
    return true;
}

/* ".123456" at *@text, which moves on. */
static int64_t take_fraction(const char **text)
{
    int64_t fraction = 0, unit = MICROSECONDS / 10;

    if (**text != '.')
        return 0;
    for (++*text; isdigit((unsigned char)**text); ++*text, unit /= 10)
        fraction += (**text - '0') * unit;
    return fraction;
}

static int parse_rfc3339(const char *text, int64_t *moment_us)
{
    struct tm date = {.tm_isdst = -1};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &date);
    int64_t fraction, seconds;
    unsigned hours = 0, minutes = 0;
    char sign = 0, end = 0;

    if (!rest)
        return -EINVAL;
    fraction = take_fraction(&rest);
    if (*rest == 0)
        seconds = mktime(&date);
    else if (strcmp(rest, "Z") == 0)
        seconds = timegm(&date);
    else if (sscanf(rest, "%c%2u:%2u%c", &sign, &hours, &minutes, &end) == 3 &&
             (sign == '+' || sign == '-') && hours < 24 && minutes < 60)
        seconds = timegm(&date) - (sign == '+' ? 1 : -1) * (int64_t)(hours * 3600 + minutes * 60);
    else
        return -EINVAL;
    *moment_us = seconds * MICROSECONDS + fraction;
    return 0;
}

/* A time of day: of today, or of yesterday if it is still to come. */
static int64_t latest(const struct tm *time_of_day, int64_t now_us)
{
    time_t now = now_us / MICROSECONDS;
    struct tm date;
    time_t moment;

    localtime_r(&now, &date);
    date.tm_hour = time_of_day->tm_hour;
    date.tm_min = time_of_day->tm_min;
    date.tm_sec = time_of_day->tm_sec;
    date.tm_isdst = -1;
    moment = mktime(&date);
    if (moment > now) {
        date.tm_mday--;
        date.tm_isdst = -1;
        moment = mktime(&date);
    }
    return moment * MICROSECONDS;
}

int moment_parse(const char *text, int64_t now_us, int64_t *moment_us)
{
    static const char *const days[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"};
    static const char *const times[] = {"%H:%M", "%H:%M:%S"};
    uint64_t seconds;
    struct tm date;

    if (duration_parse(text, &seconds) == 0) {
        *moment_us = now_us - (int64_t)seconds * MICROSECONDS;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(days); i++)
        if (parse_whole(text, days[i], &date)) {
            *moment_us = mktime(&date) * MICROSECONDS;
            return 0;
        }
    for (size_t i = 0; i < ARRAY_SIZE(times); i++)
        if (parse_whole(text, times[i], &date)) {
            *moment_us = latest(&date, now_us);
            return 0;
        }
    return parse_rfc3339(text, moment_us);
}

int64_t moment_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * MICROSECONDS + now.tv_nsec / 1000;
}
