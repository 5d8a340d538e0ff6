/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "proc/maps.h"
#include "util/reason.h"

enum image_file_way {
    IMAGE_FILE_TARGET_ROOT, /* its path, below /proc/PID/root */
    IMAGE_FILE_HOST_ROOT,   /* its path, as the kernel spells that of a chroot()ed process */
    IMAGE_FILE_EXECUTABLE,  /* /proc/PID/exe */
    IMAGE_FILE_MAPPED,      /* /proc/PID/map_files/START-END */
    IMAGE_FILE_WAY_MAX,
};

/* For people: "path in its root", ... */
const char *image_file_way_text(enum image_file_way way);

/*
 * Opens the very file that @mapping of @pid is a piece of, for reading (close-on-exec), by the
 * first way of the above that leads to it; @way (may be NULL) tells which. A file that only has the
 * right name does not count: its inode must be the mapping's, and its device too, unless the file
 * system shows different devices in maps and in stat() (overlayfs, btrfs): then the inode decides.
 * Only regular files are ever opened, and links of the target are followed inside its root alone.
 * (With kernels before 5.6 a link as the path's last part is not followed, others are.)
 *
 * -ENOENT: not of a file. -ESTALE: deleted or replaced since it was mapped, and the ways that lead
 * to it nevertheless are closed. -EACCES: no rights. Other errors as procfs_reason() has them.
 */
_must_check_ int image_file_open(pid_t pid, const struct mapping *mapping, enum image_file_way *way,
                                 struct reason *why);
