/* SPDX-License-Identifier: Apache-2.0 */
#include "contention/eventpipe.h"

#include <inttypes.h>
#include <string.h>
#include <sys/signalfd.h>

#include "diagnostics/tracing.h"
#include "proc/procfs.h"
#include "proc/thread_ids.h"
#include "util/deadline.h"
#include "util/interrupts.h"
#include "util/text.h"

#define BUFFER_MB        64
#define THREADS_AGAIN_NS 100000000u

/* What ends the session before its time. The signals are as before once it is closed. */
struct interrupt {
    int fd;
    sigset_t before;
};

static int interrupt_open(struct interrupt *out, struct reason *why)
{
    sigset_t signals;

    interrupts_set(&signals);
    out->fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (out->fd < 0)
        return reason_set(why, -errno, "no signalfd: %s", strerror(errno));
    interrupts_hold(&out->before);
    return 0;
}

/* True: there was one, which is over with this. */
static bool interrupt_close(struct interrupt *interrupt)
{
    struct signalfd_siginfo signal;
    bool was = false;

    if (interrupt->fd < 0)
        return false;
    while (read(interrupt->fd, &signal, sizeof(signal)) == sizeof(signal))
        was = true;
    interrupts_release(&interrupt->before);
    cleanup_close(&interrupt->fd);
    interrupt->fd = -1;
    return was;
}

struct reading {
    const struct trace_names *names; /* the caller's */
    struct trace_names own;
    struct process process;
    struct thread_ids threads;
    uint64_t threads_read_ns; /* CLOCK_MONOTONIC */
    struct contention_trace *trace;
    struct nettrace *nettrace;
};

static void reading_close(struct reading *reading)
{
    nettrace_free(&reading->nettrace);
    contention_trace_free(&reading->trace);
    thread_ids_free(&reading->threads);
}

static void name_frames(void *data, const uint64_t *addresses, size_t count, struct frame *out)
{
    struct reading *reading = data;

    reading->names->frames(reading->names->data, addresses, count, out);
}

static void name_type(void *data, uint64_t object, char out[static FRAME_TEXT_MAX])
{
    struct reading *reading = data;

    reading->names->type(reading->names->data, object, out);
}

/* A look at all threads costs a file each: not for every one that has ended. */
static pid_t thread_here(struct reading *reading, uint64_t tid)
{
    uint64_t now = clock_monotonic_ns();
    pid_t found;

    if (tid == 0 || tid > INT32_MAX)
        return 0;
    if (reading->process.namespace_pid == reading->process.pid)
        return (pid_t)tid;
    found = thread_ids_outer(&reading->threads, (pid_t)tid);
    if (found || now - reading->threads_read_ns < THREADS_AGAIN_NS)
        return found;
    reading->threads_read_ns = now;
    (void)!thread_ids_refresh(reading->process.pid, &reading->threads);
    return thread_ids_outer(&reading->threads, (pid_t)tid);
}

static void read_name(pid_t pid, pid_t tid, char out[static CONTENTION_NAME_MAX])
{
    char file[48];

    snprintf(file, sizeof(file), "task/%d/comm", tid);
    if (tid == 0 || procfs_read(pid, file, out, PROCESS_NAME_MAX + 1) < 0)
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    text_printable(out);
}

static pid_t name_thread(void *data, uint64_t tid, char out[static CONTENTION_NAME_MAX])
{
    struct reading *reading = data;
    pid_t here;

    if (reading->names && reading->names->thread)
        return reading->names->thread(reading->names->data, tid, out);
    here = thread_here(reading, tid);
    read_name(reading->process.pid, here, out);
    return here;
}

static int reading_open(struct reading *out, const struct process *process,
                        const struct trace_names *names, struct reason *why)
{
    out->names = names;
    out->process = *process;
    out->own = (struct trace_names){.data = out,
                                    .frames = names && names->frames ? name_frames : NULL,
                                    .type = names && names->type ? name_type : NULL,
                                    .thread = name_thread};
    if (contention_trace_new(&out->trace, &out->own) < 0 ||
        nettrace_new(&out->nettrace, contention_trace_take, out->trace) < 0)
        return reason_set(why, -ENOMEM, "no memory");
    return 0;
}

static int take_bytes(void *data, const void *bytes, size_t length, struct reason *why)
{
    struct reading *reading = data;

    return nettrace_push(reading->nettrace, bytes, length, why);
}

static int trace(const struct process *process, const struct eventpipe_request *request,
                 struct reading *reading, struct tracing_result *out, struct reason *why)
{
    static const struct ipc_provider provider = {
        .name = TRACE_PROVIDER, .keywords = TRACE_KEYWORD, .level = TRACE_LEVEL};
    static const struct ipc_session session = {
        .providers = &provider, .provider_count = 1, .buffer_mb = BUFFER_MB};
    _endpoint_ struct endpoint endpoint = {.fd = -1};
    struct interrupt interrupt = {.fd = -1};
    struct tracing tracing = {.session = &session,
                              .duration_ms = request->duration_ms,
                              .deadline_ms = request->deadline_ms};
    int error = endpoint_open(process, &endpoint, why);

    if (error == 0)
        error = interrupt_open(&interrupt, why);
    if (error < 0)
        return error;
    tracing.interrupt = interrupt.fd;
    error = tracing_run(&endpoint, &tracing, take_bytes, reading, out, why);
    out->interrupted |= interrupt_close(&interrupt);
    return error;
}

static void tell_lost(struct contention *out, const struct eventpipe_outcome *outcome)
{
    if (outcome->lost)
        snprintf(out->why, sizeof(out->why),
                 "the runtime has lost %" PRIu64 " events for want of room: the sums are too low",
                 outcome->lost);
    else if (outcome->ended)
        snprintf(out->why, sizeof(out->why), "the process ended: what it did last is missing");
}

static int finish(struct reading *reading, const struct process *process,
                  const struct eventpipe_request *request, const struct tracing_result *result,
                  struct contention *out, struct eventpipe_outcome *outcome, struct reason *why)
{
    struct nettrace_counts counts = nettrace_counts(reading->nettrace);
    int error = contention_trace_finish(reading->trace, result->end_ns, request->most, out, why);

    if (error < 0)
        return error;
    out->pid = process->pid;
    text_copy(out->name, sizeof(out->name), process_title(process));
    out->since_ns = result->begin_ns;
    out->now_ns = result->end_ns;
    *outcome = (struct eventpipe_outcome){.id = result->id,
                                          .events = counts.events,
                                          .lost = counts.lost,
                                          .interrupted = result->interrupted,
                                          .ended = result->hung_up};
    tell_lost(out, outcome);
    return 0;
}

int contention_by_eventpipe(pid_t pid, const struct eventpipe_request *request,
                            struct contention *out, struct eventpipe_outcome *outcome,
                            struct reason *why)
{
    struct reading reading __attribute__((cleanup(reading_close))) = {0};
    struct tracing_result result = {0};
    struct process process;
    int error = process_read(pid, &process, why);

    if (error == 0)
        error = reading_open(&reading, &process, request->names, why);
    if (error == 0)
        error = trace(&process, request, &reading, &result, why);
    outcome->id = result.id;
    if (error == 0 && !result.hung_up && !nettrace_ended(reading.nettrace))
        error = reason_set(why, -EBADMSG, "the stream of events is cut off");
    return error < 0 ? error : finish(&reading, &process, request, &result, out, outcome, why);
}
