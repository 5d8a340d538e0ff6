/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnostics/endpoint.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include "proc/procfs.h"
#include "util/text.h"

const char *endpoint_directory(const char *tmpdir)
{
    return tmpdir && *tmpdir ? tmpdir : "/tmp";
}

bool endpoint_is_off(const struct environment *environment, struct reason *why)
{
    static const char *const names[] = {"EnableDiagnostics", "EnableDiagnostics_IPC"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct knob knob = environment_knob(environment, names[i]);

        if (knob.value && knob_number(knob.value, 1) == 0) {
            reason_set(why, 0, "%s%s=0 switches its diagnostics off", knob_prefix_text(knob.prefix),
                       names[i]);
            return true;
        }
    }
    return false;
}

/* As if @root were the root of everything: a link in there leads to nowhere else. */
static int open_inside(int root, const char *path)
{
    const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                                 .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

    return fd < 0 ? -errno : fd;
}

static int open_directory(const struct process *process, const char *tmpdir, struct reason *why)
{
    const char *directory = endpoint_directory(tmpdir);
    char printable[64];
    _close_ int root = procfs_open(process->pid, directory[0] == '/' ? "root" : "cwd", O_PATH);
    int fd;

    if (root < 0)
        return procfs_reason(process->pid, root, why);
    fd = open_inside(root, directory);
    if (fd >= 0)
        return fd;
    text_copy(printable, sizeof(printable), directory);
    text_printable(printable);
    return reason_set(why, fd, "its folder for temporary files, %s: %s", printable, strerror(-fd));
}

static bool fits_an_address(const char *directory, const char *name)
{
    struct sockaddr_un address;

    return strlen(directory) + strlen("/") + strlen(name) < sizeof(address.sun_path);
}

static int explain_missing(const struct environment *environment, int error,
                           const struct endpoint *endpoint, struct reason *why)
{
    const char *directory = endpoint_directory(environment_get(environment, "TMPDIR"));
    char printable[64];

    if (error != -ENOENT)
        return reason_set(why, error, "its diagnostics socket: %s", strerror(-error));
    if (endpoint_is_off(environment, why))
        return error;
    if (!fits_an_address(directory, endpoint->name))
        return reason_set(why, error,
                          "process %d has no diagnostics socket: its TMPDIR is too long for one",
                          endpoint->process.pid);
    text_copy(printable, sizeof(printable), directory);
    text_printable(printable);
    return reason_set(why, error,
                      "process %d has no diagnostics socket in %s: no .NET Core 3.0 or later, "
                      "still starting, switched off, or it was removed",
                      endpoint->process.pid, printable);
}

static int check_file(int fd, const struct process *process, struct reason *why)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return reason_set(why, -errno, "its diagnostics socket: %s", strerror(errno));
    if (S_ISLNK(status.st_mode))
        return reason_set(why, -EPERM, "its diagnostics socket is a symbolic link: not followed");
    if (!S_ISSOCK(status.st_mode))
        return reason_set(why, -EPERM, "its diagnostics socket is no socket");
    if (status.st_uid != process->uid && status.st_uid != 0)
        return reason_set(why, -EPERM,
                          "its diagnostics socket belongs to user %u, the process to user %u",
                          status.st_uid, process->uid);
    return 0;
}

static int find(struct endpoint *endpoint, const struct environment *environment,
                struct reason *why)
{
    _close_ int directory =
        open_directory(&endpoint->process, environment_get(environment, "TMPDIR"), why);
    int error;

    if (directory < 0)
        return directory;
    endpoint->fd = openat(directory, endpoint->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (endpoint->fd < 0)
        return explain_missing(environment, -errno, endpoint, why);
    error = check_file(endpoint->fd, &endpoint->process, why);
    if (error < 0)
        endpoint_close(endpoint);
    return error;
}

int endpoint_open(const struct process *process, struct endpoint *out, struct reason *why)
{
    struct environment environment __attribute__((cleanup(environment_close))) = {0};
    int error;

    *out = (struct endpoint){.process = *process, .fd = -1};
    snprintf(out->name, sizeof(out->name), "dotnet-diagnostic-%d-%" PRIu64 "-socket",
             process->namespace_pid, process->start_time);
    error = environment_read(process->pid, &environment, why);
    return error < 0 ? error : find(out, &environment, why);
}

void endpoint_close(struct endpoint *endpoint)
{
    cleanup_close(&endpoint->fd);
    endpoint->fd = -1;
}

/* Who called listen(), as the kernel noted it: 0 for a process that we cannot see. */
static int check_listener(int fd, const struct process *process, struct reason *why)
{
    struct ucred listener;
    socklen_t size = sizeof(listener);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) < 0)
        return reason_set(why, -errno, "who listens at its diagnostics socket: %s",
                          strerror(errno));
    if (listener.pid != 0 && listener.pid != process->pid)
        return reason_set(why, -EPERM, "process %d listens at the diagnostics socket of process %d",
                          listener.pid, process->pid);
    return 0;
}

static int explain_connect(int error, int deadline_ms, struct reason *why)
{
    switch (error) {
    case EAGAIN:
        return reason_set(why, -ETIMEDOUT,
                          "its diagnostics socket takes no connection within %d ms", deadline_ms);
    case ECONNREFUSED:
        return reason_set(why, -ECONNREFUSED, "nobody listens at its diagnostics socket any more");
    case EACCES:
        return reason_set(why, -EACCES, "no rights to its diagnostics socket: be its user or root");
    default:
        return reason_set(why, -error, "its diagnostics socket: %s", strerror(error));
    }
}

/* A Unix socket's connect() waits for room in the queue as long as a send may take. */
int endpoint_connect(const struct endpoint *endpoint, int deadline_ms, struct reason *why)
{
    struct timeval limit = {.tv_sec = deadline_ms / 1000, .tv_usec = deadline_ms % 1000 * 1000};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    if (deadline_ms <= 0)
        return explain_connect(EAGAIN, 0, why);
    if (fd < 0)
        return reason_set(why, -errno, "no socket: %s", strerror(errno));
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", endpoint->fd);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return explain_connect(errno, deadline_ms, why);
    error = check_listener(fd, &endpoint->process, why);
    if (error < 0)
        return error;
    return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : TAKE_FD(fd);
}
