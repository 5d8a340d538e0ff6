/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/view.h"

#include <errno.h>

int view_number(const struct view *view, uint64_t structure, enum contract_field field,
                unsigned width, uint64_t *out)
{
    *out = 0;
    if (structure < MEMORY_BOTTOM || structure >= MEMORY_TOP)
        return -EINVAL;
    return memory_read(view->memory, structure + view->descriptor->fields[field], out, width);
}

int view_pointers(const struct view *view, uint64_t structure, const struct view_pointer *pointers,
                  size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = view_number(view, structure, pointers[i].field, sizeof(uint64_t), pointers[i].out);
    return r;
}

int view_pointer_at(const struct view *view, uint64_t address, uint64_t *out)
{
    *out = 0;
    return memory_read(view->memory, address, out, sizeof(*out));
}
