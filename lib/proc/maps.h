/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/reason.h"

#define MAPS_LINES_MAX 65536

enum {
    MAPPING_READABLE = 1,
    MAPPING_WRITABLE = 2,
    MAPPING_EXECUTABLE = 4,
    MAPPING_SHARED = 8,
};

/* A line of /proc/PID/maps: [start, end) of a process, from @offset of the file. */
struct mapping {
    uint64_t start;
    uint64_t end;
    uint64_t offset;
    unsigned permissions;
    uint32_t device_major; /* of the file system's super block: overlayfs and btrfs show another */
    uint32_t device_minor; /* device in stat() */
    uint64_t inode;        /* 0: no file */
    bool deleted;          /* the name is gone, or now means another file */
    const char *path;      /* as the process's mount namespace sees it; "[heap]"; "" for none */
};

/*
 * Parses one line, without its newline. The line is used up: @out->path points into it. The kernel
 * writes a newline in a path as \012, which is undone, and appends " (deleted)", which is taken
 * off. 0, or -EBADMSG, and then @out is untouched.
 */
_must_check_ int mapping_parse(char *line, struct mapping *out);

/* Both are pieces of one file. False for mappings of no file. */
bool mapping_same_file(const struct mapping *a, const struct mapping *b);

struct maps {
    struct mapping *entries; /* in order of address */
    size_t count;
    char *text; /* holds the paths */
};

/*
 * Takes over @text, @length bytes from malloc() and a NUL. -EBADMSG, or -E2BIG for more than
 * MAPS_LINES_MAX lines; @out is empty then.
 */
_must_check_ int maps_parse(char *text, size_t length, struct maps *out, struct reason *why);

/* The maps of @pid. Errors as procfs_reason() has them, and those of maps_parse(). */
_must_check_ int maps_read(pid_t pid, struct maps *out, struct reason *why);

/* Frees what @maps holds and empties it; accepts an empty one. */
void maps_close(struct maps *maps);

/*
 * The first executable piece of a file so named ("libcoreclr.so"), or NULL: a file that is only
 * looked at as data is not loaded.
 */
const struct mapping *maps_find(const struct maps *maps, const char *file_name);

/*
 * Where the loader put the first byte of the file that @of is a piece of: the start of the mapping
 * of offset 0 nearest before its first executable piece, so that a view of the file mapped as data
 * elsewhere does not count. (The load bias is this less the first loaded segment's address.)
 * -ENOENT: the file is not mapped as an image.
 */
_must_check_ int maps_base(const struct maps *maps, const struct mapping *of, uint64_t *out);
