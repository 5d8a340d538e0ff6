/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#define WAIT_LINE_MAX 512
#define WAIT_LINE_HEAD                                                                             \
    "TIME               PID NAME         THREAD           WAITED LOCK           OWNER"

/*
 * A wait that is over, as clrmond tells those who follow (contention_wait_json()), as one line of
 * text. Times are as in event_line().
 */
void wait_line(const json_t *wait, int64_t now_us, char line[static WAIT_LINE_MAX]);
