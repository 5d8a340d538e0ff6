/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "clrmon_abi.h"
#include "util/cleanup.h"

/*
 * Single waits on their way to those who follow them. One whose names are still looked for is held,
 * and those behind it with it, for they are told in order; for two seconds at most, and of so many
 * at most: then it is told as it is.
 */

#define WAIT_QUEUE_MAX 4096

struct wait_queue;

struct wait_queue_listener {
    bool (*is_ready)(void *context,
                     const struct abi_wait *wait); /* its names are as they will be */
    void (*tell)(void *context, const struct abi_wait *wait);
    void *context;
};

_must_check_ int wait_queue_new(struct wait_queue **out, sd_event *loop,
                                const struct wait_queue_listener *listener);
void wait_queue_free(struct wait_queue **queue); /* without telling */

/* Told at once, or later. */
void wait_queue_add(struct wait_queue *queue, const struct abi_wait *wait);

/* @pid is about to go: its waits are told now. */
void wait_queue_hurry(struct wait_queue *queue, uint32_t pid);
