/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Alternate screen, cursor, wrapping at the right edge. */
#define TAKE      "\033[?1049h\033[?25l\033[?7l\033[2J"
#define GIVE_BACK "\033[0m\033[?7h\033[?25h\033[?1049l"

bool terminal_write(const char *text, size_t size)
{
    while (size) {
        ssize_t n = write(STDOUT_FILENO, text, size);

        if (n < 0 && errno == EAGAIN)
            (void)poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
        else if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            size -= (size_t)n;
        }
    }
    return true;
}

void terminal_enter(struct terminal *terminal)
{
    struct termios keys;

    terminal->taken = true;
    terminal->has_keys = tcgetattr(STDIN_FILENO, &terminal->before) == 0;
    if (terminal->has_keys) {
        keys = terminal->before;
        keys.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
        keys.c_cc[VMIN] = 1;
        keys.c_cc[VTIME] = 0;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    }
    (void)terminal_write(TAKE, strlen(TAKE));
}

void terminal_leave(struct terminal *terminal)
{
    if (!terminal->taken)
        return;
    terminal->taken = false;
    (void)terminal_write(GIVE_BACK, strlen(GIVE_BACK));
    if (terminal->has_keys)
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->before);
}

void terminal_size(unsigned *columns, unsigned *lines)
{
    struct winsize size;

    *columns = 80;
    *lines = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
        *columns = size.ws_col;
        *lines = size.ws_row;
    }
}
