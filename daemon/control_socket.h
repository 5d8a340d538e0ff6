/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "util/reason.h"

/* The socket that is listened on, and who may ask. */

#define NO_GROUP ((gid_t)-1)

struct control_socket {
    int fd;                                                 /* non-blocking */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* made by us; "": inherited */
    bool shared; /* the group may use it, or systemd has seen to that */
    dev_t device;
    ino_t inode;
};

/* NO_GROUP for one that does not exist. */
gid_t control_group(const char *name);

/*
 * The one that systemd has handed over by the name "control", else one at @path, of mode 0660 and
 * @group, or 0600 where that can't be given to it. A file there goes only if it is a socket that
 * nobody listens on; its folder is made. -EADDRINUSE, -EEXIST, ... with the reason.
 */
_must_check_ int control_socket_open(struct control_socket *out, const char *path, gid_t group,
                                     struct reason *why);

/* Removes the file too if it is still the one we made. May be called again, and on {.fd = -1}. */
void control_socket_close(struct control_socket *socket);

/* Is the peer of @fd root, ourselves, or in @group? */
bool control_peer_may_ask(int fd, gid_t group);

/* Is it root, or ourselves? */
bool control_peer_may_switch(int fd);
