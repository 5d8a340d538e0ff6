/* SPDX-License-Identifier: Apache-2.0 */
#include "state/providers.h"

#include <string.h>

#define NODES_MAX 8192 /* of all tries together: each costs reads */
#define LEVEL_MAX 255

/* EventPipeProvider; its config's first member is the list of all. */
struct object {
    uint64_t keywords;
    uint64_t sessions;
    uint64_t name;
    uint64_t between[4];
    uint64_t config;
    uint32_t level;
    uint32_t end;
};

/* 1: its name is not plain. */
static int read_object(const struct reader *reader, uint64_t address, struct object *object,
                       struct provider_state *out)
{
    int r = reader_follow(reader, address, object, sizeof(*object));

    if (r < 0)
        return r;
    if (object->level > LEVEL_MAX)
        return -EBADMSG;
    out->set.level = object->level;
    out->set.keywords = object->keywords;
    out->sessions = object->sessions;
    r = reader_text(reader, object->name, false, out->name, sizeof(out->name));
    return r >= 0 && !out->name[0] ? -EBADMSG : r;
}

int provider_read(const struct reader *reader, uint64_t provider, struct provider_state *out)
{
    struct object object;
    int r = read_object(reader, provider, &object, out);

    return r < 0 ? r : 0;
}

static void add(const struct provider_state *state, struct provider_states *out)
{
    if (!state->sessions || session_asks_always(state->name))
        return;
    if (out->count == PROVIDERS_MAX)
        out->more++;
    else
        out->items[out->count++] = *state;
}

static int add_object(const struct reader *reader, uint64_t address, uint64_t config,
                      struct provider_states *out)
{
    struct provider_state state = {0};
    struct object object;
    int r = read_object(reader, address, &object, &state);

    if (r < 0)
        return r;
    if (object.config != config)
        return -EBADMSG;
    out->strange |= r > 0;
    add(&state, out);
    return 0;
}

/* dn_list_t: {head, tail}, of nodes {data, next, prev}. */
static int walk(const struct reader *reader, uint64_t list, uint64_t config, uint64_t provider,
                size_t *nodes, struct provider_states *out)
{
    uint64_t ends[2] = {0}, before = 0;
    bool met = false;
    int r = reader_follow(reader, list, ends, sizeof(ends));

    for (uint64_t node = ends[0]; r == 0 && node;) {
        uint64_t links[3];

        r = ++*nodes <= NODES_MAX ? reader_follow(reader, node, links, sizeof(links)) : -E2BIG;
        if (r == 0 && links[2] != before)
            r = -EBADMSG;
        if (r < 0)
            return r;
        r = add_object(reader, links[0], config, out);
        met |= links[0] == provider;
        before = node;
        node = links[1];
    }
    return r < 0 || (met && before == ends[1]) ? r : -EBADMSG;
}

struct reading {
    uint64_t provider;
    size_t nodes;
    struct provider_states *out;
};

static int read_all(const struct reader *reader, struct reading *reading,
                    struct provider_states *out)
{
    struct provider_state state;
    struct object object;
    uint64_t list;
    int r = read_object(reader, reading->provider, &object, &state);

    memset(out, 0, sizeof(*out));
    if (r >= 0)
        r = reader_follow(reader, object.config, &list, sizeof(list));
    return r < 0 ? r : walk(reader, list, object.config, reading->provider, &reading->nodes, out);
}

static int try_read(const struct reader *reader, void *context)
{
    struct reading *reading = context;
    struct provider_states again;
    int r = read_all(reader, reading, &again);

    if (r == 0)
        r = read_all(reader, reading, reading->out);
    if (r < 0)
        return r;
    if (memcmp(reading->out, &again, sizeof(again)) != 0)
        return READER_MOVED;
    return reading->out->strange ? READER_STRANGE : 0;
}

int providers_read(const struct reader *reader, uint64_t provider, struct provider_states *out,
                   struct reason *why)
{
    struct reading reading = {.provider = provider, .out = out};
    int r = reader_settle(reader, try_read, &reading);

    if (r == -E2BIG)
        return reason_set(why, r, "it has too many providers to be read");
    if (r > 0)
        return reason_set(why, -EAGAIN, "providers come and go too fast to be read");
    return r < 0 ? reason_set(why, r, "what it has is no list of providers as known: %s",
                              strerror(-r))
                 : 0;
}
