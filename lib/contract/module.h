/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "contract/view.h"
#include "metadata/metadata.h"
#include "util/reason.h"

/*
 * The metadata of a managed module, copied out of the image that the process has of it in memory:
 * spread by its sections, or flat as the file is. Microsoft, "PE Format"; ECMA-335, II.25.
 */

#define MODULE_METADATA_MAX MEMORY_READ_MAX

struct module {
    uint64_t address;
    uint64_t base; /* of its image */
    uint8_t *copy;
    size_t size;
    struct metadata metadata; /* of the copy */
};

/*
 * Errors of memory_read() and metadata_open(); -ENOENT: it has no image, as one that is emitted at
 * run time; -EBADMSG: its image makes no sense; -E2BIG; -ENOMEM. @out is empty then.
 */
_must_check_ int module_open(const struct view *view, uint64_t address, struct module *out,
                             struct reason *why);
void module_close(struct module *module);

/* It still is what was opened: a module may be unloaded, and another take its place. */
bool module_is_current(const struct view *view, const struct module *module);
