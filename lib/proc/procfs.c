/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/procfs.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "util/number.h"

struct procfs_path {
    char text[96];
};

static struct procfs_path path_of(pid_t pid, const char *name)
{
    struct procfs_path path;

    snprintf(path.text, sizeof(path.text), "/proc/%d/%s", pid, name);
    return path;
}

int procfs_open(pid_t pid, const char *name, int flags)
{
    int fd = open(path_of(pid, name).text, flags | O_CLOEXEC);

    return fd >= 0 ? fd : -errno;
}

int procfs_reopen(int path)
{
    char name[64];
    int fd;

    snprintf(name, sizeof(name), "/proc/self/fd/%d", path);
    fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

static ssize_t read_fully(int fd, char *to, size_t size)
{
    size_t length = 0;

    while (length < size) {
        ssize_t got = read(fd, to + length, size - length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

ssize_t procfs_read(pid_t pid, const char *name, char *to, size_t size)
{
    _close_ int fd = procfs_open(pid, name, O_RDONLY);
    ssize_t length = fd;

    if (fd >= 0)
        length = read_fully(fd, to, size - 1);
    to[length > 0 ? length : 0] = '\0';
    return length;
}

ssize_t procfs_load(pid_t pid, const char *name, size_t most, char **out)
{
    _close_ int fd = procfs_open(pid, name, O_RDONLY);
    _free_ char *text = NULL;
    size_t room = 32 * 1024, length = 0;

    *out = NULL;
    if (fd < 0)
        return fd;
    for (;;) {
        char *grown = realloc(text, room + 1);
        ssize_t got;

        if (!grown)
            return -ENOMEM;
        text = grown;
        got = read_fully(fd, text + length, room - length);
        if (got < 0)
            return got;
        length += (size_t)got;
        if (length < room || room >= most)
            break;
        room = room * 2 < most ? room * 2 : most;
    }
    length = length < most ? length : most;
    text[length] = '\0';
    *out = TAKE_PTR(text);
    return (ssize_t)length;
}

ssize_t procfs_link(pid_t pid, const char *name, char *to, size_t size)
{
    ssize_t length = readlink(path_of(pid, name).text, to, size);
    int error = length < 0 ? -errno : (size_t)length == size ? -ENAMETOOLONG : 0;

    to[error ? 0 : length] = '\0';
    return error ? error : length;
}

int procfs_open_folder(pid_t pid, const char *name, DIR **out)
{
    *out = opendir(path_of(pid, name).text);
    return *out ? 0 : -errno;
}

bool procfs_next(DIR *directory, pid_t *number)
{
    struct dirent *entry;
    uint64_t value;

    while ((entry = readdir(directory))) {
        if (number_decimal(entry->d_name, INT_MAX, &value) == 0) {
            *number = (pid_t)value;
            return true;
        }
    }
    return false;
}

int procfs_reason(pid_t pid, int error, struct reason *why)
{
    bool shown = pid > 0 && access(path_of(pid, "").text, F_OK) == 0;
    bool exists = pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);

    if (error == -EACCES || error == -EPERM)
        return reason_set(why, -EACCES,
                          "no rights over process %d: be its user or root, or have CAP_SYS_PTRACE",
                          pid);
    if (error == -ENOENT && !shown && exists)
        return reason_set(why, -EACCES, "no rights over process %d: /proc hides it (hidepid)", pid);
    if (error == -ESRCH || !shown)
        return reason_set(why, -ESRCH, "no process %d", pid);
    return reason_set(why, error, "cannot read /proc/%d: %s", pid, strerror(-error));
}
