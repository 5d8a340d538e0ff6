/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/entry_points.h"

#include <string.h>

#include "elf/dynamic.h"
#include "elf/frames.h"

/* The function whose pointer lies beside the one to its name; 0 when this is no such pair. */
static uint64_t function_beside(const struct image *image, const struct relocation *name,
                                enum entry_shape shape)
{
    uint64_t slot = shape == ENTRY_QCALL ? name->slot + 8 : name->slot - 8;
    const struct relocation *pointer = dynamic_relocation(image, slot);
    const struct function *function = pointer ? frames_function(image, pointer->target) : NULL;

    return function && function->start == pointer->target ? function->start : 0;
}

/* The first function with that name from relocation *@at on, which then is the next one's. */
static uint64_t next_named(const struct image *image, const char *name, enum entry_shape shape,
                           size_t *at)
{
    size_t length = strlen(name) + 1;
    uint64_t found = 0;

    while (!found && *at < image->relocation_count) {
        const struct relocation *slot = &image->relocations[(*at)++];
        const char *text = image_at(image, slot->target, length);

        if (text && memcmp(text, name, length) == 0)
            found = function_beside(image, slot, shape);
    }
    return found;
}

uint64_t entry_points_find(const struct image *image, const char *name, enum entry_shape shape)
{
    size_t at = 0;

    return next_named(image, name, shape, &at);
}

uint64_t entry_points_find_only(const struct image *image, const char *name, enum entry_shape shape)
{
    size_t at = 0;
    uint64_t only = next_named(image, name, shape, &at), other = only;

    while (other == only && at < image->relocation_count) {
        uint64_t next = next_named(image, name, shape, &at);

        other = next ? next : only;
    }
    return other == only ? only : 0;
}
