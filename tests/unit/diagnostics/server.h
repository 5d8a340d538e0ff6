/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/process.h"

/*
 * A process with a diagnostics socket that behaves as it is told: the test's own program, started
 * again with a folder of its own as TMPDIR. Its main() begins with serve_if_asked().
 */

#define SERVED_SESSION 0x7f0012345678ull

struct server {
    pid_t pid;
    char folder[32];
    char path[128]; /* of the socket */
    struct process process;
};

/* In the child */

static inline void serve_bytes(int fd, const void *bytes, size_t size)
{
    (void)!send(fd, bytes, size, MSG_NOSIGNAL);
}

static inline void serve_answer(int fd, uint8_t response, const void *payload, size_t size)
{
    uint8_t message[64] = "DOTNET_IPC_V1";

    message[14] = (uint8_t)(20 + size);
    message[16] = 0xff;
    message[17] = response;
    memcpy(message + 20, payload, size);
    serve_bytes(fd, message, 20 + size);
}

static inline void serve_slowly(int fd)
{
    for (int i = 0; i < 100; i++) {
        serve_bytes(fd, "DOTNET_IPC_V1\0\x1c\0\xff" + i % 17, 1);
        usleep(20000);
    }
}

static inline void serve_stream(int fd, const char *how)
{
    static const uint8_t start[] = "Nettrace\x14\0\0\0!FastSerialization.1"
                                   "\5\5\1\4\0\0\0\4\0\0\0\5\0\0\0Trace\6";
    static const uint8_t fields[48] = {[8] = 1, [24] = 1, [32] = 8};

    if (strcmp(how, "badstream") == 0) {
        serve_bytes(fd, "Nonsense", 8);
        return;
    }
    serve_bytes(fd, start, sizeof(start) - 1);
    serve_bytes(fd, fields, sizeof(fields));
    serve_bytes(fd, "\6", 1);
    if (strcmp(how, "quits") == 0)
        _exit(0);
}

static inline void serve_begin(int fd, const char *how, int *stream)
{
    const uint64_t session = SERVED_SESSION;

    serve_answer(fd, 0, &session, strcmp(how, "liar") == 0 ? 4 : sizeof(session));
    *stream = dup(fd);
    serve_stream(*stream, how);
}

static inline void serve_stop(int fd, const char *how, const uint8_t *id, int *stream)
{
    const uint64_t session = SERVED_SESSION;

    if (memcmp(id, &session, sizeof(session)) != 0 && strcmp(how, "stubborn") != 0)
        _exit(1);
    if (strcmp(how, "unclosed") != 0) {
        serve_bytes(*stream, "\1", strcmp(how, "cut") != 0);
        close(*stream);
        *stream = -1;
    }
    serve_answer(fd, 0, &session, sizeof(session));
}

static inline bool serve_wrongly(int fd, const char *how)
{
    static const uint8_t ones[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t thousand[] = {0xe8, 0x03, 0, 0, 0, 0};

    if (strcmp(how, "garbage") == 0)
        serve_bytes(fd, "HTTP/1.1 400 Bad Request, and more of the kind", 46);
    else if (strcmp(how, "half") == 0)
        serve_bytes(fd, "DOTNET_IPC_V1", 14);
    else if (strcmp(how, "huge") == 0)
        serve_bytes(fd, "DOTNET_IPC_V1\0\xff\xff\xff\0\0\0more", 24);
    else if (strcmp(how, "ones") == 0)
        serve_answer(fd, 0, ones, sizeof(ones));
    else if (strcmp(how, "endless") == 0 || strcmp(how, "cut off") == 0)
        serve_answer(fd, 0, thousand, sizeof(thousand));
    else if (strcmp(how, "slow") == 0)
        serve_slowly(fd);
    else
        return strcmp(how, "hangup") == 0;
    return true;
}

static inline void serve_one(int fd, const char *how, int *stream)
{
    static const uint8_t unknown[] = {0x85, 0x13, 0x13, 0x80};
    uint8_t request[4096];
    bool mute = strcmp(how, "silent") == 0 || (*stream >= 0 && strcmp(how, "mute") == 0);
    bool wrong = recv(fd, request, sizeof(request), 0) < 20 || serve_wrongly(fd, how);

    if (mute || strcmp(how, "endless") == 0)
        (void)dup(fd); /* stays open */
    else if (wrong)
        return;
    else if (request[16] != 2)
        serve_answer(fd, 0xff, unknown, sizeof(unknown));
    else if (request[17] == 1)
        serve_stop(fd, how, request + 20, stream);
    else
        serve_begin(fd, how, stream);
}

static inline int serve(const char *how)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), stream = -1;
    struct process own;

    if (strcmp(how, "starting") == 0)
        prctl(PR_SET_NAME, ".NET EventPipe");
    if (process_read(getpid(), &own, NULL) < 0)
        return 1;
    snprintf(address.sun_path, sizeof(address.sun_path),
             "%s/dotnet-diagnostic-%d-%" PRIu64 "-socket", getenv("TMPDIR"), own.namespace_pid,
             own.start_time);
    if (strcmp(how, "none") != 0 && (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
                                     (strcmp(how, "deaf") != 0 && listen(fd, 8) < 0)))
        return 1;
    puts(address.sun_path);
    fflush(stdout);
    for (;;) {
        int client = accept(fd, NULL, NULL);

        if (client < 0)
            pause();
        serve_one(client, how, &stream);
        close(client);
    }
}

static inline void serve_if_asked(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "serve") == 0)
        exit(serve(arguments[2]));
}

/* In the test */

static inline void server_start(struct server *out, const char *how)
{
    char how_copy[32], setting[64];
    int ends[2];

    *out = (struct server){.folder = "/tmp/clrmon-unit.XXXXXX"};
    assert_non_null(mkdtemp(out->folder));
    snprintf(how_copy, sizeof(how_copy), "%s", how);
    snprintf(setting, sizeof(setting), "TMPDIR=%s", out->folder);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    out->pid = fork();
    if (out->pid == 0) {
        char *arguments[] = {(char[]){"server"}, (char[]){"serve"}, how_copy, NULL};
        char *environment[] = {setting, (char[]){"ASAN_OPTIONS=detect_leaks=0"}, NULL};

        dup2(ends[1], STDOUT_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execve("/proc/self/exe", arguments, environment);
        _exit(127);
    }
    close(ends[1]);
    assert_true(out->pid > 0);
    assert_true(read(ends[0], out->path, sizeof(out->path) - 1) > 0);
    out->path[strcspn(out->path, "\n")] = '\0';
    close(ends[0]);
    assert_int_equal(process_read(out->pid, &out->process, NULL), 0);
}

static inline void server_stop(struct server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    unlink(server->path);
    rmdir(server->folder);
}
