/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/observation.h"
#include "state/providers.h"

/*
 * Provider by provider: what is on for EventPipe, and which session accounts for it. What no
 * session that stays asks for is stale: the runtime takes the union of the sessions when one opens,
 * not when one closes. Pure.
 */

#define ACCOUNT_MAX 128

struct provider_account {
    char name[SESSION_NAME_MAX];
    bool is_on;                 /* @effective could be read, and somebody gets it */
    struct event_set effective; /* what the runtime has on */
    struct event_set wanted;    /* what the sessions that stay ask for, together */
    uint64_t sessions;          /* bit per session that asks for it, by its index */
    bool is_unsure;             /* a session asks for more than was kept of it, maybe for this */
};

struct account {
    struct provider_account items[ACCOUNT_MAX]; /* the runtime's own first */
    size_t count;
    size_t more;     /* that did not fit */
    bool is_partial; /* of other providers than the runtime's own it's not known what is on */
};

/*
 * @providers: NULL when they could not be read. Then the contexts tell what the runtime's own have
 * on, and of the others it is only known what is wanted.
 */
void account_of(const struct observation *seen, const struct provider_states *providers,
                struct account *out);

/* Is more on than anybody who stays asks for, for sure? Between a session's begin and the
 * provider's own change milliseconds pass: it is stale when that lasts. */
bool account_is_stale(const struct provider_account *account);

/* What is on beyond what is wanted: the extra keywords, and the level if that is higher, else 0. */
struct event_set account_excess(const struct provider_account *account);
