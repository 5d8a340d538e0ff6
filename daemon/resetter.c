/* SPDX-License-Identifier: Apache-2.0 */
#include "resetter.h"

#include <stdlib.h>

#include "errand.h"
#include "reset.h"
#include "util/clock.h"
#include "util/text.h"

#define AT_ONCE     2
#define DEADLINE_US UINT64_C(40000000) /* the protocol and the looks have less */
#define SECOND_NS   (1000 * NS_PER_MS)
#define MINUTE_NS   (60 * SECOND_NS)

struct job {
    struct resetter *resetter;
    struct job *next;
    struct process process;
    uint64_t leak;
};

struct resetter {
    bool is_on;
    uint64_t interval_ns;
    struct errands *errands;
    struct store *store;
    struct locator *locator;
    resetter_listener *listener;
    void *context;
    struct job *jobs;
    uint64_t begun[RESETS_A_MINUTE]; /* a ring */
    size_t oldest;
    abi_u64 counts[OUTCOME_MAX];
};

enum resetter_decision resetter_decide(const struct resetter_facts *facts, uint64_t now,
                                       uint64_t *until)
{
    *until = UINT64_MAX;
    if (!facts->is_on || facts->verdict != VERDICT_LEAKED || facts->under_way)
        return RESETTER_LEAVES;
    if (facts->tried && now - facts->tried < facts->interval_ns) {
        *until = facts->tried + facts->interval_ns;
        return facts->leak == facts->noted ? RESETTER_WAITS : RESETTER_DECLINES;
    }
    if (now < facts->free_at) {
        *until = facts->free_at;
        return RESETTER_WAITS;
    }
    return RESETTER_BEGINS;
}

static uint64_t free_at(const struct resetter *resetter, uint64_t now)
{
    uint64_t oldest = resetter->begun[resetter->oldest];

    if (errands_busy(resetter->errands) >= AT_ONCE)
        return now + SECOND_NS;
    return oldest ? oldest + MINUTE_NS : 0;
}

static bool is_under_way(const struct resetter *resetter, const struct process *process)
{
    for (const struct job *job = resetter->jobs; job; job = job->next)
        if (process_same(&job->process, process))
            return true;
    return false;
}

static void note(struct resetter *resetter, const struct process *process,
                 const struct reset_answer *reset)
{
    static const char *const words[OUTCOME_MAX] = {[OUTCOME_PUT_BACK] = "put back",
                                                   [OUTCOME_REFUSED] = "refused",
                                                   [OUTCOME_FAILED] = "failed"};
    struct event event = {.kind = EVENT_RESET,
                          .pid = process->pid,
                          .provider = reset->provider,
                          .old = reset->old,
                          .new = reset->new,
                          .outcome = reset->outcome};

    text_copy(event.name, sizeof(event.name), process_title(process));
    snprintf(event.detail, sizeof(event.detail), "%s: %s", words[reset->outcome], reset->why.text);
    text_printable(event.detail);
    resetter->counts[reset->outcome]++;
    store_note(resetter->store, &event);
}

static void decline(struct resetter *resetter, struct stored_process *process, uint64_t now)
{
    struct reset_answer reset = {.outcome = OUTCOME_REFUSED, .provider = PROVIDER_MAX};

    reason_set(&reset.why, 0, "the last try was %llu s ago, and auto_reset_interval is %llu s",
               (unsigned long long)((now - process->reset_tried) / SECOND_NS),
               (unsigned long long)(resetter->interval_ns / SECOND_NS));
    process->reset_leak = process->leak_since;
    note(resetter, &process->process, &reset);
}

static void job_free(struct job *job)
{
    struct job **at = &job->resetter->jobs;

    while (*at && *at != job)
        at = &(*at)->next;
    if (*at)
        *at = job->next;
    free(job);
}

static void work(void *data, int fd, void *answer)
{
    const struct job *job = data;

    reset_try(&job->process, job->resetter->locator, answer);
}

static void take_answer(void *context, const void *answer, const char *trouble)
{
    struct job *job = context;
    struct resetter *resetter = job->resetter;
    struct reset_answer reset = {.outcome = OUTCOME_FAILED, .provider = PROVIDER_MAX};
    struct stored_process *process = store_find(resetter->store, job->process.pid);

    if (answer)
        reset = *(const struct reset_answer *)answer;
    else
        reason_set(&reset.why, 0, "%s", trouble);
    if (process && !process_same(&process->process, &job->process))
        process = NULL;
    if (reset.outcome < OUTCOME_MAX && process) {
        process->reset_tried = clock_monotonic_ns();
        process->reset_leak = job->leak;
    }
    if (reset.outcome < OUTCOME_MAX)
        note(resetter, &job->process, &reset);
    job_free(job);
    if (process)
        resetter->listener(resetter->context, process);
}

static int begin(struct resetter *resetter, const struct stored_process *process, uint64_t now)
{
    struct job *job = calloc(1, sizeof(*job));
    struct errand_task task = {.work = work,
                               .data = job,
                               .fd = -1,
                               .size = sizeof(struct reset_answer),
                               .ends_itself = true,
                               .end = take_answer,
                               .context = job};
    int r;

    if (!job)
        return -ENOMEM;
    *job = (struct job){.resetter = resetter,
                        .next = resetter->jobs,
                        .process = process->process,
                        .leak = process->leak_since};
    resetter->jobs = job;
    r = errand_begin(resetter->errands, &task, NULL);
    if (r < 0) {
        job_free(job);
        return r;
    }
    resetter->begun[resetter->oldest] = now;
    resetter->oldest = (resetter->oldest + 1) % RESETS_A_MINUTE;
    return 0;
}

static uint64_t see_to(struct resetter *resetter, struct stored_process *process, uint64_t now)
{
    const struct resetter_facts facts = {
        .is_on = resetter->is_on,
        .verdict = process->judgement.verdict,
        .under_way = is_under_way(resetter, &process->process),
        .leak = process->leak_since,
        .tried = process->reset_tried,
        .noted = process->reset_leak,
        .interval_ns = resetter->interval_ns,
        .free_at = free_at(resetter, now),
    };
    uint64_t until;

    switch (resetter_decide(&facts, now, &until)) {
    case RESETTER_BEGINS:
        return begin(resetter, process, now) < 0 ? now + SECOND_NS : UINT64_MAX;
    case RESETTER_DECLINES:
        decline(resetter, process, now);
        return until;
    default:
        return until;
    }
}

uint64_t resetter_turn(struct resetter *resetter, uint64_t now)
{
    uint64_t next = UINT64_MAX;

    for (struct stored_process *process = store_next(resetter->store, NULL);
         process && resetter->is_on; process = store_next(resetter->store, process)) {
        uint64_t until = see_to(resetter, process, now);

        next = until < next ? until : next;
    }
    return next;
}

int resetter_new(struct resetter **out, sd_event *loop, const struct config *config,
                 struct store *store, struct locator *locator, resetter_listener *listener,
                 void *context)
{
    struct resetter *resetter = calloc(1, sizeof(*resetter));
    int r = resetter ? errands_new(&resetter->errands, loop, AT_ONCE, DEADLINE_US) : -ENOMEM;

    if (r < 0) {
        free(resetter);
        return r;
    }
    resetter->store = store;
    resetter->locator = locator;
    resetter->listener = listener;
    resetter->context = context;
    resetter_reload(resetter, config);
    *out = resetter;
    return 0;
}

void resetter_free(struct resetter **resetter)
{
    if (!*resetter)
        return;
    errands_free(&(*resetter)->errands);
    while ((*resetter)->jobs)
        job_free((*resetter)->jobs);
    free(*resetter);
    *resetter = NULL;
}

void resetter_reload(struct resetter *resetter, const struct config *config)
{
    resetter->is_on = config->auto_reset;
    resetter->interval_ns = config->auto_reset_interval_ms * NS_PER_MS;
}

void resetter_health(const struct resetter *resetter, struct health *out)
{
    out->auto_reset = resetter->is_on;
    for (const struct job *job = resetter->jobs; job; job = job->next)
        out->resets_under_way++;
    for (enum reset_outcome i = 0; i < OUTCOME_MAX; i++)
        out->resets[i] = resetter->counts[i];
}
