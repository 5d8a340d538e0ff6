/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/protocol.h"

/*
 * Packets that wait for one client: bounded in number and in bytes. A packet that many get is
 * encoded and kept once. Single-threaded.
 */

#define QUEUE_PACKETS_MAX 256
#define QUEUE_BYTES_MAX   (1 << 20)

struct packet {
    unsigned references;
    uint64_t id; /* of the event in it; 0: none */
    size_t size;
    char *text;
};

struct queue {
    struct packet *packets[QUEUE_PACKETS_MAX]; /* a ring */
    size_t first;
    size_t count;
    size_t bytes;
};

/* NULL as in control_answer_format(): no memory, or too long. */
struct packet *packet_new(const struct control_answer *answer, uint64_t id);
struct packet *packet_take(struct packet *packet); /* one more reference */
void packet_release(struct packet **packet);

/* Room for one more packet of @size bytes. */
bool queue_has_room(const struct queue *queue, size_t size);

/* Takes over the reference. False, and then the packet is still the caller's: no room. */
_must_check_ bool queue_push(struct queue *queue, struct packet *packet);

/* The oldest, borrowed or handed over; NULL: empty. */
struct packet *queue_peek(const struct queue *queue);
struct packet *queue_pop(struct queue *queue);

void queue_clear(struct queue *queue);
