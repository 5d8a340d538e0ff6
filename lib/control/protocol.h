/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/reason.h"

/*
 * What clrmon and clrmond say to each other over a SOCK_SEQPACKET socket: one JSON object a packet.
 *
 *   {"version": 1, "verb": "status" | "check" | "events" | "history" | "contention" | "probes",
 *    "pid": N, "since_us": N, "until_us": N, "limit": N, "follow": true,
 *    "top": N, "bare": true, "min_wait_ns": N, "family": "contention", "on": false}
 *
 * All but version and verb may be missing; which of them a verb takes is in the table in
 * protocol.c. Times are microseconds of CLOCK_REALTIME. The answer is any number of the first and
 * the second, then one of the others; to one who follows it has no end:
 *
 *   {"version": 1, "type": "item", "item": {...}}
 *   {"version": 1, "type": "dropped", "count": N}      so many items are missing here
 *   {"version": 1, "type": "end"}
 *   {"version": 1, "type": "error", "reason": "..."}
 *
 * One thing that can be asked changes something: "probes" with a family switches its probes "on" or
 * off, of one process or as a whole, until it is switched again or the daemon ends. Only root and
 * the daemon's own user may; the others who may ask get the list. All else only reads.
 */

#define CONTROL_VERSION     1
#define CONTROL_SOCKET      "/run/clrmon/control.sock"
#define CONTROL_REQUEST_MAX 4096
#define CONTROL_ANSWER_MAX  131072
#define CONTROL_FAMILY_MAX  32
#define CONTROL_TOP_MAX     256

enum control_verb {
    CONTROL_STATUS,     /* one item, "clrmon.status/1" */
    CONTROL_CHECK,      /* an item per process, as "clrmon.check/1" has it */
    CONTROL_EVENTS,     /* an item per event, "clrmon.event/1" */
    CONTROL_HISTORY,    /* the same, but never followed */
    CONTROL_CONTENTION, /* items per process, contention_part(), in order of pid; followed: an item
                           per wait, contention_wait_json() of the daemon */
    CONTROL_PROBES,     /* an item per family: {"family", "on", "fixed", "why", "off_pids"} */
    CONTROL_VERB_MAX,
};

struct control_request {
    enum control_verb verb;
    pid_t pid;        /* 0: every process */
    int64_t since_us; /* 0: from the beginning; to one who follows: from now on */
    int64_t until_us; /* 0: no end */
    uint64_t limit;   /* so many items, the oldest first; 0: all */
    bool follow;
    unsigned top;         /* so many lines a list; 0: as many as the daemon thinks fit */
    bool bare;            /* no stacks' frames and no types: what an interval begins with */
    uint64_t min_wait_ns; /* followed: waits that are as long; 0: as is configured */
    char family[CONTROL_FAMILY_MAX]; /* of probes, to be switched; "": none is */
    bool on;
};

enum control_type {
    CONTROL_ITEM,
    CONTROL_DROPPED,
    CONTROL_END,
    CONTROL_ERROR,
    CONTROL_TYPE_MAX,
};

struct control_answer {
    enum control_type type;
    json_t *item;         /* CONTROL_ITEM: owned by whoever has the answer */
    uint64_t count;       /* CONTROL_DROPPED */
    struct reason reason; /* CONTROL_ERROR */
};

const char *control_verb_name(enum control_verb verb);

/*
 * Out of @size bytes that nobody vouches for. -EMSGSIZE, -EBADMSG for what is no JSON object,
 * -EPROTO for another version, -EINVAL for a field that is unknown, not of this verb, or out of
 * range. The reason never repeats what was sent. @out is untouched on failure.
 */
_must_check_ int control_request_parse(const void *bytes, size_t size, struct control_request *out,
                                       struct reason *why);

/* -EMSGSIZE, -EBADMSG or -EPROTO. @out is untouched on failure. */
_must_check_ int control_answer_parse(const void *bytes, size_t size, struct control_answer *out,
                                      struct reason *why);

/*
 * One packet, to be freed; its length is in @size. NULL: no memory, or it would be longer than may
 * be, and then @size says how long. Borrows @answer's item.
 */
char *control_request_format(const struct control_request *request, size_t *size);
char *control_answer_format(const struct control_answer *answer, size_t *size);
