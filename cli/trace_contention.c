/* SPDX-License-Identifier: Apache-2.0 */
#include "trace_contention.h"

#include <stdio.h>

#include "contention/eventpipe.h"
#include "cure/cure.h"
#include "stack/resolver.h"
#include "state/target.h"
#include "state/verdict.h"
#include "util/clock.h"
#include "util/interrupts.h"

#define LOOK_MS    200
#define LOOKS_MAX  25 /* until it is settled what has stayed */
#define CURE_LOOK  5  /* what looks left behind for so long is */
#define CURE_TRIES 2

struct tracer {
    pid_t pid;
    struct locator *locator;
    struct target target;
    bool opened;
    struct resolver *resolver;
    struct observation seen;
    struct judgement judgement;
    bool leaked_before;
    uint64_t session; /* its id, which is its address; 0: none has begun */
};

static void release(struct tracer **tracer)
{
    if (!*tracer)
        return;
    resolver_free(&(*tracer)->resolver);
    if ((*tracer)->opened)
        target_close(&(*tracer)->target);
    locator_free(&(*tracer)->locator);
    free(*tracer);
}

static int look(struct tracer *tracer, struct reason *why)
{
    struct peers *peers = NULL;
    int r = peers_open(&peers, why);

    if (r == 0)
        r = target_observe(&tracer->target, peers, &tracer->seen, why);
    peers_close(&peers);
    if (r == 0)
        judge(&tracer->seen, LEVEL_INFORMATIONAL, &tracer->judgement);
    return r;
}

static int begin(struct tracer *tracer, struct reason *why)
{
    int r = locator_new(&tracer->locator, &(struct locator_options){.sources = SOURCES_ALL});

    if (r == 0)
        r = target_open(tracer->pid, tracer->locator, &tracer->target, why);
    tracer->opened = r == 0;
    if (r == 0)
        r = resolver_new(&tracer->resolver, &tracer->target.process, why);
    if (r < 0)
        return r;
    resolver_set_sites(tracer->resolver, &tracer->target.image->inspection.findings,
                       tracer->target.bias);
    return look(tracer, why);
}

static void name_frames(void *data, const uint64_t *addresses, size_t count, struct frame *out)
{
    resolver_frames(data, addresses, count, out);
}

static void name_type(void *data, uint64_t object, char out[static FRAME_TEXT_MAX])
{
    resolver_type(data, object, out);
}

static void say(const struct tracer *tracer, const char *what, const char *detail)
{
    fprintf(stderr, "clrmon contention: %s (pid %d): %s%s\n",
            process_title(&tracer->target.process), (int)tracer->pid, what, detail);
}

static bool is_there(const struct tracer *tracer)
{
    for (size_t i = 0; tracer->seen.sessions_readable && i < tracer->seen.sessions.count; i++)
        if (tracer->seen.sessions.items[i].address == tracer->session)
            return true;
    return false;
}

static bool is_settled(const struct tracer *tracer)
{
    return !is_there(tracer) && tracer->judgement.verdict != VERDICT_LEAKED &&
           !tracer->judgement.unsettled;
}

static bool put_back(struct tracer *tracer)
{
    const char *refusal = cure_refusal(&tracer->seen);
    struct reason why = {"no memory"};

    if (!refusal && cure(&tracer->target.process, 1u << PROVIDER_RUNTIME, &why) == 0)
        return true;
    say(tracer, "what the session asked for is still on, and can't be put back: ",
        refusal ? refusal : why.text);
    return false;
}

/* Of what is not on the GC may know only at its next collection. */
static const char *outcome_of(const struct tracer *tracer, int cures)
{
    if (cures)
        return "what it had left behind is put back";
    if (tracer->judgement.verdict == VERDICT_OFF && tracer->judgement.reason_count)
        return tracer->judgement.reasons[0];
    return "nothing of it has stayed";
}

static void say_what_lasts(const struct tracer *tracer)
{
    const char *what = tracer->leaked_before
                           ? "events are left on, as they were before the session: "
                           : "what the session asked for is still on: ";

    if (is_there(tracer))
        say(tracer, "the runtime has not ended the session: it does so at its next event; ",
            "see clrmon check then");
    else
        say(tracer, what,
            tracer->judgement.reason_count ? tracer->judgement.reasons[0] : "it does not settle");
}

/* The runtime drops what a session asked for when the next one opens, not when it ends. */
static int see_to_the_end(struct tracer *tracer)
{
    struct reason why = {"no memory"};
    int cures = 0;

    for (int i = 1; i <= LOOKS_MAX; i++) {
        clock_pause_ms(LOOK_MS);
        if (look(tracer, &why) < 0)
            return say(tracer, "what has stayed of the session can't be told: ", why.text), 1;
        if (is_settled(tracer)) {
            say(tracer, tracer->session ? "the session has ended; " : "no session has begun; ",
                outcome_of(tracer, cures));
            return 0;
        }
        if (i % CURE_LOOK == 0 && tracer->judgement.verdict == VERDICT_LEAKED &&
            cures < CURE_TRIES) {
            if (!put_back(tracer))
                return 1;
            cures++;
        }
    }
    say_what_lasts(tracer);
    return 1;
}

static int trace(struct tracer *tracer, const struct eventpipe_request *request,
                 struct contention *out, struct reason *why)
{
    struct eventpipe_outcome outcome = {0};
    int r = contention_by_eventpipe(tracer->pid, request, out, &outcome, why);

    if (outcome.ended || (r < 0 && !process_alive(&tracer->target.process)))
        return r;
    tracer->session = outcome.id;
    if (tracer->leaked_before && !outcome.id) {
        say(tracer, "no session has begun; events are left on, as they were before", "");
        return r;
    }
    return see_to_the_end(tracer) && r == 0 ? 1 : r;
}

int trace_contention(pid_t pid, uint64_t duration_ms, struct contention *out, struct reason *why)
{
    _cleanup_(release) struct tracer *tracer = calloc(1, sizeof(*tracer));
    struct trace_names names = {.frames = name_frames, .type = name_type};
    struct eventpipe_request request = {
        .duration_ms = duration_ms,
        .deadline_ms = EVENTPIPE_DEADLINE_MS,
        .most = EVENTPIPE_LINES,
        .names = &names,
    };
    sigset_t before;
    int r;

    if (!tracer)
        return reason_set(why, -ENOMEM, "no memory");
    tracer->pid = pid;
    r = begin(tracer, why);
    if (r < 0)
        return r;
    if (cure_collects(&tracer->seen))
        return reason_set(why, -EBUSY,
                          "a session has GCHeapCollect (0x800000): the runtime would collect");
    tracer->leaked_before = tracer->judgement.verdict == VERDICT_LEAKED;
    names.data = tracer->resolver;
    say(tracer, "asks its runtime for ContentionKeyword (0x4000) at Informational(4) meanwhile",
        "");
    interrupts_hold(&before);
    r = trace(tracer, &request, out, why);
    interrupts_release(&before);
    return r;
}
