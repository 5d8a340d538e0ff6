/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include "ask.h"
#include "contention/contention_json.h"

/* A part of the last process, or the next one. @item is left empty. */
static int add(struct snapshot *snapshot, struct contention *item)
{
    struct contention *last = snapshot->count ? &snapshot->items[snapshot->count - 1] : NULL;
    struct contention *items;

    if (last && last->pid == item->pid)
        return contention_append(last, item);
    items = reallocarray(snapshot->items, snapshot->count + 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    snapshot->items = items;
    items[snapshot->count++] = *item;
    *item = (struct contention){0};
    return 0;
}

static int decode(struct snapshot *snapshot, struct reason *why)
{
    int r = 0;

    for (size_t i = 0; i < json_array_size(snapshot->parts) && r == 0; i++) {
        _contention_ struct contention item = {0};

        r = contention_from_json(json_array_get(snapshot->parts, i), &item, why);
        if (r == 0)
            r = add(snapshot, &item);
    }
    return r;
}

static int take_part(void *context, json_t *part)
{
    return json_array_append(context, part);
}

int snapshot_take(struct snapshot *out, const struct control_request *request, int deadline_ms,
                  struct reason *why)
{
    struct snapshot taken = {.parts = json_array()};
    struct ask ask = {
        .request = *request, .deadline_ms = deadline_ms, .take = take_part, .context = taken.parts};
    int r = ask_daemon(&ask, why);

    if (r == 0 && ask.missing)
        r = reason_set(why, -EMSGSIZE, "clrmond could not tell of %llu processes",
                       (unsigned long long)ask.missing);
    if (r == 0)
        r = decode(&taken, why);
    if (r < 0)
        snapshot_free(&taken);
    *out = taken;
    return r;
}

int snapshot_again(const struct snapshot *from, struct snapshot *out, struct reason *why)
{
    struct snapshot again = {.parts = json_incref(from->parts)};
    int r = decode(&again, why);

    if (r < 0)
        snapshot_free(&again);
    *out = again;
    return r;
}

void snapshot_free(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        contention_free(&snapshot->items[i]);
    free(snapshot->items);
    json_decref(snapshot->parts);
    *snapshot = (struct snapshot){0};
}

static const struct contention *find_same(const struct snapshot *in, const struct contention *item)
{
    for (size_t i = 0; i < in->count; i++)
        if (in->items[i].pid == item->pid && in->items[i].since_ns == item->since_ns &&
            in->items[i].source == item->source)
            return &in->items[i];
    return NULL;
}

void snapshot_subtract(struct snapshot *later, const struct snapshot *earlier)
{
    for (size_t i = 0; i < later->count; i++) {
        const struct contention *before = find_same(earlier, &later->items[i]);

        if (before)
            contention_subtract(&later->items[i], before);
    }
}
