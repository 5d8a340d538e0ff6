/* SPDX-License-Identifier: Apache-2.0 */
#include "errand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define REAP_US  UINT64_C(20000)
#define NICENESS 5

struct errand {
    struct errands *errands;
    struct errand *next;
    struct errand_task task;
    int pipe;
    pid_t child; /* 0: none, or it is reaped */
    char *answer;
    size_t received;
    bool ended;
    sd_event_source *io;
    sd_event_source *timer; /* its deadline; then, until its child has gone */
};

struct errands {
    sd_event *loop;
    size_t most;
    uint64_t deadline_us;
    struct errand *first;
    size_t count;
};

int errands_new(struct errands **out, sd_event *loop, size_t most, uint64_t deadline_us)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    **out = (struct errands){.loop = sd_event_ref(loop), .most = most, .deadline_us = deadline_us};
    return 0;
}

size_t errands_busy(const struct errands *errands)
{
    return errands->count;
}

static void errand_free(struct errand *errand)
{
    struct errand **at = &errand->errands->first;

    while (*at && *at != errand)
        at = &(*at)->next;
    if (*at) {
        *at = errand->next;
        errand->errands->count--;
    }
    sd_event_source_disable_unref(errand->io);
    sd_event_source_disable_unref(errand->timer);
    cleanup_close(&errand->pipe);
    free(errand->answer);
    free(errand);
}

void errands_free(struct errands **errands)
{
    if (!*errands)
        return;
    while ((*errands)->first) {
        bool ends_itself = (*errands)->first->task.ends_itself;
        pid_t child = (*errands)->first->child;

        errand_free((*errands)->first);
        if (child > 0 && !ends_itself && kill(child, SIGKILL) == 0)
            (void)waitpid(child, NULL, WNOHANG);
    }
    sd_event_unref((*errands)->loop);
    free(*errands);
    *errands = NULL;
}

/* One that hangs in the kernel does not go at once, and nobody waits for it. */
static void reap(struct errand *errand)
{
    if (errand->child <= 0 || waitpid(errand->child, NULL, WNOHANG) != 0) {
        errand_free(errand);
        return;
    }
    sd_event_source_set_time_relative(errand->timer, REAP_US);
    sd_event_source_set_enabled(errand->timer, SD_EVENT_ONESHOT);
}

static void dismiss(struct errand *errand)
{
    errand->ended = true;
    errand->io = sd_event_source_disable_unref(errand->io);
    if (errand->child > 0)
        kill(errand->child, SIGKILL);
    reap(errand);
}

void errand_cancel(struct errand **errand)
{
    if (*errand)
        dismiss(*errand);
    *errand = NULL;
}

static void finish(struct errand *errand, const char *trouble)
{
    const struct errand_task task = errand->task;
    _free_ char *answer = TAKE_PTR(errand->answer);

    dismiss(errand);
    task.end(task.context, trouble ? NULL : answer, trouble);
}

static int on_pipe(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct errand *errand = context;
    size_t left = errand->task.size - errand->received;
    ssize_t n = read(fd, errand->answer + errand->received, left);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    errand->received += n > 0 ? (size_t)n : 0;
    if (errand->received == errand->task.size)
        finish(errand, NULL);
    else if (n <= 0)
        finish(errand, "the child that looked into it has ended without an answer");
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t time, void *context)
{
    struct errand *errand = context;

    if (errand->ended)
        reap(errand);
    else
        finish(errand, "looking into it took too long");
    return 0;
}

/* A probe is detached, and a client gone, when nobody holds their descriptors any more. */
static void close_others(int low, int high)
{
    unsigned first = (unsigned)(low < high ? low : high),
             last = (unsigned)(low < high ? high : low);

    if ((int)first < 0)
        first = last;
    if (first > 3)
        close_range(3, first - 1, 0);
    if (last > first + 1)
        close_range(first + 1, last - 1, 0);
    close_range(last + 1, ~0u, 0);
}

_Noreturn static void run_child(const struct errand *errand, int out)
{
    size_t sent = 0;

    if (!errand->task.ends_itself)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpriority(PRIO_PROCESS, 0, NICENESS);
    close_others(errand->task.fd, out);
    errand->task.work(errand->task.data, errand->task.fd, errand->answer);
    while (sent < errand->task.size) {
        ssize_t n = write(out, errand->answer + sent, errand->task.size - sent);

        if (n <= 0)
            _exit(1);
        sent += (size_t)n;
    }
    _exit(0);
}

static int listen_to(struct errand *errand)
{
    struct errands *errands = errand->errands;
    int r = sd_event_add_io(errands->loop, &errand->io, errand->pipe, EPOLLIN, on_pipe, errand);

    if (r >= 0)
        r = sd_event_add_time_relative(errands->loop, &errand->timer, CLOCK_MONOTONIC,
                                       errands->deadline_us, 0, on_timer, errand);
    return r < 0 ? r : 0;
}

static struct errand *make(struct errands *errands, const struct errand_task *task, int pipe)
{
    struct errand *errand = calloc(1, sizeof(*errand));

    if (!errand)
        return NULL;
    *errand = (struct errand){.errands = errands,
                              .next = errands->first,
                              .task = *task,
                              .pipe = pipe,
                              .answer = calloc(1, task->size)};
    errands->first = errand;
    errands->count++;
    return errand;
}

int errand_begin(struct errands *errands, const struct errand_task *task, struct errand **out)
{
    _close_ int from = -1, to = -1;
    struct errand *errand;
    int pipe_fds[2], r;

    if (errands->count >= errands->most)
        return -EBUSY;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    from = pipe_fds[0];
    to = pipe_fds[1];
    fcntl(from, F_SETFL, O_NONBLOCK);
    errand = make(errands, task, from);
    if (!errand)
        return -ENOMEM;
    TAKE_FD(from);
    r = errand->answer ? listen_to(errand) : -ENOMEM;
    if (r == 0 && (errand->child = fork()) == 0)
        run_child(errand, to);
    if (r == 0 && errand->child < 0)
        r = -errno;
    if (r < 0)
        errand_free(errand);
    else if (out)
        *out = errand;
    return r;
}
