/* SPDX-License-Identifier: Apache-2.0 */
#include "cure/stop.h"

#include <stdio.h>

#include "cure/cure.h"
#include "diagnostics/client.h"

#define LOOK_MS      100
#define DEADLINE_MS  5000
#define BEHIND_MS    150  /* a client that is busy reads meanwhile, */
#define BEHIND_LOOKS 4    /* once of so many times */
#define GONE_MS      3000 /* a session's thread sleeps 100 ms between writes */

static enum stop_answer answer(struct reason *why, enum stop_answer answer, const char *text)
{
    reason_set(why, 0, "%s", text);
    return answer;
}

static enum stop_answer refuse_client(const struct session_client *client, struct reason *why)
{
    char who[32] = "which can't be seen from here", does[48] = "is stopped and reads nothing";

    if (client->peer)
        snprintf(who, sizeof(who), "pid %d", (int)client->peer->pid);
    if (client->client != CLIENT_STOPPED)
        snprintf(does, sizeof(does), "has %u KB unread", client->unread >> 10);
    reason_set(why, 0,
               "its client (%s) %s: the runtime would wait for it and answer nobody meanwhile; "
               "continue or end that process, and the session ends with it",
               who, does);
    return STOP_NEVER;
}

static enum stop_answer judge_client(const struct session_client *client, bool is_3,
                                     struct reason *why)
{
    if (cure_is_mute(client))
        return refuse_client(client, why);
    switch (client->client) {
    case CLIENT_ALIVE:
        reason_set(why, 0, "its client is alive: %s (pid %d)", client->peer->command,
                   (int)client->peer->pid);
        return STOP_CONFIRM;
    case CLIENT_GONE:
        return !is_3 ? STOP_MAY
                     : answer(why, STOP_CONFIRM,
                              "its client is gone, and .NET Core 3.1 has been seen to crash at "
                              "that, once; the session ends by itself at its next event");
    case CLIENT_HIDDEN:
        return answer(why, STOP_CONFIRM, "its client is a process that can't be seen from here");
    default:
        return answer(why, STOP_CONFIRM, "which client is its can't be told");
    }
}

enum stop_answer stop_judge(const struct observation *seen, const struct session *session,
                            bool is_3, struct reason *why)
{
    struct session_client client = session_client_of(seen, session);

    if (session->in_rundown)
        return answer(why, STOP_NEVER, "it is ending already");
    switch (session->type) {
    case SESSION_LISTENER:
    case SESSION_SYNCHRONOUS:
        return answer(why, STOP_NEVER, "it belongs to the program itself, which alone can end it");
    case SESSION_FILE:
    case SESSION_FILE_STREAM:
        return answer(why, STOP_CONFIRM,
                      "it writes a file, as the environment or the program asks");
    default:
        return judge_client(&client, is_3, why);
    }
}

static const struct session *session_again(const struct sessions *sessions,
                                           const struct session *session)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (session_same(&sessions->items[i], session))
            return &sessions->items[i];
    return NULL;
}

static int unreadable(const struct observation *seen, struct reason *why)
{
    return reason_set(why, -ENODATA, "its sessions can't be read: %.180s", seen->sessions_why.text);
}

static bool is_somebody_behind(const struct observation *seen)
{
    for (size_t i = 0; i < seen->sessions.count; i++) {
        struct session_client client = session_client_of(seen, &seen->sessions.items[i]);

        if (client.client == CLIENT_ALIVE && cure_is_mute(&client))
            return true;
    }
    return false;
}

int stop_look(struct target *target, struct survey *out, struct reason *why)
{
    int r = survey_take(target, NULL, LEVEL_INFORMATIONAL, out, why);

    for (int again = 1; r == 0 && again < BEHIND_LOOKS && is_somebody_behind(&out->seen); again++) {
        clock_pause_ms(BEHIND_MS);
        r = survey_take(target, NULL, LEVEL_INFORMATIONAL, out, why);
    }
    if (r == 0 && !out->seen.sessions_readable)
        return unreadable(&out->seen, why);
    return r;
}

struct meant {
    struct target *target;
    const struct session *session;
    struct survey *now;
};

static int gone(struct reason *why)
{
    return reason_set(why, -ESRCH, "the session has gone already");
}

/* Between it and the runtime's doing there is nothing but the way to it. */
static int last_look(void *data, struct reason *why)
{
    struct meant *meant = data;
    struct observation *seen = &meant->now->seen;
    int r = target_observe(meant->target, NULL, seen, why);

    if (r == 0 && !seen->sessions_readable)
        return unreadable(seen, why);
    return r < 0 || session_again(&seen->sessions, meant->session) ? r : gone(why);
}

static int tell(struct meant *meant, struct reason *why)
{
    _endpoint_ struct endpoint endpoint = {.fd = -1};
    int r = endpoint_open(&meant->target->process, &endpoint, why);

    return r < 0 ? r
                 : client_stop(&endpoint, meant->session->address, last_look, meant,
                               deadline_in_ms(DEADLINE_MS), why);
}

int stop_session(struct target *target, const struct session *session, struct survey *after,
                 struct reason *why)
{
    struct meant meant = {target, session, after};
    int r = stop_look(target, after, why);

    if (r == 0 && !session_again(&after->seen.sessions, session))
        return gone(why);
    if (r == 0)
        r = tell(&meant, why);
    if (r == -ETIMEDOUT && stop_look(target, after, NULL) == 0)
        cure_explain_silence(&after->seen, why);
    for (int waited = 0; r == 0 && waited < GONE_MS; waited += LOOK_MS) {
        clock_pause_ms(LOOK_MS);
        r = stop_look(target, after, why);
        if (r == 0 && !session_again(&after->seen.sessions, session))
            return 0;
    }
    return r < 0 ? r : reason_set(why, -ETIMEDOUT, "the runtime has not ended the session");
}
