/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs commands by turns (A B C A B C ...) and prints for each run, separated by tabs: label,
 * microseconds on the wall clock, microseconds of processor time and the peak of resident memory
 * in KiB (of the largest process, when the command has children). A first round is not counted.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { CONTENDERS_MAX = 64 };

struct run {
    long wall_us, cpu_us, peak_kib;
    int status;
};

static long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static long in_us(struct timeval time)
{
    return time.tv_sec * 1000000 + time.tv_usec;
}

static void die(const char *what, const char *label, int number)
{
    fprintf(stderr, "stopwatch: %s: %s %d\n", label, what, number);
    exit(1);
}

/* The command hears nothing and is not heard. */
static struct run run_once(char **words, posix_spawn_file_actions_t *silence)
{
    extern char **environ;
    struct rusage used = {};
    long start = now_us();
    int error, status = 0;
    pid_t pid;

    error = posix_spawnp(&pid, words[1], silence, NULL, words + 1, environ);
    if (error)
        die("cannot be started, error", words[0], error);
    wait4(pid, &status, 0, &used);
    return (struct run){
        .wall_us = now_us() - start,
        .cpu_us = in_us(used.ru_utime) + in_us(used.ru_stime),
        .peak_kib = used.ru_maxrss,
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
    };
}

static void run_in_turn(char ***contenders, int count, int rounds, int worst)
{
    posix_spawn_file_actions_t silence;

    posix_spawn_file_actions_init(&silence);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&silence, fd, "/dev/null", O_RDWR, 0);
    for (int round = 0; round <= rounds; round++) {
        for (int i = 0; i < count; i++) {
            struct run run = run_once(contenders[i], &silence);

            if (run.status > worst)
                die("ended with", contenders[i][0], run.status);
            if (round > 0)
                printf("%s\t%ld\t%ld\t%ld\n", contenders[i][0], run.wall_us, run.cpu_us,
                       run.peak_kib);
        }
    }
    posix_spawn_file_actions_destroy(&silence);
}

int main(int argc, char **argv)
{
    char **contenders[CONTENDERS_MAX];
    int count = 0;

    for (int i = 3; i < argc && count < CONTENDERS_MAX; i++) {
        contenders[count++] = argv + i;
        while (i < argc && strcmp(argv[i], "--") != 0)
            i++;
        argv[i] = NULL;
    }
    if (count == 0 || count == CONTENDERS_MAX) {
        fputs("usage: stopwatch ROUNDS WORST_STATUS LABEL COMMAND [ARG...] [-- LABEL ...]\n",
              stderr);
        return 2;
    }
    run_in_turn(contenders, count, atoi(argv[1]), atoi(argv[2]));
    return 0;
}
