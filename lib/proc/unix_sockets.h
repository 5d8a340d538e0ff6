/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/diagnostic_ports.h"
#include "util/reason.h"

#define UNIX_SOCKETS_MAX (256 * 1024)

/* A stream socket, connected or listening. An accepted one has the name of its listener. */
struct unix_socket {
    uint64_t inode;
    uint64_t peer; /* inode of the other end; 0: none, or it has been closed */
    bool listening;
    uint32_t unread; /* what it has sent and the other end has not read: memory of the kernel's */
    char name[UNIX_SOCKET_NAME_MAX]; /* path it was bound to; abstract: '@' for its first byte */
};

/* Those of one network namespace, sorted by inode once unix_sockets_read() has filled them in. */
struct unix_sockets {
    struct unix_socket *entries;
    size_t count;
    size_t room;
};

/*
 * Takes in the messages of one datagram of the kernel's answer (unix_diag, see sock_diag(7)): 1 at
 * the end of the answer, 0 if more is to come. -EBADMSG for a message that does not fit, -E2BIG for
 * more than UNIX_SOCKETS_MAX, -ENOMEM, or the error that the kernel answered.
 */
_must_check_ int unix_sockets_parse(const void *datagram, size_t length, struct unix_sockets *to);

/*
 * Asks the kernel for the sockets of the network namespace that the descriptor stands for
 * (/proc/PID/ns/net), -1 for our own. Another one needs CAP_SYS_ADMIN: -EPERM.
 */
_must_check_ int unix_sockets_read(int network, struct unix_sockets *out, struct reason *why);

/* Frees what @sockets holds and empties it; accepts an empty one. */
void unix_sockets_close(struct unix_sockets *sockets);

/* By inode; NULL: none. */
const struct unix_socket *unix_sockets_find(const struct unix_sockets *sockets, uint64_t inode);
