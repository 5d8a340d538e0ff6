/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/image_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "proc/procfs.h"

/* Each gives an O_PATH descriptor of what it led to, or a negative errno. */
typedef int path_opener(pid_t pid, const struct mapping *mapping);

static int open_path_below(int root, const char *path)
{
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

    if (fd < 0 && errno == ENOSYS)
        fd = openat(root, path + 1, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : -errno;
}

/* What now has a deleted file's name is another one, even if it got the same inode number. */
static int open_below(int root, const struct mapping *mapping)
{
    _close_ int fd = mapping->path[0] == '/' ? open_path_below(root, mapping->path) : -ENOENT;

    return fd >= 0 && mapping->deleted ? -ESTALE : TAKE_FD(fd);
}

static int open_in_target_root(pid_t pid, const struct mapping *mapping)
{
    _close_ int root = procfs_open(pid, "root", O_PATH | O_DIRECTORY);

    return root < 0 ? root : open_below(root, mapping);
}

static int open_in_host_root(pid_t pid, const struct mapping *mapping)
{
    _close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    return root < 0 ? -errno : open_below(root, mapping);
}

static int open_executable(pid_t pid, const struct mapping *mapping)
{
    return procfs_open(pid, "exe", O_PATH);
}

static int open_mapped(pid_t pid, const struct mapping *mapping)
{
    char name[64];

    snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, mapping->start, mapping->end);
    return procfs_open(pid, name, O_PATH);
}

static const struct {
    const char *text;
    path_opener *open;
} ways[IMAGE_FILE_WAY_MAX] = {
    [IMAGE_FILE_TARGET_ROOT] = {"its path in the process's root", open_in_target_root},
    [IMAGE_FILE_HOST_ROOT] = {"its path in our root", open_in_host_root},
    [IMAGE_FILE_EXECUTABLE] = {"the process's exe link", open_executable},
    [IMAGE_FILE_MAPPED] = {"the process's map_files", open_mapped},
};

const char *image_file_way_text(enum image_file_way way)
{
    return ways[way].text;
}

static bool is_device_of(const struct stat *status, const struct mapping *mapping)
{
    return major(status->st_dev) == mapping->device_major &&
           minor(status->st_dev) == mapping->device_minor;
}

static bool has_other_devices_in_stat(int path)
{
    struct statfs system;

    return fstatfs(path, &system) == 0 &&
           (system.f_type == OVERLAYFS_SUPER_MAGIC || system.f_type == BTRFS_SUPER_MAGIC);
}

static int check_identity(int path, const struct mapping *mapping)
{
    struct stat status;

    if (fstat(path, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_ino != mapping->inode)
        return -ESTALE;
    return is_device_of(&status, mapping) || has_other_devices_in_stat(path) ? 0 : -ESTALE;
}

static int open_by(enum image_file_way way, pid_t pid, const struct mapping *mapping)
{
    _close_ int path = ways[way].open(pid, mapping);
    int error = path < 0 ? path : check_identity(path, mapping);

    return error < 0 ? error : procfs_reopen(path);
}

static int explain(pid_t pid, const struct mapping *mapping, const int errors[IMAGE_FILE_WAY_MAX],
                   struct reason *why)
{
    int error = errors[IMAGE_FILE_TARGET_ROOT];
    bool closed = errors[IMAGE_FILE_MAPPED] == -EPERM || errors[IMAGE_FILE_MAPPED] == -EACCES;
    _close_ int folder = procfs_open(pid, "", O_PATH);
    const char *hint = closed ? "; map_files needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN" : "";

    if (folder < 0)
        return procfs_reason(pid, folder, why);
    if (error == -ESTALE)
        return reason_set(why, -ESTALE, "its image was replaced since it was mapped%s", hint);
    if (error == -ENOENT && mapping->deleted)
        return reason_set(why, -ESTALE, "its image was deleted since it was mapped%s", hint);
    if (error == -ENOENT)
        return reason_set(why, -ESTALE, "its image is not where it was mapped from%s", hint);
    return procfs_reason(pid, error, why);
}

int image_file_open(pid_t pid, const struct mapping *mapping, enum image_file_way *way,
                    struct reason *why)
{
    int errors[IMAGE_FILE_WAY_MAX];

    if (mapping->inode == 0)
        return reason_set(why, -ENOENT, "this part of its memory is of no file");
    for (enum image_file_way i = 0; i < IMAGE_FILE_WAY_MAX; i++) {
        int fd = errors[i] = open_by(i, pid, mapping);

        if (fd < 0)
            continue;
        if (way)
            *way = i;
        return fd;
    }
    return explain(pid, mapping, errors, why);
}
