/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include <poll.h>

#include "verbs.h"

/* Waits for an event. False: whoever read our output is gone. */
static bool await_event(const struct control_client *client)
{
    struct pollfd waits[] = {{.fd = client->fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    int r;

    do
        r = poll(waits, ARRAY_SIZE(waits), -1);
    while (r < 0 && errno == EINTR);
    return waits[0].revents || !(waits[1].revents & POLLERR);
}

/* 1: go on. */
static int take_answer(struct ask *ask, struct control_answer *answer)
{
    int enough = 0;

    switch (answer->type) {
    case CONTROL_ITEM:
        enough = ask->take(ask->context, answer->item);
        json_decref(answer->item);
        return !enough;
    case CONTROL_DROPPED:
        ask->missing += answer->count;
        if (ask->dropped)
            ask->dropped(ask->context, answer->count);
        return 1;
    default:
        return 0;
    }
}

int ask_daemon(struct ask *ask, struct reason *why)
{
    _cleanup_(control_close) struct control_client client = {.fd = -1};
    struct control_answer answer;
    int r = control_connect(&client, socket_path(), ask->deadline_ms, why);

    if (r == 0)
        r = control_ask(&client, &ask->request, why);
    if (r < 0)
        return r;
    do {
        if (ask->request.follow && !await_event(&client))
            return 0;
        r = control_next(&client, ask->deadline_ms, &answer, why);
        if (r == 0)
            r = take_answer(ask, &answer);
    } while (r > 0);
    return r;
}
