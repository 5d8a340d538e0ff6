/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define JOBS_MAX    8
#define DEADLINE_US (60 * UINT64_C(1000000))

/* What the child sends: one whole, so that a child that dies halfway is noticed. */
struct answer {
    int result;
    struct reason why;
    struct located located;
};

struct job {
    struct scanner *scanner;
    struct job *next;
    int image;
    int pipe;
    pid_t child;
    struct stat status;
    struct answer answer;
    size_t received;
    sd_event_source *io;
    sd_event_source *deadline;
};

struct scanner {
    sd_event *loop;
    struct locator_options options;
    scanner_listener *listener;
    void *context;
    struct job *jobs;
    size_t count;
};

int scanner_new(struct scanner **out, sd_event *loop, const struct locator_options *options,
                scanner_listener *listener, void *context)
{
    struct scanner *scanner = calloc(1, sizeof(*scanner));

    if (!scanner)
        return -ENOMEM;
    *scanner = (struct scanner){
        .loop = sd_event_ref(loop), .options = *options, .listener = listener, .context = context};
    *out = scanner;
    return 0;
}

static void unlink_job(struct job *job)
{
    struct job **at = &job->scanner->jobs;

    while (*at && *at != job)
        at = &(*at)->next;
    if (*at) {
        *at = job->next;
        job->scanner->count--;
    }
}

/* The child ends with its pipe; it is ours alone, so it can be ended at any time. */
static void end_child(struct job *job)
{
    if (job->child <= 0)
        return;
    kill(job->child, SIGKILL);
    while (waitpid(job->child, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void job_free(struct job *job)
{
    unlink_job(job);
    sd_event_source_disable_unref(job->io);
    sd_event_source_disable_unref(job->deadline);
    end_child(job);
    cleanup_close(&job->image);
    cleanup_close(&job->pipe);
    free(job);
}

void scanner_free(struct scanner **scanner)
{
    if (!*scanner)
        return;
    while ((*scanner)->jobs)
        job_free((*scanner)->jobs);
    sd_event_unref((*scanner)->loop);
    free(*scanner);
    *scanner = NULL;
}

size_t scanner_busy(const struct scanner *scanner)
{
    return scanner->count;
}

static void finish(struct job *job, const char *trouble)
{
    struct scanner *scanner = job->scanner;

    if (trouble) {
        job->answer = (struct answer){0};
        job->answer.result = reason_set(&job->answer.why, -EPROTO, "%s", trouble);
    }
    scanner->listener(scanner->context, job->image, &job->answer.located, job->answer.result,
                      &job->answer.why);
    job_free(job);
}

static int on_pipe(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct job *job = context;
    size_t left = sizeof(job->answer) - job->received;
    ssize_t n = read(fd, (char *)&job->answer + job->received, left);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    job->received += n > 0 ? (size_t)n : 0;
    if (job->received == sizeof(job->answer))
        finish(job, NULL);
    else if (n <= 0)
        finish(job, "the child that looked into it has ended without an answer");
    return 0;
}

static int on_deadline(sd_event_source *source, uint64_t time, void *context)
{
    finish(context, "looking into it took too long");
    return 0;
}

_Noreturn static void run_child(const struct scanner *scanner, int image, const char *path, int out)
{
    struct answer *answer = calloc(1, sizeof(*answer));
    const struct located *located = NULL;
    struct locator *locator = NULL;
    size_t sent = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!answer || locator_new(&locator, &scanner->options) < 0)
        _exit(1);
    answer->result = locator_find(locator, image, path, &located, &answer->why);
    if (answer->result == 0)
        answer->located = *located;
    while (sent < sizeof(*answer)) {
        ssize_t n = write(out, (const char *)answer + sent, sizeof(*answer) - sent);

        if (n <= 0)
            _exit(1);
        sent += (size_t)n;
    }
    _exit(0);
}

static bool is_under_way(const struct scanner *scanner, const struct stat *status)
{
    for (const struct job *job = scanner->jobs; job; job = job->next)
        if (job->status.st_dev == status->st_dev && job->status.st_ino == status->st_ino)
            return true;
    return false;
}

static int listen_to(struct job *job)
{
    sd_event *loop = job->scanner->loop;
    int r = sd_event_add_io(loop, &job->io, job->pipe, EPOLLIN, on_pipe, job);

    if (r >= 0)
        r = sd_event_add_time_relative(loop, &job->deadline, CLOCK_MONOTONIC, DEADLINE_US, 0,
                                       on_deadline, job);
    return r < 0 ? r : 0;
}

static int begin(struct scanner *scanner, int image, const char *path, const struct stat *status)
{
    struct job *job = calloc(1, sizeof(*job));
    _close_ int fd = image, out = -1;
    int pipe_fds[2];

    if (!job)
        return -ENOMEM;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return free(job), -errno;
    fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
    out = pipe_fds[1];
    *job = (struct job){.scanner = scanner,
                        .image = TAKE_FD(fd),
                        .pipe = pipe_fds[0],
                        .status = *status,
                        .next = scanner->jobs};
    scanner->jobs = job;
    scanner->count++;
    job->child = fork();
    if (job->child == 0)
        run_child(scanner, job->image, path, out);
    if (job->child < 0 || listen_to(job) < 0)
        return job_free(job), -EAGAIN;
    return 0;
}

int scanner_start(struct scanner *scanner, int fd, const char *path, struct reason *why)
{
    _close_ int image = fd;
    struct stat status;
    int r;

    if (fstat(image, &status) < 0)
        return reason_set(why, -errno, "can't be read: %s", strerror(errno));
    if (is_under_way(scanner, &status))
        return 0;
    if (scanner->count == JOBS_MAX)
        return reason_set(why, -EBUSY, "%d images are being looked into already", JOBS_MAX);
    r = begin(scanner, TAKE_FD(image), path, &status);
    return r < 0 ? reason_set(why, r, "no child process to look into it: %s", strerror(-r)) : 0;
}
