/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

#include "util/reason.h"

/*
 * Bounded reads below /proc/PID. Thin on purpose: what the text means is decided by parsers that
 * get it as bytes. @name is ours, never text of the process: "maps", "task/12/comm".
 */

/* Descriptor (close-on-exec) of /proc/@pid/@name, or a negative errno. */
_must_check_ int procfs_open(pid_t pid, const char *name, int flags);

/*
 * The first @size - 1 bytes of the file, NUL-terminated; the length, or a negative errno, and then
 * @to is "". A length of @size - 1 means that there may be more.
 */
_must_check_ ssize_t procfs_read(pid_t pid, const char *name, char *to, size_t size);

/* The same into memory that the caller frees, grown up to @most bytes. *@out is NULL on failure. */
_must_check_ ssize_t procfs_load(pid_t pid, const char *name, size_t most, char **out);

/* The symbolic link's text, NUL-terminated; its length, -ENAMETOOLONG if cut, or another errno. */
_must_check_ ssize_t procfs_link(pid_t pid, const char *name, char *to, size_t size);

/* The folder, for procfs_next(); 0 or a negative errno, and then *@out is NULL. */
_must_check_ int procfs_open_folder(pid_t pid, const char *name, DIR **out);

/* The next entry of @directory whose name is a number; false at the end. */
bool procfs_next(DIR *directory, pid_t *number);

/*
 * For reading, what the O_PATH descriptor @path leads to, which has opened nothing yet: so that
 * only what has passed a check is opened. A negative errno.
 */
_must_check_ int procfs_reopen(int path);

/*
 * Says in @why what @error of a read below /proc/@pid means. Returns -ESRCH for a process that is
 * gone, -EACCES for one that we have no rights over, any other @error as it is.
 */
int procfs_reason(pid_t pid, int error, struct reason *why);
