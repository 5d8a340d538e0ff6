/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control.h"
#include "control/queue.h"

/*
 * One client: its request, what is produced for it, what waits to be sent. Everything ends in one
 * place: whoever finds that a connection is over shuts it down, the loop reports the hang-up, and
 * the service's gone() frees it.
 */

struct connection;

/* What all connections share. */
struct control_service {
    sd_event *loop;
    const struct control_handlers *handlers;
    void *context;
    uint64_t drops; /* events that clients did not get */
    /* Frees the connection; called in the loop, never by a function below. */
    void (*gone)(void *server, struct connection *connection);
    void *server;
};

/* Takes over @fd, also on failure. */
_must_check_ int connection_new(struct connection **out, struct control_service *service, int fd);
void connection_free(struct connection **connection);

bool connection_follows(const struct connection *connection);

/* An event of process @pid, encoded once for all; borrowed. */
void connection_publish(struct connection *connection, struct packet *event, pid_t pid);

/* A quarter of the patience has passed: shuts it down after the fifth without a movement. */
void connection_tick(struct connection *connection);

/* Tells whoever is at @fd why not, and closes it. */
void connection_refuse(int fd, const char *reason);
