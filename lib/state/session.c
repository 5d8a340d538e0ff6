/* SPDX-License-Identifier: Apache-2.0 */
#include "state/session.h"

#include <string.h>
#include <time.h>

#include "state/session_stream.h"

#define OBJECT_BYTES     128
#define NODES_MAX        8192 /* of all sessions and tries together: each costs reads */
#define SEARCH_BYTES_MAX (64ull << 20)
#define SEARCH_LOOKS_MAX (1u << 18)
#define FORMAT_MAX       2
#define LEVEL_MAX        255
#define BUFFER_MIN       (100u << 10) /* ep-buffer-manager.c keeps the limit within these */
#define BUFFER_MAX       UINT32_MAX
#define YEAR_2015        130645440000000000ull /* in the unit of a session's start */
#define UNIX_EPOCH       116444736000000000ull
#define ONE_DAY          864000000000ull

/* Offsets in EventPipeSession: src/coreclr/vm/eventpipesession.h (3.1), ep-session.h (5.0 on). */
struct layout_offsets {
    uint8_t providers;
    uint8_t index;
    uint8_t in_rundown;
    uint8_t type;
    uint8_t format;
    uint8_t start;   /* and eight bytes on the monotonic one */
    uint8_t rundown; /* is wanted; before 9.0 */
    uint8_t buffers;
    uint8_t buffer_limit; /* in what @buffers leads to */
    uint8_t file;
    bool wide_names;       /* provider names are UTF-16 */
    bool next_comes_first; /* a list node is {next, item}, not {item, next} */
};

static const struct layout_offsets layout_3 = {
    .providers = 8,
    .index = 0,
    .in_rundown = 24,
    .type = 28,
    .format = 32,
    .start = SESSION_START_3,
    .rundown = 36,
    .buffers = 16,
    .buffer_limit = 24,
    .file = 56,
    .wide_names = true,
    .next_comes_first = true,
};

static const struct layout_offsets layout_5 = {
    .providers = 16,
    .index = 72,
    .in_rundown = 76,
    .type = 84,
    .format = 88,
    .start = SESSION_START_5,
    .rundown = 92,
    .buffers = 24,
    .buffer_limit = 72,
    .file = 32,
};

#define RUNDOWN_KEYWORDS_AT 96

static const struct layout_offsets *layout_of(const struct session_facts *facts)
{
    return facts->start == SESSION_START_3 ? &layout_3 : &layout_5;
}

static uint64_t u64_at(const uint8_t *bytes, size_t offset)
{
    uint64_t value;

    memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

static uint32_t u32_at(const uint8_t *bytes, size_t offset)
{
    uint32_t value;

    memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return UNIX_EPOCH + (uint64_t)time.tv_sec * 10000000 + (uint64_t)time.tv_nsec / 100;
}

int64_t session_started_us(const struct session *session)
{
    return ((int64_t)session->start - (int64_t)UNIX_EPOCH) / 10;
}

bool session_same(const struct session *a, const struct session *b)
{
    return a->address == b->address && a->start == b->start && a->stamp == b->stamp;
}

bool session_is_ending(const struct session *session)
{
    return session->in_rundown || (!session->provider_count && !session->everything);
}

bool session_asks_always(const char *name)
{
    return strcmp(name, "Microsoft-DotNETCore-EventPipe") == 0;
}

static int decode_object(const uint8_t bytes[static OBJECT_BYTES],
                         const struct layout_offsets *layout, uint32_t index, struct session *out)
{
    uint32_t type = u32_at(bytes, layout->type);

    out->index = u32_at(bytes, layout->index);
    out->in_rundown = bytes[layout->in_rundown] != 0;
    out->start = u64_at(bytes, layout->start);
    out->stamp = u64_at(bytes, layout->start + 8u);
    if (out->index != index || type >= SESSION_TYPE_MAX ||
        u32_at(bytes, layout->format) > FORMAT_MAX || bytes[layout->in_rundown] > 1 ||
        out->start < YEAR_2015 || out->start > now() + ONE_DAY)
        return -EBADMSG;
    out->type = type;
    return 0;
}

static void decode_rundown(const uint8_t bytes[static OBJECT_BYTES],
                           const struct layout_offsets *layout, enum rundown_form form,
                           struct session *out)
{
    out->rundown_known = form != RUNDOWN_UNKNOWN;
    if (form == RUNDOWN_KEYWORDS)
        out->rundown_keywords = u64_at(bytes, RUNDOWN_KEYWORDS_AT);
    out->wants_rundown =
        out->rundown_keywords || (form == RUNDOWN_FLAG && bytes[layout->rundown] == 1);
}

/* 1: its name is not plain. */
static int read_provider(const struct reader *reader, uint64_t address, bool wide,
                         struct session_provider *out)
{
    uint8_t bytes[32]; /* name *, keywords, level, filter * */
    int strange, r = reader_follow(reader, address, bytes, sizeof(bytes));

    if (r < 0)
        return r;
    out->set.level = u32_at(bytes, 16);
    out->set.keywords = u64_at(bytes, 8);
    if (out->set.level > LEVEL_MAX)
        return -EBADMSG;
    strange = reader_text(reader, u64_at(bytes, 0), wide, out->name, sizeof(out->name));
    if (strange < 0 || !out->name[0])
        return strange < 0 ? strange : -EBADMSG;
    r = u64_at(bytes, 24)
            ? reader_text(reader, u64_at(bytes, 24), wide, out->filter, sizeof(out->filter))
            : 0;
    return r < 0 ? r : strange;
}

static bool is_native(const struct session_provider *provider)
{
    return provider_of_name(provider->name) < PROVIDER_MAX;
}

static int add_provider(const struct reader *reader, uint64_t address,
                        const struct layout_offsets *layout, struct session *out)
{
    struct session_provider provider = {0};
    int r = read_provider(reader, address, layout->wide_names, &provider);

    if (r < 0)
        return r;
    out->strange |= r > 0;
    if (session_asks_always(provider.name))
        return 0;
    if (out->provider_count < SESSION_PROVIDERS_MAX) {
        out->providers[out->provider_count++] = provider;
        return 0;
    }
    out->more_providers++;
    for (size_t i = 0; is_native(&provider) && i < SESSION_PROVIDERS_MAX; i++)
        if (!is_native(&out->providers[i])) {
            out->providers[i] = provider;
            break;
        }
    return 0;
}

static int read_providers(const struct reader *reader, uint64_t list,
                          const struct layout_offsets *layout, size_t *nodes, struct session *out)
{
    uint64_t heads[2], node; /* of the list, and a provider that stands for all */
    int r;

    if (!list) /* it is ending */
        return 0;
    r = reader_follow(reader, list, heads, sizeof(heads));
    if (r < 0)
        return r;
    out->everything = heads[1] != 0;
    if (!heads[0])
        return 0;
    r = reader_follow(reader, heads[0], &node, sizeof(node));
    while (r == 0 && node) {
        uint64_t pair[2] = {0};

        r = ++*nodes <= NODES_MAX ? reader_follow(reader, node, pair, sizeof(pair)) : -E2BIG;
        if (r == 0)
            r = add_provider(reader, pair[layout->next_comes_first], layout, out);
        node = pair[!layout->next_comes_first];
    }
    return r;
}

/* A session without is no less one. */
static uint64_t read_buffer_limit(const struct reader *reader, uint64_t buffers, uint8_t offset)
{
    uint64_t limit;

    if (!reader_may_hold(buffers) ||
        reader_read(reader, buffers + offset, &limit, sizeof(limit)) < 0)
        return 0;
    return limit >= BUFFER_MIN && limit <= BUFFER_MAX ? limit : 0;
}

static int read_fd(const struct reader *reader, const struct session_facts *facts, uint64_t file,
                   const struct session *session)
{
    int fd;

    return session->type == SESSION_IPC_STREAM && session_stream_read(reader, facts, file, &fd) == 0
               ? fd
               : -1;
}

/* @out is all zero. */
static int read_session(const struct reader *reader, uint64_t address, uint32_t index,
                        const struct session_facts *facts, size_t *nodes, struct session *out)
{
    const struct layout_offsets *layout = layout_of(facts);
    uint8_t bytes[OBJECT_BYTES];
    int r = reader_follow(reader, address, bytes, sizeof(bytes));

    out->address = address;
    if (r == 0)
        r = decode_object(bytes, layout, index, out);
    if (r < 0)
        return r;
    decode_rundown(bytes, layout, facts->rundown, out);
    out->buffer_bytes =
        read_buffer_limit(reader, u64_at(bytes, layout->buffers), layout->buffer_limit);
    out->fd = read_fd(reader, facts, u64_at(bytes, layout->file), out);
    return read_providers(reader, u64_at(bytes, layout->providers), layout, nodes, out);
}

struct reading {
    uint64_t table;
    const struct session_facts *facts;
    size_t nodes;
    struct sessions *out;
};

static int read_all(const struct reader *reader, struct reading *reading,
                    const uint64_t slots[static SESSIONS_MAX], struct sessions *out)
{
    int r = 0;

    memset(out, 0, sizeof(*out));
    for (uint32_t i = 0; i < SESSIONS_MAX && r == 0; i++) {
        if (!slots[i])
            continue;
        r = read_session(reader, slots[i], i, reading->facts, &reading->nodes,
                         &out->items[out->count]);
        out->count++;
    }
    return r;
}

static bool has_strange(const struct sessions *sessions)
{
    bool strange = false;

    for (size_t i = 0; i < sessions->count; i++)
        strange |= sessions->items[i].strange;
    return strange;
}

static int try_read(const struct reader *reader, void *context)
{
    struct reading *reading = context;
    _free_ struct sessions *again = calloc(1, sizeof(*again));
    uint64_t before[SESSIONS_MAX], after[SESSIONS_MAX];
    int r = again ? reader_read(reader, reading->table, before, sizeof(before)) : -ENOMEM;

    if (r < 0)
        return r;
    r = read_all(reader, reading, before, again);
    if (r == 0)
        r = read_all(reader, reading, before, reading->out);
    if (reader_read(reader, reading->table, after, sizeof(after)) < 0)
        return -EFAULT;
    if (memcmp(before, after, sizeof(before)) != 0 ||
        (r == 0 && memcmp(reading->out, again, sizeof(*again)) != 0))
        return READER_MOVED;
    return r == 0 && has_strange(reading->out) ? READER_STRANGE : r;
}

int sessions_read(const struct reader *reader, uint64_t table, const struct session_facts *facts,
                  struct sessions *out, struct reason *why)
{
    struct reading reading = {.table = table, .facts = facts, .out = out};
    int r;

    if (facts->start && facts->start != layout_of(facts)->start)
        return reason_set(why, -ENOTSUP, "sessions have a layout that is not known (start at %u)",
                          facts->start);
    r = reader_settle(reader, try_read, &reading);
    if (r == -E2BIG)
        return reason_set(why, r, "its sessions ask for too many providers to be read");
    if (r > 0)
        return reason_set(why, -EAGAIN, "sessions come and go too fast to be read");
    return r < 0 ? reason_set(why, r, "the table of sessions does not hold sessions as known: %s",
                              strerror(-r))
                 : 0;
}

static bool is_session(const struct reader *reader, uint64_t address, uint32_t index)
{
    uint8_t bytes[OBJECT_BYTES];
    struct session session;

    return reader_follow(reader, address, bytes, sizeof(bytes)) == 0 &&
           decode_object(bytes, &layout_5, index, &session) == 0;
}

/* Do the slots of @mask, and no others, hold something in a table at @table? */
static bool is_table(const struct reader *reader, uint64_t table, uint64_t mask)
{
    uint64_t slots[SESSIONS_MAX];

    if (reader_read(reader, table, slots, sizeof(slots)) < 0)
        return false;
    for (uint32_t i = 0; i < SESSIONS_MAX; i++) {
        if ((slots[i] != 0) < (mask >> i & 1))
            return false;
        if (slots[i] && !is_session(reader, slots[i], i))
            return false;
    }
    return true;
}

int sessions_search(const struct reader *reader, uint64_t start, uint64_t size, uint64_t mask,
                    uint64_t *table)
{
    uint32_t first = mask ? (uint32_t)__builtin_ctzll(mask) : 0;
    uint64_t block[512], found = 0;
    uint32_t looks = 0;

    if (size > SEARCH_BYTES_MAX)
        return -E2BIG;
    start = (start + 7) & ~7ull;
    for (uint64_t at = start; mask && at + 8 <= start + size; at += sizeof(block)) {
        uint64_t left = (start + size - at) / 8;
        size_t count = left < ARRAY_SIZE(block) ? left : ARRAY_SIZE(block);

        if (reader_read(reader, at, block, count * 8) < 0)
            continue;
        for (size_t i = 0; i < count; i++) {
            uint64_t candidate = at + 8 * i - 8 * first;

            if (!reader_may_hold(block[i]) || block[i] % 8 || candidate < start)
                continue;
            if (++looks > SEARCH_LOOKS_MAX)
                return -E2BIG;
            if (!is_session(reader, block[i], first) || !is_table(reader, candidate, mask))
                continue;
            if (found)
                return -ENOTUNIQ;
            found = candidate;
        }
    }
    *table = found;
    return found ? 0 : -ENOENT;
}

struct event_set sessions_wanted(const struct sessions *sessions, enum provider provider)
{
    struct event_set wanted = {0};

    for (size_t i = 0; i < sessions->count; i++) {
        const struct session *session = &sessions->items[i];

        if (session->everything && !session->in_rundown)
            event_set_add(&wanted, (struct event_set){LEVEL_VERBOSE, UINT64_MAX});
        for (size_t n = 0; !session->in_rundown && n < session->provider_count; n++)
            if (strcmp(session->providers[n].name, provider_name(provider)) == 0)
                event_set_add(&wanted, session->providers[n].set);
    }
    return wanted;
}

const char *session_type_name(enum session_type type)
{
    static const char *const names[SESSION_TYPE_MAX] = {
        [SESSION_FILE] = "file",
        [SESSION_LISTENER] = "in-process listener",
        [SESSION_IPC_STREAM] = "IPC stream",
        [SESSION_SYNCHRONOUS] = "profiler callback",
        [SESSION_FILE_STREAM] = "file",
        [SESSION_USER_EVENTS] = "user_events",
    };

    return names[type];
}
