/* SPDX-License-Identifier: Apache-2.0 */
#include "control/queue.h"

struct packet *packet_new(const struct control_answer *answer, uint64_t id)
{
    struct packet *packet = malloc(sizeof(*packet));

    if (!packet)
        return NULL;
    *packet = (struct packet){.references = 1, .id = id};
    packet->text = control_answer_format(answer, &packet->size);
    if (!packet->text)
        packet_release(&packet);
    return packet;
}

struct packet *packet_take(struct packet *packet)
{
    packet->references++;
    return packet;
}

void packet_release(struct packet **packet)
{
    struct packet *held = TAKE_PTR(*packet);

    if (!held || --held->references > 0)
        return;
    free(held->text);
    free(held);
}

bool queue_has_room(const struct queue *queue, size_t size)
{
    return queue->count < QUEUE_PACKETS_MAX && queue->bytes + size <= QUEUE_BYTES_MAX;
}

bool queue_push(struct queue *queue, struct packet *packet)
{
    if (!queue_has_room(queue, packet->size))
        return false;
    queue->packets[(queue->first + queue->count) % QUEUE_PACKETS_MAX] = packet;
    queue->count++;
    queue->bytes += packet->size;
    return true;
}

struct packet *queue_peek(const struct queue *queue)
{
    return queue->count ? queue->packets[queue->first] : NULL;
}

struct packet *queue_pop(struct queue *queue)
{
    struct packet *packet = queue_peek(queue);

    if (!packet)
        return NULL;
    queue->first = (queue->first + 1) % QUEUE_PACKETS_MAX;
    queue->count--;
    queue->bytes -= packet->size;
    return packet;
}

void queue_clear(struct queue *queue)
{
    struct packet *packet;

    while ((packet = queue_pop(queue)))
        packet_release(&packet);
}
