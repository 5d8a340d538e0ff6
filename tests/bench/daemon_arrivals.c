/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long after a change does a line of "clrmon events -f -o jsonl" arrive? The contenders take
 * turns: each changes something and has its own stream of lines (commands for the shell). A change
 * "@N" is two, "on" and then "off", to be written to descriptor N and each waited for; any other is
 * a command that changes what it likes until it ends. All streams are listened to at all times, so
 * that a line is stamped when it arrives, with the clock that events are stamped with.
 *
 * Prints for each event of the GC, separated by tabs: label; microseconds from the event's own
 * time; microseconds from our change, "-" when it is not the first line after one; cause; level.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CONTENDERS_MAX = 16,
    STREAM_BYTES = 1 << 16,
    SETTLE_US = 1500000,
    PAUSE_US = 50000,
    PAUSE_MORE_US = 300000,
    PATIENCE_US = 15000000,
    LOOK_US = 20000,
};

struct contender {
    const char *label, *change;
    pid_t stream;
    int fd;
    size_t length;
    int64_t changed_us; /* 0: no line is awaited */
    char text[STREAM_BYTES];
};

static struct contender contenders[CONTENDERS_MAX];
static int count;

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void die(const char *what, const char *label)
{
    fprintf(stderr, "daemon_arrivals: %s: %s\n", label, what);
    exit(1);
}

/* The value of a member that is a string or a number, where it first occurs after @from. */
static void member(const char *from, const char *name, char *out, size_t size)
{
    const char *at = from ? strstr(from, name) : NULL;
    size_t length;

    out[0] = 0;
    if (!at)
        return;
    at += strlen(name);
    at += *at == '"';
    length = strcspn(at, "\",}");
    snprintf(out, size, "%.*s", (int)length, at);
}

static int64_t parse_time(const char *text)
{
    struct tm date = {0};
    int microseconds = 0;

    if (sscanf(text, "%d-%d-%dT%d:%d:%d.%6dZ", &date.tm_year, &date.tm_mon, &date.tm_mday,
               &date.tm_hour, &date.tm_min, &date.tm_sec, &microseconds) != 7)
        return 0;
    date.tm_year -= 1900;
    date.tm_mon--;
    return timegm(&date) * INT64_C(1000000) + microseconds;
}

static void take_line(struct contender *contender, const char *line, int64_t arrived_us)
{
    char time[64], cause[32], level[16], since_change[32] = "-";

    if (!strstr(line, "\"kind\":\"gc.events\""))
        return;
    member(line, "\"time\":", time, sizeof(time));
    member(line, "\"cause\":", cause, sizeof(cause));
    member(strstr(line, "\"new\":"), "\"level\":", level, sizeof(level));
    if (contender->changed_us)
        snprintf(since_change, sizeof(since_change), "%lld",
                 (long long)(arrived_us - contender->changed_us));
    contender->changed_us = 0;
    printf("%s\t%lld\t%s\t%s\t%s\n", contender->label, (long long)(arrived_us - parse_time(time)),
           since_change, cause, level);
}

static void take_lines(struct contender *contender)
{
    size_t room = sizeof(contender->text) - 1 - contender->length;
    ssize_t n = read(contender->fd, contender->text + contender->length, room);
    int64_t arrived_us = now_us();
    char *line = contender->text, *end;

    if (n <= 0)
        die("its stream of events has ended", contender->label);
    contender->length += (size_t)n;
    contender->text[contender->length] = 0;
    for (; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        take_line(contender, line, arrived_us);
    }
    contender->length -= (size_t)(line - contender->text);
    memmove(contender->text, line, contender->length);
}

/* Until @until_us, or until the line that @awaits awaits is there. */
static void listen_until(int64_t until_us, const struct contender *awaits)
{
    struct pollfd waits[CONTENDERS_MAX];
    int64_t left;

    for (int i = 0; i < count; i++)
        waits[i] = (struct pollfd){.fd = contenders[i].fd, .events = POLLIN};
    while ((left = until_us - now_us()) > 0 && !(awaits && !awaits->changed_us)) {
        struct timespec timeout = {left / 1000000, left % 1000000 * 1000};

        if (ppoll(waits, (nfds_t)count, &timeout, NULL) <= 0)
            continue;
        for (int i = 0; i < count; i++)
            if (waits[i].revents)
                take_lines(&contenders[i]);
    }
}

static pid_t start(const char *command, int *out)
{
    int fds[2];
    pid_t child;

    if (pipe(fds) < 0)
        die("no pipe", command);
    child = fork();
    if (child == 0) {
        dup2(out ? fds[1] : open("/dev/null", O_WRONLY), STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    close(fds[1]);
    if (out)
        *out = fds[0];
    else
        close(fds[0]);
    return child;
}

static void toggle(struct contender *contender)
{
    static const char *const words[] = {"on\n", "off\n"};

    for (int i = 0; i < 2; i++) {
        listen_until(now_us() + PAUSE_US + rand() % PAUSE_MORE_US, NULL);
        contender->changed_us = now_us();
        if (write(atoi(contender->change + 1), words[i], strlen(words[i])) < 0)
            die("cannot be told to change", contender->label);
        listen_until(contender->changed_us + PATIENCE_US, contender);
        if (contender->changed_us)
            die("no line came", contender->label);
    }
}

static void run_command(struct contender *contender)
{
    pid_t child = start(contender->change, NULL);
    int status;

    contender->changed_us = 0;
    while (waitpid(child, &status, WNOHANG) == 0)
        listen_until(now_us() + LOOK_US, NULL);
    listen_until(now_us() + PAUSE_US + PAUSE_MORE_US, NULL);
    if (status != 0)
        die("its command has failed", contender->label);
}

static void run_in_turn(int rounds)
{
    listen_until(now_us() + SETTLE_US, NULL);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < count; i++) {
            if (contenders[i].change[0] == '@')
                toggle(&contenders[i]);
            else
                run_command(&contenders[i]);
        }
        fflush(stdout);
    }
}

static void end_streams(void)
{
    for (int i = 0; i < count; i++) {
        kill(contenders[i].stream, SIGTERM);
        waitpid(contenders[i].stream, NULL, 0);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5 || (argc - 2) % 3 != 0 || (argc - 2) / 3 > CONTENDERS_MAX) {
        fputs("usage: daemon_arrivals ROUNDS LABEL CHANGE STREAM [LABEL CHANGE STREAM]...\n",
              stderr);
        return 2;
    }
    for (int i = 2; i < argc; i += 3) {
        struct contender *contender = &contenders[count++];

        contender->label = argv[i];
        contender->change = argv[i + 1];
        contender->stream = start(argv[i + 2], &contender->fd);
    }
    run_in_turn(atoi(argv[1]));
    end_streams();
    return 0;
}
