/* SPDX-License-Identifier: Apache-2.0 */
#include "wait_queue.h"

#include <errno.h>
#include <string.h>

#include "util/clock.h"

#define AGAIN_US UINT64_C(20000)
#define HELD_NS  (2000 * NS_PER_MS)

struct held {
    struct abi_wait wait;
    uint64_t until; /* CLOCK_MONOTONIC, ns */
};

struct wait_queue {
    struct wait_queue_listener listener;
    sd_event_source *timer;
    size_t count;
    struct held items[WAIT_QUEUE_MAX];
};

static void tell_first(struct wait_queue *queue, size_t count)
{
    for (size_t i = 0; i < count; i++)
        queue->listener.tell(queue->listener.context, &queue->items[i].wait);
    queue->count -= count;
    memmove(queue->items, queue->items + count, queue->count * sizeof(*queue->items));
}

static void tell_ready(struct wait_queue *queue)
{
    uint64_t now = clock_monotonic_ns();
    size_t ready = 0;

    while (ready < queue->count &&
           (now >= queue->items[ready].until ||
            queue->listener.is_ready(queue->listener.context, &queue->items[ready].wait)))
        ready++;
    tell_first(queue, ready);
    if (!queue->count)
        return;
    sd_event_source_set_time_relative(queue->timer, AGAIN_US);
    sd_event_source_set_enabled(queue->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t time, void *context)
{
    tell_ready(context);
    return 0;
}

int wait_queue_new(struct wait_queue **out, sd_event *loop,
                   const struct wait_queue_listener *listener)
{
    struct wait_queue *queue = calloc(1, sizeof(*queue));
    int r = queue ? sd_event_add_time_relative(loop, &queue->timer, CLOCK_MONOTONIC, AGAIN_US, 0,
                                               on_timer, queue)
                  : -ENOMEM;

    if (r < 0) {
        free(queue);
        return r;
    }
    queue->listener = *listener;
    *out = queue;
    return 0;
}

void wait_queue_free(struct wait_queue **queue)
{
    if (!*queue)
        return;
    sd_event_source_disable_unref((*queue)->timer);
    free(*queue);
    *queue = NULL;
}

void wait_queue_add(struct wait_queue *queue, const struct abi_wait *wait)
{
    if (queue->count == WAIT_QUEUE_MAX)
        tell_first(queue, WAIT_QUEUE_MAX / 2);
    queue->items[queue->count++] =
        (struct held){.wait = *wait, .until = clock_monotonic_ns() + HELD_NS};
    if (queue->count == 1)
        tell_ready(queue);
}

void wait_queue_hurry(struct wait_queue *queue, uint32_t pid)
{
    size_t kept = 0;

    for (size_t i = 0; i < queue->count; i++)
        if (queue->items[i].wait.pid == pid)
            queue->listener.tell(queue->listener.context, &queue->items[i].wait);
        else
            queue->items[kept++] = queue->items[i];
    queue->count = kept;
}
