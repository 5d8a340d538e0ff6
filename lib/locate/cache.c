/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/cache.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "locate/pack.h"

static const char *const subfolders[] = {
    [PACK_SCANNED] = "scan-" CLRMON_VERSION,
    [PACK_IMPORTED] = "import",
};

void cache_default_folder(char *path, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (geteuid() == 0)
        snprintf(path, size, "/var/cache/clrmon");
    else if (cache && cache[0] == '/')
        snprintf(path, size, "%s/clrmon", cache);
    else if (home && home[0] == '/')
        snprintf(path, size, "%s/.cache/clrmon", home);
    else
        path[0] = 0;
}

static int file_path(const char *folder, enum pack_origin origin, const struct build_id *id,
                     const char *suffix, char path[static PATH_MAX])
{
    char name[BUILD_ID_TEXT_MAX];
    int n;

    build_id_format(id, name);
    n = snprintf(path, PATH_MAX, "%s/%s/%s%s", folder, subfolders[origin], name, suffix);
    return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* A file that nobody but root and we could have put there. */
static int check_owner(int fd, off_t *size)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || (status.st_uid != 0 && status.st_uid != geteuid()) ||
        status.st_mode & (S_IWGRP | S_IWOTH))
        return -EPERM;
    if (status.st_size > PACK_SIZE_MAX)
        return -EFBIG;
    *size = status.st_size;
    return 0;
}

int cache_read(const char *folder, enum pack_origin origin, const struct build_id *id,
               struct inspection *out, struct reason *why)
{
    _free_ char *text = NULL;
    _close_ int fd = -1;
    char path[PATH_MAX];
    struct reason bad;
    off_t size = 0;
    ssize_t n;
    int r;

    if (!id->length || file_path(folder, origin, id, ".json", path) < 0)
        return -ENOENT;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return reason_set(why, -errno, "%s: %s", path, strerror(errno));
    r = check_owner(fd, &size);
    if (r < 0)
        return reason_set(why, r, "%s: not used: others may write it, or it is no pack", path);
    text = malloc((size_t)size + 1);
    n = text ? read(fd, text, (size_t)size) : -1;
    if (n < 0)
        return reason_set(why, -EIO, "%s: can't be read", path);
    r = pack_parse(text, (size_t)n, out, &bad);
    return r < 0 ? reason_set(why, r, "%s: %.100s", path, bad.text) : 0;
}

static int make_folders(const char *folder, enum pack_origin origin)
{
    char path[PATH_MAX], *slash;

    if (mkdir(folder, 0755) < 0 && errno == ENOENT) { /* a first run may lack ~/.cache as well */
        snprintf(path, sizeof(path), "%s", folder);
        slash = strrchr(path, '/');
        if (!slash)
            return -ENOENT;
        *slash = 0;
        if (mkdir(path, 0700) < 0 || mkdir(folder, 0755) < 0)
            return -errno;
    }
    if (snprintf(path, sizeof(path), "%s/%s", folder, subfolders[origin]) >= PATH_MAX)
        return -ENAMETOOLONG;
    return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_file(const char *path, const json_t *pack)
{
    _close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    _free_ char *text = json_dumps(pack, JSON_INDENT(1));

    if (fd < 0)
        return -errno;
    if (!text)
        return -ENOMEM;
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -EIO;
}

int cache_write(const char *folder, enum pack_origin origin, const struct inspection *inspection,
                struct reason *why)
{
    const struct build_id *id = &inspection->identity.build_id;
    char path[PATH_MAX], temporary[PATH_MAX], suffix[32];
    json_t *pack;
    int r = make_folders(folder, origin);

    if (r < 0)
        return reason_set(why, r, "%s: can't be made: %s", folder, strerror(-r));
    snprintf(suffix, sizeof(suffix), ".%d.tmp", (int)getpid());
    if (!id->length || file_path(folder, origin, id, ".json", path) < 0 ||
        file_path(folder, origin, id, suffix, temporary) < 0)
        return reason_set(why, -EINVAL, "no build id, or too long a path");
    pack = pack_encode(inspection);
    unlink(temporary); /* of a process that had our pid and was killed */
    r = pack ? write_file(temporary, pack) : -ENOMEM;
    json_decref(pack);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(temporary);
        return reason_set(why, r, "%s: can't be written: %s", path, strerror(-r));
    }
    return 0;
}
