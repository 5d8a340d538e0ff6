/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/event_map.h"
#include "locate/references.h"
#include "locate/structure.h"
#include "util/number.h"

/*
 * Each event of the runtime's provider is written by a function of its own, EventPipeWriteEventX
 * (src/coreclr/scripts/genEventPipe.py), and all of them end alike:
 *
 *     if (!EventPipeEventEnabledX()) return;
 *     ...
 *     EventPipeAdapter::WriteEvent(EventPipeEventX, data, size, ...);
 *
 * which is EventPipe::WriteEvent in 3.x.
 *
 * So the function that is handed nearly every event, last, is where an event is written, and only
 * events that a session wants come there. One that is handed events before another one is tests
 * them: EventPipeEvent::IsEnabled() of 3.x.
 */

#define RECEIVERS_MAX 16
#define SHARE_MIN     90 /* of 100 events */

struct receiver {
    uint64_t function;
    bool tests;
    size_t event_count;
    bool events[EVENT_MAP_MAX];
};

struct receivers {
    const struct event_map *map;
    struct receiver items[RECEIVERS_MAX];
    size_t count;
    bool too_many;
};

static size_t index_of(const struct event_map *map, struct value value)
{
    size_t i = 0;

    while (i < map->count && !value_is(value, VALUE_LOADED, map->items[i].variable))
        i++;
    return i;
}

static struct receiver *receiver_at(struct receivers *receivers, uint64_t function)
{
    for (size_t i = 0; i < receivers->count; i++)
        if (receivers->items[i].function == function)
            return &receivers->items[i];
    if (receivers->count == RECEIVERS_MAX) {
        receivers->too_many = true;
        return NULL;
    }
    receivers->items[receivers->count].function = function;
    return &receivers->items[receivers->count++];
}

static bool leaves(const struct walk *walk)
{
    const struct instruction *instruction = &walk->instruction;

    return instruction->operation == OPERATION_CALL ||
           (instruction->operation == OPERATION_JUMP &&
            (instruction->target < walk->function.start ||
             instruction->target >= walk->function.end));
}

static void note_event(struct receiver *receiver, size_t event)
{
    if (receiver->events[event])
        return;
    receiver->events[event] = true;
    receiver->event_count++;
}

/* Whom a function hands an event to, last. */
static void read_function(const struct code *code, const struct function *function,
                          struct receivers *receivers)
{
    struct receiver *last = NULL;
    size_t handed = 0;
    struct walk walk;

    walk_start(&walk, code, function);
    while (walk_next(&walk)) {
        size_t event = leaves(&walk) ? index_of(receivers->map, walk_argument(&walk, 0))
                                     : receivers->map->count;
        struct receiver *receiver;

        if (event == receivers->map->count || !walk.instruction.target)
            continue;
        receiver = receiver_at(receivers, walk.instruction.target);
        if (last && receiver != last)
            last->tests = true;
        last = receiver;
        handed = event;
    }
    if (last)
        note_event(last, handed);
}

static int read_functions(const struct code *code, uint64_t creator, struct receivers *receivers,
                          struct reason *why)
{
    _function_list_ struct function_list list = {0};
    uint64_t addresses[EVENT_MAP_MAX];
    int r;

    for (size_t i = 0; i < receivers->map->count; i++)
        addresses[i] = receivers->map->items[i].variable;
    qsort(addresses, receivers->map->count, sizeof(*addresses), number_compare);
    r = references_find(code, addresses, receivers->map->count, &list);
    if (r < 0)
        return reason_set(why, r, "too many functions may read the events' variables");
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].start != creator)
            read_function(code, &list.items[i], receivers);
    if (receivers->too_many)
        return reason_set(why, -ENOTUNIQ, "events are handed to more than %d functions",
                          RECEIVERS_MAX);
    return 0;
}

static int choose(const struct receivers *receivers, const struct receiver **out,
                  struct reason *why)
{
    size_t matches = 0;

    for (size_t i = 0; i < receivers->count; i++) {
        const struct receiver *receiver = &receivers->items[i];

        if (receiver->tests || receiver->event_count * 100 < receivers->map->count * SHARE_MIN)
            continue;
        *out = receiver;
        matches++;
    }
    if (matches != 1)
        return reason_set(why, matches ? -ENOTUNIQ : -ENOENT,
                          "%zu functions are handed %d of 100 events, not one", matches, SHARE_MIN);
    return 0;
}

static void fill_table(const struct event_map *map, struct event_table *out)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < map->count; i++)
        if (map->items[i].variable < first)
            first = map->items[i].variable;
    out->variables = first;
    for (size_t i = 0; i < map->count; i++) {
        uint64_t at = (map->items[i].variable - first) / 8;

        if (at >= EVENTS_MAX)
            continue;
        out->items[at] = (struct table_event){map->items[i].id, map->items[i].version};
        if (at >= out->count)
            out->count = at + 1;
    }
}

static int find_in(const struct code *code, uint64_t creator, struct receivers *receivers,
                   struct findings *findings, struct reason *why)
{
    const struct receiver *write = NULL;
    int r = read_functions(code, creator, receivers, why);

    if (r == 0)
        r = choose(receivers, &write, why);
    if (r < 0)
        return r;
    fill_table(receivers->map, &findings->events);
    findings_add(findings, SITE_EVENTPIPE_WRITE, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                 write->function, "the only function that is handed %zu of %zu events",
                 write->event_count, receivers->map->count);
    return 0;
}

int structure_find_events(const struct code *code, struct clues *clues, struct findings *findings,
                          struct reason *why)
{
    _free_ struct receivers *receivers = calloc(1, sizeof(*receivers));
    int r;

    if (!receivers)
        return reason_set(why, -ENOMEM, "no memory");
    r = clues_events(code, clues, &receivers->map, why);
    return r < 0 ? r : find_in(code, clues->creator, receivers, findings, why);
}
