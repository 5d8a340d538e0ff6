/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Ownership by scope. A variable marked _free_, _close_, ... releases what it holds when its
 * block ends; TAKE_PTR() and TAKE_FD() hand the thing to somebody else and leave nothing behind.
 * A descriptor that holds nothing is -1.
 */
#define _cleanup_(f)          __attribute__((cleanup(f)))
#define _must_check_          __attribute__((warn_unused_result))
#define _printf_(text, first) __attribute__((format(printf, text, first)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
    if (*file)
        fclose(*file);
}

static inline void cleanup_closedir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

#define _free_     _cleanup_(cleanup_free)
#define _close_    _cleanup_(cleanup_close)
#define _fclose_   _cleanup_(cleanup_fclose)
#define _closedir_ _cleanup_(cleanup_closedir)

#define TAKE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) took = (p);                                                                  \
        (p) = NULL;                                                                                \
        took;                                                                                      \
    })

#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int took = (fd);                                                                           \
        (fd) = -1;                                                                                 \
        took;                                                                                      \
    })
