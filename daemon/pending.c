/* SPDX-License-Identifier: Apache-2.0 */
#include "pending.h"

void pending_add(struct pending_list *list, pid_t pid, uint64_t due, unsigned tries)
{
    struct pending *pending = list->first;

    while (pending && pending->pid != pid)
        pending = pending->next;
    if (!pending && list->count < PENDING_MAX && (pending = calloc(1, sizeof(*pending)))) {
        *pending = (struct pending){.pid = pid, .tries = tries, .due = due, .next = list->first};
        list->first = pending;
        list->count++;
    }
    if (!pending) {
        list->refused++;
        return;
    }
    pending->due = due < pending->due ? due : pending->due;
    pending->tries = tries < pending->tries ? tries : pending->tries;
}

void pending_visit(struct pending_list *list, uint64_t now,
                   bool (*is_done)(void *context, struct pending *pending), void *context)
{
    struct pending **at = &list->first;

    while (*at) {
        struct pending *pending = *at;

        if (pending->due > now || !is_done(context, pending)) {
            at = &pending->next;
            continue;
        }
        *at = pending->next;
        list->count--;
        free(pending);
    }
}

void pending_hurry(struct pending_list *list, uint64_t now)
{
    for (struct pending *pending = list->first; pending; pending = pending->next)
        if (pending->waits_for_image)
            pending->due = now < pending->due ? now : pending->due;
}

uint64_t pending_next(const struct pending_list *list)
{
    uint64_t due = UINT64_MAX;

    for (const struct pending *pending = list->first; pending; pending = pending->next)
        due = pending->due < due ? pending->due : due;
    return due;
}

void pending_clear(struct pending_list *list)
{
    while (list->first) {
        struct pending *pending = list->first;

        list->first = pending->next;
        free(pending);
    }
    list->count = 0;
}
