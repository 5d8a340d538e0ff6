/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

/* The terminal of a live screen: taken over, and given back as it was. */

struct terminal {
    bool taken;
    bool has_keys; /* standard input is a terminal too, and read key by key */
    struct termios before;
};

/* The alternate screen, without a cursor and without echo; ^C and ^Z are still signals. */
void terminal_enter(struct terminal *terminal);
void terminal_leave(struct terminal *terminal); /* may be called again */

/* 80x24 where it doesn't say. */
void terminal_size(unsigned *columns, unsigned *lines);

/* All of @text to standard output. False: nobody is there any more. */
bool terminal_write(const char *text, size_t size);
