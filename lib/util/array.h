/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Room for @count items of @size bytes in an array that has *@room of them: the array, moved if
 * need be, and zeroed where it is new. It doubles, so that many small additions cost little. NULL:
 * no memory, and the array stays as it was.
 */
static inline void *array_grow(void *array, size_t count, size_t size, size_t *room)
{
    size_t wanted = *room ? *room : 16;
    char *grown;

    if (count <= *room)
        return array;
    while (wanted < count)
        wanted *= 2;
    grown = reallocarray(array, wanted, size);
    if (!grown)
        return NULL;
    memset(grown + *room * size, 0, (wanted - *room) * size);
    *room = wanted;
    return grown;
}
