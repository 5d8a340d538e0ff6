/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/reason.h"

#define SOCKET_OWNERS_MAX (1u << 20)

/* Which process has a socket open, from one walk over /proc/PID/fd of all processes. */
struct socket_owner {
    uint64_t inode;
    pid_t pid; /* of several, the lowest */
};

struct socket_owners {
    struct socket_owner *entries; /* sorted by inode, then pid */
    size_t count;
    size_t room;
    unsigned hidden; /* processes whose descriptors we may not see */
};

/* -E2BIG for more than SOCKET_OWNERS_MAX, -ENOMEM, or that of opening /proc; @out is empty then. */
_must_check_ int socket_owners_read(struct socket_owners *out, struct reason *why);

/* Frees what @owners holds and empties it; accepts an empty one. */
void socket_owners_close(struct socket_owners *owners);

/* The process that has the socket open; 0: none that we can see. */
pid_t socket_owners_find(const struct socket_owners *owners, uint64_t inode);

/* The inode in the text of a link in /proc/PID/fd, "socket:[123]"; 0: it is no socket. */
uint64_t socket_owners_parse_link(const char *text);
