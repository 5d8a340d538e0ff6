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
    bool is_known;              /* it could be read what is on: */
    struct event_set effective; /* what the runtime has on; empty: nothing */
    bool is_stale;              /* more is on than anybody who stays asks for */
    struct event_set wanted;    /* what the sessions that stay ask for, together */
    uint64_t sessions;          /* bit per session that asks for it, by its index */
    bool is_unsure;             /* a session asks for more than was kept of it, maybe for this */
};

struct account {
    struct provider_account items[ACCOUNT_MAX]; /* the runtime's own first */
    size_t count;
    size_t more;    /* that did not fit */
    bool is_ending; /* a session is: what looks stale may be put right in a moment */
};

/*
 * @providers: NULL when they could not be read. Then the contexts tell what the runtime's own have
 * on, and of the others it is only known what is wanted. Where sessions can't be read nothing is
 * stale. Between a session's begin and the provider's own change milliseconds pass: what is stale
 * is left over when that lasts.
 */
void account_of(const struct observation *seen, const struct provider_states *providers,
                struct account *out);

/* What is on beyond what is wanted: the extra keywords, and the level if that is higher, else 0.
 */
struct event_set account_excess(const struct provider_account *account);

/* What of that @session, one of @account's sessions, asks for. */
struct event_set account_part(const struct provider_account *account,
                              const struct session *session);
