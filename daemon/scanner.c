/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner.h"

#include <string.h>
#include <sys/stat.h>

#include "errand.h"

#define JOBS_MAX    8
#define DEADLINE_US (60 * UINT64_C(1000000))

struct answer {
    int result;
    struct reason why;
    struct located located;
};

struct job {
    struct scanner *scanner;
    struct job *next;
    int image;
    struct stat status;
    const char *path; /* while it begins */
    struct errand *errand;
};

struct scanner {
    struct errands *errands;
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
    int r = scanner ? errands_new(&scanner->errands, loop, JOBS_MAX, DEADLINE_US) : -ENOMEM;

    if (r < 0) {
        free(scanner);
        return r;
    }
    scanner->options = *options;
    scanner->listener = listener;
    scanner->context = context;
    *out = scanner;
    return 0;
}

static void job_free(struct job *job)
{
    struct job **at = &job->scanner->jobs;

    while (*at && *at != job)
        at = &(*at)->next;
    if (*at) {
        *at = job->next;
        job->scanner->count--;
    }
    errand_cancel(&job->errand);
    cleanup_close(&job->image);
    free(job);
}

void scanner_free(struct scanner **scanner)
{
    if (!*scanner)
        return;
    while ((*scanner)->jobs)
        job_free((*scanner)->jobs);
    errands_free(&(*scanner)->errands);
    free(*scanner);
    *scanner = NULL;
}

size_t scanner_busy(const struct scanner *scanner)
{
    return scanner->count;
}

static void look(void *data, int fd, void *reply)
{
    const struct job *job = data;
    const struct located *located = NULL;
    struct locator *locator = NULL;
    struct answer *answer = reply;

    answer->result = locator_new(&locator, &job->scanner->options);
    if (answer->result < 0)
        return;
    answer->result = locator_find(locator, fd, job->path, &located, &answer->why);
    if (answer->result == 0)
        answer->located = *located;
}

static void take_answer(void *context, const void *reply, const char *trouble)
{
    static const struct located nothing;
    const struct answer *answer = reply;
    struct job *job = context;
    struct scanner *scanner = job->scanner;
    struct reason why = {""};
    int r = answer ? answer->result : reason_set(&why, -EPROTO, "%s", trouble);

    job->errand = NULL;
    scanner->listener(scanner->context, job->image, answer ? &answer->located : &nothing, r,
                      answer ? &answer->why : &why);
    job_free(job);
}

static bool is_under_way(const struct scanner *scanner, const struct stat *status)
{
    for (const struct job *job = scanner->jobs; job; job = job->next)
        if (job->status.st_dev == status->st_dev && job->status.st_ino == status->st_ino)
            return true;
    return false;
}

static int begin(struct scanner *scanner, int fd, const char *path, const struct stat *status)
{
    struct job *job = calloc(1, sizeof(*job));
    struct errand_task task = {.work = look,
                               .data = job,
                               .fd = fd,
                               .size = sizeof(struct answer),
                               .end = take_answer,
                               .context = job};
    int r;

    if (!job)
        return -ENOMEM;
    *job = (struct job){.scanner = scanner, .image = -1, .status = *status, .path = path};
    r = errand_begin(scanner->errands, &task, &job->errand);
    job->path = NULL;
    if (r < 0) {
        free(job);
        return r;
    }
    job->image = fd;
    job->next = scanner->jobs;
    scanner->jobs = job;
    scanner->count++;
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
    r = begin(scanner, image, path, &status);
    if (r == 0)
        TAKE_FD(image);
    if (r == -EBUSY)
        return reason_set(why, r, "%d images are being looked into already", JOBS_MAX);
    return r < 0 ? reason_set(why, r, "no child process to look into it: %s", strerror(-r)) : 0;
}
