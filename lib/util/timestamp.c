/* SPDX-License-Identifier: Apache-2.0 */
#include "util/timestamp.h"

#include <stdio.h>
#include <time.h>

void timestamp_format(int64_t time_us, char text[static TIMESTAMP_TEXT_MAX])
{
    int64_t microseconds = time_us % 1000000;
    time_t seconds = time_us / 1000000;
    struct tm date;
    size_t length;

    if (microseconds < 0) {
        microseconds += 1000000;
        seconds--;
    }
    gmtime_r(&seconds, &date);
    length = strftime(text, TIMESTAMP_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &date);
    snprintf(text + length, TIMESTAMP_TEXT_MAX - length, ".%06dZ", (int)microseconds);
}
