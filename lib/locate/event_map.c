/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/event_map.h"

#include "elf/frames.h"

#define EVENTS_MIN  64 /* NativeAOT 10.0 has 85, CoreCLR 10.0 211 */
#define VERSION_MAX 16

enum { ARGUMENT_ID = 1, ARGUMENT_KEYWORDS = 2, ARGUMENT_VERSION = 3 };

/* A call that may define an event, until its result is stored. */
struct definition {
    uint64_t call; /* 0: none */
    struct value id, keywords, version;
};

/* The variables that results were stored to, of events or not understood. */
struct extent {
    uint64_t first, last;
    size_t count;
};

static struct definition read_definition(const struct walk *walk)
{
    return (struct definition){
        .call = walk->instruction.address,
        .id = walk_argument(walk, ARGUMENT_ID),
        .keywords = walk_argument(walk, ARGUMENT_KEYWORDS),
        .version = walk_argument(walk, ARGUMENT_VERSION),
    };
}

static bool is_event(const struct definition *definition)
{
    return definition->id.kind == VALUE_CONSTANT && definition->id.n <= UINT16_MAX &&
           definition->version.kind == VALUE_CONSTANT && definition->version.n <= VERSION_MAX &&
           definition->keywords.kind == VALUE_CONSTANT;
}

static void add_event(struct event_map *map, const struct definition *definition, uint64_t variable)
{
    if (map->count < EVENT_MAP_MAX && is_event(definition))
        map->items[map->count++] = (struct event){
            (uint16_t)definition->id.n,
            (uint8_t)definition->version.n,
            definition->keywords.n,
            variable,
        };
}

/* A function's address is the second argument of what creates the provider. */
static bool creates_provider(const struct walk *walk, const struct definition *definition)
{
    return definition->id.kind == VALUE_CONSTANT &&
           frames_function(walk->code->image, definition->id.n);
}

static void extend(struct extent *extent, uint64_t variable)
{
    if (!extent->count || variable < extent->first)
        extent->first = variable;
    if (!extent->count || variable > extent->last)
        extent->last = variable;
    extent->count++;
}

static int check(const struct event_map *map, const struct extent *extent, struct reason *why)
{
    if (map->count < EVENTS_MIN)
        return reason_set(why, -ENODATA,
                          "the function that creates the provider defines %zu events, not %d",
                          map->count, EVENTS_MIN);
    if (extent->last - extent->first != 8 * (extent->count - 1))
        return reason_set(why, -ENODATA, "the variables of %zu events do not lie side by side",
                          extent->count);
    return 0;
}

int event_map_read(const struct code *code, uint64_t creator, struct event_map *out,
                   struct reason *why)
{
    const struct function *function = creator ? frames_function(code->image, creator) : NULL;
    struct definition definition = {0};
    struct extent extent = {0};
    struct walk walk;
    uint64_t variable;

    out->count = 0;
    if (!function)
        return reason_set(why, -ENODATA, "no function that creates the runtime's events");
    walk_start(&walk, code, function);
    while (walk_next(&walk)) {
        if (walk.instruction.operation == OPERATION_CALL)
            definition = read_definition(&walk);
        if (!definition.call || walk.instruction.operation != OPERATION_STORE ||
            walk.instruction.width != 8 ||
            !value_is(walk_source(&walk), VALUE_RESULT, definition.call) ||
            !walk_address(&walk, &variable) || !image_is_writable(code->image, variable))
            continue;
        if (!creates_provider(&walk, &definition)) {
            extend(&extent, variable);
            add_event(out, &definition, variable);
        }
        definition.call = 0;
    }
    return check(out, &extent, why);
}

const struct event *event_map_next(const struct event_map *map, const struct event *from,
                                   uint16_t id)
{
    const struct event *end = map->items + map->count;

    while (from < end && from->id != id)
        from++;
    return from < end ? from : NULL;
}
