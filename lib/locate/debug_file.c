/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/debug_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "util/text.h"

#define SYSTEM_FOLDER "/usr/lib/debug"

/* Opens a regular file by a path that is put together; -ENOENT for anything else. */
_printf_(2, 3) static int try_path(struct reason *found, const char *format, ...)
{
    _close_ int fd = -1;
    char path[PATH_MAX];
    struct stat status;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    if (n < 0 || n >= PATH_MAX)
        return -ENOENT;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return -ENOENT;
    reason_set(found, 0, "%s", path);
    text_printable(found->text); /* the path may be one in the process's own root */
    return TAKE_FD(fd);
}

static int try_folder(const struct identity *identity, const char *name, const char *folder,
                      struct reason *found)
{
    char id[BUILD_ID_TEXT_MAX];
    int fd = -ENOENT;

    build_id_format(&identity->build_id, id);
    if (identity->build_id.length > 1) {
        fd = try_path(found, "%s/.build-id/%.2s/%s.debug", folder, id, id + 2);
        if (fd < 0)
            fd = try_path(found, "%s/_.debug/elf-buildid-sym-%s/_.debug", folder, id);
        if (fd < 0)
            fd = try_path(found, "%s/%s.dbg/elf-buildid-sym-%s/%s.dbg", folder, name, id, name);
    }
    if (fd < 0 && identity->debuglink[0])
        fd = try_path(found, "%s/%s", folder, identity->debuglink);
    if (fd < 0 && name[0])
        fd = try_path(found, "%s/%s.dbg", folder, name);
    return fd;
}

static int try_beside(const struct identity *identity, const char *name, const char *path,
                      struct reason *found)
{
    int length = (int)(name - path), fd = -ENOENT;

    if (identity->debuglink[0]) {
        fd = try_path(found, "%.*s%s", length, path, identity->debuglink);
        if (fd < 0)
            fd = try_path(found, "%.*s.debug/%s", length, path, identity->debuglink);
        if (fd < 0)
            fd = try_path(found, SYSTEM_FOLDER "/%.*s%s", length, path, identity->debuglink);
    }
    return fd < 0 ? try_path(found, "%s.dbg", path) : fd;
}

int debug_file_open(const struct identity *identity, const char *path, const char *const *folders,
                    size_t count, struct reason *found)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    const char *name = slash ? slash + 1 : path ? path : "";
    int fd = -ENOENT;

    for (size_t i = 0; i < count && fd < 0; i++)
        fd = try_folder(identity, name, folders[i], found);
    if (fd < 0)
        fd = try_folder(identity, name, SYSTEM_FOLDER, found);
    if (fd < 0 && path)
        fd = try_beside(identity, name, path, found);
    return fd;
}
