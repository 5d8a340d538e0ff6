/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/nibble_map.h"

#include <errno.h>
#include <stdbool.h>

#define BUCKET       32u
#define BUCKETS      8u /* of a unit */
#define UNIT_CODE    (BUCKET * BUCKETS)
#define UNITS_BACK   (NIBBLE_CODE_MAX / UNIT_CODE)
#define STEP         4u /* of a method's begin */
#define NIBBLE_MOST  8u /* more, in a unit's last, makes it a pointer */
#define UNITS_A_READ 64u

static bool is_pointer(uint32_t unit)
{
    return (unit & 15) > NIBBLE_MOST;
}

static uint64_t pointed(uint32_t unit)
{
    return (unit & ~15u) + ((unit & 15) - NIBBLE_MOST - 1) * STEP;
}

/* The last begin up to @offset that @unit, the @index-th, tells of. 1: none. */
static int last_begin(uint32_t unit, uint64_t index, uint64_t offset, uint64_t *out)
{
    for (unsigned bucket = BUCKETS; bucket-- > 0;) {
        unsigned nibble = unit >> (4 * (BUCKETS - 1 - bucket)) & 15;
        uint64_t begin = (index * BUCKETS + bucket) * BUCKET + (nibble - 1) * (uint64_t)STEP;

        if (!nibble)
            continue;
        if (nibble > NIBBLE_MOST)
            return -EBADMSG;
        if (begin > offset)
            continue;
        *out = begin;
        return 0;
    }
    return 1;
}

static int look(const struct nibble_map *map, uint32_t unit, uint64_t index, uint64_t offset,
                uint64_t *out)
{
    if (map->kind == NIBBLE_LINEAR || !is_pointer(unit))
        return last_begin(unit, index, offset, out);
    *out = pointed(unit);
    return *out <= offset ? 0 : -EBADMSG;
}

int nibble_map_find(struct memory *memory, const struct nibble_map *map, uint64_t address,
                    uint64_t *start)
{
    uint64_t offset = address - map->base, index = offset / UNIT_CODE, begin = 0;
    uint64_t least = map->kind == NIBBLE_CONSTANT ? 1 : UNITS_BACK;
    uint64_t first = index > least ? index - least : 0, loaded = index + 1;
    uint32_t units[UNITS_A_READ];
    int r = 1;

    if (address < map->base || offset > UINT32_MAX || map->units >= MEMORY_TOP)
        return -EBADMSG;
    for (uint64_t i = index + 1; i-- > first && r == 1;) {
        if (i < loaded) {
            loaded = i + 1 > first + UNITS_A_READ ? i + 1 - UNITS_A_READ : first;
            r = memory_read(memory, map->units + 4 * loaded, units, 4 * (size_t)(i + 1 - loaded));
            if (r < 0)
                return r;
        }
        r = look(map, units[i - loaded], i, offset, &begin);
    }
    *start = map->base + begin;
    return r == 1 ? -ENOENT : r;
}
