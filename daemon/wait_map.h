/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "probes.h"

/*
 * The rows of one of the kernel's maps of waits, copied out. Others write while it is read: a row
 * is what it was at some moment since.
 */

struct wait_rows {
    void *keys; /* of the types that the ABI gives the map */
    void *values;
    size_t count;
};

/* All rows. -ENOMEM, or the kernel's error; @out is empty then. */
_must_check_ int wait_rows_read(const struct probes *probes, enum wait_map map,
                                struct wait_rows *out);
void wait_rows_free(struct wait_rows *rows);
#define _wait_rows_ _cleanup_(wait_rows_free)

/* One row: 0, -ENOENT, or the kernel's error. */
_must_check_ int wait_map_get(const struct probes *probes, enum wait_map map, const void *key,
                              void *value);
_must_check_ int wait_map_set(const struct probes *probes, enum wait_map map, const void *key,
                              const void *value);
void wait_map_delete(const struct probes *probes, enum wait_map map, const void *key);

/* Deletes it and says what it was; -ENOENT. */
_must_check_ int wait_map_take(const struct probes *probes, enum wait_map map, const void *key,
                               void *value);
