/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command again and again for some time and watches the first thread of a process, which is
 * one that spins all that time. Prints, separated by tabs: how often the command was done; how
 * often the thread went off the run queue; for how many microseconds it was off it.
 *
 * A thread that spins leaves the run queue only when it is stopped: the time since the first look,
 * less the time it ran and the time it was ready to run, is the time for which it was stopped. This
 * holds on a busy machine too, where the longest gap in its clock is mostly the scheduler's doing.
 * Of the three the kernel brings the second up to date at each tick only, and what a hypervisor
 * takes is in none: the microseconds are rough, the number of times is not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SETTLE_US = 400000, IDLE_US = 50000, STEADY_US = 100, LOOKS_MAX = 20 };

struct look {
    long long now_us, ran_us, ready_us, switches;
};

static long long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000ll + now.tv_nsec / 1000;
}

static int read_text(int pid, const char *file, char *text, size_t size)
{
    char path[64];
    FILE *stream;
    size_t length;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, pid, file);
    stream = fopen(path, "re");
    if (!stream)
        return -errno;
    length = fread(text, 1, size - 1, stream);
    text[length] = '\0';
    fclose(stream);
    return length ? 0 : -ESRCH;
}

static int look_once(int pid, struct look *out)
{
    static const char key[] = "\nvoluntary_ctxt_switches:";
    char schedstat[128], status[4096];
    const char *switches;

    out->now_us = now_us();
    if (read_text(pid, "schedstat", schedstat, sizeof(schedstat)) < 0)
        return -ESRCH;
    if (now_us() - out->now_us > STEADY_US)
        return -EAGAIN;
    if (read_text(pid, "status", status, sizeof(status)) < 0)
        return -ESRCH;
    switches = strstr(status, key);
    if (!switches || sscanf(schedstat, "%lld %lld", &out->ran_us, &out->ready_us) != 2)
        return -ESRCH;
    out->ran_us /= 1000;
    out->ready_us /= 1000;
    out->switches = atoll(switches + strlen(key));
    return 0;
}

/* Again when we were held up between the clock and the thread's times. */
static int look(int pid, struct look *out)
{
    struct look fresh = {};
    int r = -EAGAIN;

    for (int i = 0; i < LOOKS_MAX && r == -EAGAIN; i++)
        r = look_once(pid, &fresh);
    if (r == 0)
        *out = fresh;
    return r;
}

static int succeeds(char **words, posix_spawn_file_actions_t *silence)
{
    extern char **environ;
    int status = 1;
    pid_t child;

    if (posix_spawnp(&child, words[0], silence, NULL, words, environ) != 0)
        return 0;
    waitpid(child, &status, 0);
    return status == 0;
}

static int watch(int pid, long long end_us, char **words)
{
    posix_spawn_file_actions_t silence;
    struct look first = {}, last;
    long done = 0;

    posix_spawn_file_actions_init(&silence);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&silence, fd, "/dev/null", O_RDWR, 0);
    usleep(SETTLE_US);
    if (look(pid, &first) < 0)
        return 1;
    last = first;
    while (now_us() < end_us) {
        int success = words[0] ? succeeds(words, &silence) : usleep(IDLE_US);

        if (now_us() < end_us && look(pid, &last) == 0)
            done += success;
    }
    printf("%ld\t%lld\t%lld\n", done, last.switches - first.switches,
           (last.now_us - first.now_us) - (last.ran_us - first.ran_us) -
               (last.ready_us - first.ready_us));
    posix_spawn_file_actions_destroy(&silence);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: beside PID MILLISECONDS [COMMAND [ARG...]]\n", stderr);
        return 2;
    }
    return watch(atoi(argv[1]), now_us() + atoll(argv[2]) * 1000, argv + 3);
}
