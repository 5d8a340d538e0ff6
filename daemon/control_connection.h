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
    uint64_t min_wait_ns; /* for a follower of waits who does not say */
    uint64_t drops;       /* events and waits that clients did not get */
    /* Frees the connection; called in the loop, never by a function below. */
    void (*gone)(void *server, struct connection *connection);
    /* A connection has had its turn, and may follow something else than before. */
    void (*turn)(void *server);
    void *server;
};

/* What is handed to followers: an event, or a wait (CONTROL_CONTENTION). */
struct publication {
    enum control_verb verb;
    pid_t pid; /* 0: of the daemon itself */
    uint64_t wait_ns;
};

/* Takes over @fd, also on failure. @may_switch: probes. */
_must_check_ int connection_new(struct connection **out, struct control_service *service, int fd,
                                bool may_switch);
void connection_free(struct connection **connection);

/* Does it follow events (CONTROL_EVENTS), or waits? */
bool connection_follows(const struct connection *connection, enum control_verb verb);

/* Does it follow that? */
bool connection_wants(const struct connection *connection, const struct publication *publication);

/* The least wait that it follows; UINT64_MAX: it follows none. */
uint64_t connection_min_wait_ns(const struct connection *connection);

/* @packet, encoded once for all and borrowed, if it wants that. */
void connection_publish(struct connection *connection, const struct publication *publication,
                        struct packet *packet);

/* A quarter of the patience has passed: shuts it down after the fifth without a movement. */
void connection_tick(struct connection *connection);

/* Tells whoever is at @fd why not, and closes it. */
void connection_refuse(int fd, const char *reason);
