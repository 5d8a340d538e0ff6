/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/inspect.h"

/*
 * Where everything is, for any number of images: asks the sources in their order (.symtab, debug
 * file, pack, structure), remembers the answer for each file, and keeps it in the cache.
 *
 * The cache is only written for a file that root or we own: nobody else's file can leave an answer
 * there that is later given for another one.
 */

struct locator_options {
    source_set sources;
    const char *const *debug_folders; /* borrowed */
    size_t debug_folder_count;
    const char *cache; /* folder; NULL or "": no cache, no packs */
    size_t images_max; /* then what was not asked for longest is forgotten, two at least; 0: all
                          stay */
};

/* What is known of one image. */
struct located {
    struct inspection inspection;
    bool from_cache;           /* found by an earlier run; the sources are those of that run */
    struct reason debug_file;  /* path of the debug file that was read; "": none */
    struct reason cache_fault; /* why the cache was not used or not written; "": no fault */
};

struct locator;

_must_check_ int locator_new(struct locator **out, const struct locator_options *options);
void locator_free(struct locator **locator);
#define _locator_free_ _cleanup_(locator_free)

/*
 * The open image @fd, whose path is @path (for its debug file; may be NULL). *@out is owned by the
 * locator, for as long as it is not forgotten. The same file is looked into once, and a file that
 * failed fails again the same way.
 */
_must_check_ int locator_find(struct locator *locator, int fd, const char *path,
                              const struct located **out, struct reason *why);

/*
 * For a caller that must not wait: is the answer for this file there already? And an answer that
 * was found elsewhere, by another process of ours, taken over as if locator_find() had found it.
 */
bool locator_knows(struct locator *locator, int fd);
_must_check_ int locator_adopt(struct locator *locator, int fd, const struct located *located,
                               int result, const struct reason *why);
