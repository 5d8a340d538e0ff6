/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process on the image that ../fixture/image.c makes, whose second thread, of the name that is
 * asked for, changes the GC's state. It looks like one of .NET if the image is named libcoreclr.so
 * and the thread ".NET Burst", and like nothing in particular, which no one probes, otherwise.
 * Prints "ready PID"; each line "WHAT CALLS RATE" on standard input is then done: WHAT is "public",
 * or "nothing" for calls that no one probes; RATE is in calls a second, 0 for as fast as it can.
 * Each call sets other keywords than the one before. Answers
 *
 *     done CALLS NANOSECONDS-OF-WALL NANOSECONDS-OF-PROCESSOR LEVEL KEYWORDS
 *
 * where level and keywords are those that are in force now. Ends when its input does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../fixture/image.h"

enum { TICK_NS = 1000000, LATE_TICKS_MAX = 5 };

struct state {
    uint32_t keywords, level;
};

static const struct fixture_gc *gc;
static struct state state;

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
    struct timespec until = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void call_some(int is_control, uint64_t calls)
{
    for (; calls; calls--) {
        if (is_control) {
            state.keywords = (state.keywords + 1) & 0x7fffffff;
            state.level = 4 + (state.keywords & 1);
            gc->control_public(NULL, state.keywords, state.level);
        } else {
            gc->is_server(NULL);
        }
    }
}

/* What is due at each tick; for as long as all of it takes at this rate, however few were done. */
static uint64_t call_at_rate(int is_control, uint64_t calls, uint64_t rate, uint64_t begun)
{
    uint64_t most = rate / 1000 * LATE_TICKS_MAX, duration = calls * 1000000000 / rate, done = 0;

    for (uint64_t passed = 0; passed < duration; passed = now_ns(CLOCK_MONOTONIC) - begun) {
        uint64_t due = (passed + TICK_NS) * rate / 1000000000;

        due = due < calls ? due : calls;
        due = due < done + most ? due : done + most;
        call_some(is_control, due > done ? due - done : 0);
        done = due > done ? due : done;
        sleep_until(begun + done * 1000000000 / rate);
    }
    return done;
}

static void run(const char *what, uint64_t calls, uint64_t rate)
{
    uint64_t wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
    int is_control = strcmp(what, "public") == 0;

    if (rate)
        calls = call_at_rate(is_control, calls, rate, wall);
    else
        call_some(is_control, calls);
    cpu = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
    wall = now_ns(CLOCK_MONOTONIC) - wall;
    printf("done %llu %llu %llu %u 0x%x\n", (unsigned long long)calls, (unsigned long long)wall,
           (unsigned long long)cpu, state.level, state.keywords);
    fflush(stdout);
}

static void *serve(void *name)
{
    unsigned long long calls, rate;
    char line[128], what[16];

    prctl(PR_SET_NAME, name);
    printf("ready %d\n", getpid());
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin))
        if (sscanf(line, "%15s %llu %llu", what, &calls, &rate) == 3)
            run(what, calls, rate);
    return NULL;
}

int main(int argc, char **argv)
{
    void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
    const struct fixture_gc *(*initialize)(bool is_server) = NULL;
    pthread_t thread;

    if (library)
        *(void **)&initialize = dlsym(library, "coreclr_initialize");
    if (!initialize) {
        fprintf(stderr, "usage: daemon_burst LIBRARY NAME\n");
        return 2;
    }
    gc = initialize(false);
    if (pthread_create(&thread, NULL, serve, argv[2]) != 0)
        return 1;
    pthread_join(thread, NULL);
    return 0;
}
