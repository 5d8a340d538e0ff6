/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "control/protocol.h"
#include "health.h"

/*
 * The control socket: answers requests (control/protocol.h) in the loop, and hands events to those
 * who follow. No client can delay the loop or fill the memory: 64 of them, one request at a time
 * each, 256 packets or 1 MiB wait for each; a query goes on when there is room again, a follower's
 * events are dropped, counted, and told as such; one that does not move for 30 s is disconnected.
 * Only root, ourselves and members of the group may ask; of them only root and ourselves may switch
 * probes, which is all that can be changed.
 */

#define CONTROL_CLIENTS_MAX 64

struct control;

struct control_setup {
    const char *path;     /* of the socket, where systemd hands over none that is named "control" */
    const char *group;    /* where there is none of that name: only root; see control_notice() */
    uint64_t patience_us; /* with one that does not move; 0: 30 s */
    uint64_t min_wait_ns; /* for one who follows waits and does not say how long they have to be */
};

/*
 * Where many items come from, one after the other, as the client reads them. That may take minutes:
 * a cursor must not hold what others wait for, such as a transaction.
 */
struct control_source {
    /* Negative errno with a reason for the client. */
    int (*open)(void *context, const struct control_request *request, void **cursor,
                struct reason *why);
    /* 1 and a new reference; 0: that was all so far, and it may be asked again; -EAGAIN: the next
     * one is not there yet, and it is asked again in a moment; or a negative errno and the
     * reason. */
    int (*next)(void *context, void *cursor, json_t **item, struct reason *why);
    void (*close)(void *context, void *cursor);
};

/* All of them are called in the loop, with the context. */
struct control_handlers {
    json_t *(*status)(void *context); /* "clrmon.status/1"; new reference */
    struct control_source check;      /* processes; the request may name one */
    /*
     * Events, the oldest first, by pid, since_us and until_us; the server sees to the limit. It
     * ends when each event published so far was given, or could not be stored.
     */
    struct control_source history;
    struct control_source contention; /* of processes; the request may name one */
    /* Families of probes. The request may switch one, which open() does; whoever asks may. */
    struct control_source probes;
    /* Single waits that last as long as @min_wait_ns are wanted from now on; UINT64_MAX: none. */
    void (*follow_waits)(void *context, uint64_t min_wait_ns);
};

/* @handlers is kept and must last. -EADDRINUSE where another one listens. */
_must_check_ int control_new(struct control **out, sd_event *loop,
                             const struct control_setup *setup,
                             const struct control_handlers *handlers, void *context,
                             struct reason *why);
void control_free(struct control **control);

/* What an administrator should be told once; "": nothing. */
const char *control_notice(const struct control *control);

/* Is there anybody to publish events to? */
bool control_is_followed(const struct control *control);

/* An event (event_json()) to those who follow it. Borrowed. */
void control_publish(struct control *control, json_t *event);

/* Does anybody follow waits of @wait_ns in process @pid? */
bool control_wants_wait(const struct control *control, pid_t pid, uint64_t wait_ns);

/* Such a wait to those who do; NULL: there was no memory for it, so it is dropped. Borrowed. */
void control_publish_wait(struct control *control, pid_t pid, uint64_t wait_ns, json_t *wait);

/* Fills clients and client_drops. */
void control_health(const struct control *control, struct health *health);
