/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/client.h"

/* Asking clrmond, as the verbs do it. */

/* Borrows @item. Not 0: that is enough. */
typedef int ask_taker(void *context, json_t *item);

struct ask {
    struct control_request request;
    int deadline_ms; /* for each step; one who follows waits for events as long as it takes */
    ask_taker *take;
    void *context;
    void (*dropped)(void *context, uint64_t count); /* NULL: it doesn't matter where */
    uint64_t missing;                               /* out: items that were dropped */
};

#define ASK_DEADLINE_MS 10000

/*
 * 0 at the end of the answer or when the taker has had enough, or when nobody reads what we print;
 * else negative with a reason.
 */
_must_check_ int ask_daemon(struct ask *ask, struct reason *why);
