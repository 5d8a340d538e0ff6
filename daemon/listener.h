/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "util/reason.h"

/* A TCP socket that listens: non-blocking, closed on exec. */

#define LISTENER_TEXT_MAX 64

/*
 * "127.0.0.1:9464" or "[::1]:9464"; port 0 for any that is free. No names. -EINVAL for what is no
 * such address, -EADDRINUSE, -EADDRNOTAVAIL, -EACCES and others, with the reason.
 */
_must_check_ int listener_open(const char *text, int *out, struct reason *why);

/* Is @fd, which somebody else has opened, one that can be used as such? It is made non-blocking. */
_must_check_ int listener_inherit(int fd, struct reason *why);

/* Where it listens: "127.0.0.1:39211"; "?" if that is no internet address. */
void listener_address(int fd, char text[static LISTENER_TEXT_MAX]);
