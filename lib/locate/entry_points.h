/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/image.h"

/*
 * Functions that managed code calls by name. The runtime lists them in tables of pointers, which
 * survive stripping: {name, function} for QCalls since 8.0 (src/coreclr/vm/qcallentrypoints.cpp),
 * {function, name} for FCalls, and for QCalls before (src/coreclr/vm/ecalllist.h).
 */
enum entry_shape {
    ENTRY_QCALL, /* name first */
    ENTRY_FCALL, /* function first */
};

/* The start of the function with that name, the first one listed; 0 when there is none. */
uint64_t entry_points_find(const struct image *image, const char *name, enum entry_shape shape);

/* The same, but 0 also when the name stands beside two different functions. */
uint64_t entry_points_find_only(const struct image *image, const char *name,
                                enum entry_shape shape);
