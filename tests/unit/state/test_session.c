/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "state/session.h"

/*
 * The memory of a process: one block at BASE, laid out by hand. The table is at its start; objects,
 * lists, providers and names follow as they are made.
 */
#define BASE    0x7f0000000000
#define TABLE   BASE
#define EPOCH   116444736000000000ull
#define RUNTIME "Microsoft-Windows-DotNETRuntime"

struct fake {
    uint8_t bytes[256 * 1024];
    size_t used;
    bool old;         /* the layout of 3.x */
    unsigned reads;   /* so far */
    unsigned torn_at; /* the read before which @torn is called */
    void (*torn)(struct fake *fake);
    int error; /* of every read */
};

static struct fake fake;
static struct sessions sessions;

static int read_fake(void *context, uint64_t address, void *to, size_t length)
{
    if (fake.torn && fake.reads++ >= fake.torn_at)
        fake.torn(&fake);
    else if (!fake.torn)
        fake.reads++;
    if (fake.error)
        return fake.error;
    if (address < BASE || address - BASE > sizeof(fake.bytes) ||
        length > sizeof(fake.bytes) - (address - BASE))
        return -EFAULT;
    memcpy(to, fake.bytes + (address - BASE), length);
    return 0;
}

static const struct reader reader = {read_fake, NULL};

static void *at(uint64_t address)
{
    return fake.bytes + (address - BASE);
}

static void put(uint64_t address, uint64_t value, size_t size)
{
    memcpy(at(address), &value, size);
}

static uint64_t room(size_t size)
{
    uint64_t address = BASE + fake.used;

    fake.used += (size + 7) & ~7ull;
    assert_true(fake.used <= sizeof(fake.bytes));
    return address;
}

static uint64_t started(void)
{
    return EPOCH + ((uint64_t)time(NULL) - 60) * 10000000;
}

static void reset(bool old)
{
    memset(&fake, 0, sizeof(fake));
    fake.old = old;
    room(64 * 8);
}

/* A session in slot @index, of an IPC stream, that started a minute ago and asks for nothing yet.
 */
static uint64_t add_session(uint32_t index)
{
    uint64_t object = room(128), list = room(16), head = room(16);

    put(TABLE + 8 * index, object, 8);
    put(object + (fake.old ? 0 : 72), index, 4);
    put(object + (fake.old ? 8 : 16), list, 8);
    put(object + (fake.old ? 28 : 84), SESSION_IPC_STREAM, 4);
    put(object + (fake.old ? 32 : 88), 1, 4);
    put(object + (fake.old ? 40 : 56), started(), 8);
    put(object + (fake.old ? 48 : 64), 1000 + index, 8);
    put(list, head, 8);
    return object;
}

static uint64_t add_name(const char *text)
{
    size_t step = fake.old ? 2 : 1;
    uint64_t address = room((strlen(text) + 1) * step);

    for (size_t i = 0; i < strlen(text); i++)
        put(address + i * step, (uint8_t)text[i], 1);
    return address;
}

/* Puts a provider at the end of the list; its address. */
static uint64_t add_provider(uint64_t object, const char *name, uint64_t keywords, uint32_t level)
{
    uint64_t list = *(uint64_t *)at(object + (fake.old ? 8 : 16)), link = *(uint64_t *)at(list);
    uint64_t provider = room(32), node = room(16), next = fake.old ? 0 : 8;

    put(provider, add_name(name), 8);
    put(provider + 8, keywords, 8);
    put(provider + 16, level, 4);
    put(node + 8 - next, provider, 8);
    for (uint64_t first = *(uint64_t *)at(link); first; first = *(uint64_t *)at(link))
        link = first + next;
    put(link, node, 8);
    return provider;
}

/* The runtime's data begins where a process has it; vtables lie there. */
#define DATA 0x7e0000000000

static int read_sessions_of(enum rundown_form rundown, struct reason *why)
{
    const struct session_facts facts = {fake.old ? SESSION_START_3 : SESSION_START_5, rundown, DATA,
                                        DATA + 0x1000};

    memset(&sessions, 0x55, sizeof(sessions));
    return sessions_read(&reader, TABLE, &facts, &sessions, why);
}

static int read_sessions(struct reason *why)
{
    return read_sessions_of(RUNDOWN_FLAG, why);
}

static void both_layouts(void **state)
{
    for (int old = 0; old < 2; old++) {
        const struct session *session;
        struct event_set wanted;
        uint64_t first, second;

        reset(old);
        first = add_session(0);
        add_provider(first, RUNTIME, 0x8001, 5);
        add_provider(first, "My-Company-Events", UINT64_MAX, 4);
        second = add_session(63);
        add_provider(second, RUNTIME, 0x10, 4);
        add_provider(second, RUNTIME "Private", 0x1, 5);
        add_provider(second, "Microsoft-DotNETCore-EventPipe", UINT64_MAX,
                     0); /* asks for nothing */
        put(second + (old ? 28 : 84), SESSION_LISTENER, 4);
        assert_int_equal(read_sessions(NULL), 0);
        assert_int_equal(sessions.count, 2);
        session = &sessions.items[0];
        assert_int_equal(session->address, first);
        assert_int_equal(session->index, 0);
        assert_int_equal(session->type, SESSION_IPC_STREAM);
        assert_int_equal(session->in_rundown, false);
        assert_in_range(session->start, started() - 100000000, started() + 100000000);
        assert_int_equal(session->provider_count, 2);
        assert_string_equal(session->providers[0].name, RUNTIME);
        assert_int_equal(session->providers[0].set.keywords, 0x8001);
        assert_int_equal(session->providers[0].set.level, 5);
        assert_string_equal(session->providers[1].name, "My-Company-Events");
        assert_int_equal(session->providers[1].set.keywords, UINT64_MAX);
        assert_int_equal(sessions.items[1].index, 63);
        assert_int_equal(sessions.items[1].type, SESSION_LISTENER);
        assert_int_equal(sessions.items[1].provider_count, 2);
        wanted = sessions_wanted(&sessions, PROVIDER_RUNTIME);
        assert_int_equal(wanted.level, 5);
        assert_int_equal(wanted.keywords, 0x8011);
        wanted = sessions_wanted(&sessions, PROVIDER_PRIVATE);
        assert_int_equal(wanted.keywords, 0x1);
        assert_int_equal(sessions_wanted(&sessions, PROVIDER_STRESS).level, 0);
        put(second + (old ? 24 : 76), 1, 1); /* it is ending, and asks for nothing more */
        assert_int_equal(read_sessions(NULL), 0);
        assert_true(sessions.items[1].in_rundown);
        assert_int_equal(sessions_wanted(&sessions, PROVIDER_RUNTIME).keywords, 0x8001);
        assert_int_equal(sessions_wanted(&sessions, PROVIDER_PRIVATE).keywords, 0);
    }
}

static void empty_ones(void **state)
{
    struct reason why;
    uint64_t object;

    reset(false);
    assert_int_equal(read_sessions(&why), 0);
    assert_int_equal(sessions.count, 0);
    object = add_session(5);
    assert_int_equal(read_sessions(&why), 0); /* an empty list */
    assert_int_equal(sessions.items[0].provider_count, 0);
    put(object + 16, 0, 8); /* no list */
    assert_int_equal(read_sessions(&why), 0);
    assert_int_equal(sessions.items[0].provider_count, 0);
    assert_int_equal(sessions_read(&reader, TABLE, &(struct session_facts){0}, &sessions, &why), 0);
    assert_int_equal(
        sessions_read(&reader, TABLE, &(struct session_facts){.start = 48}, &sessions, &why),
        -ENOTSUP);
    assert_string_equal(why.text, "sessions have a layout that is not known (start at 48)");
}

/* Each row spoils one thing of a good session: it is refused, not misread. */
static void spoilt_objects(void **state)
{
    enum { SESSION, PROVIDER, NAME, LIST };
    static const struct {
        int what;
        size_t offset, size;
        uint64_t value;
    } table[] = {
        {SESSION, 72, 4, 4}, /* another slot's number */
        {SESSION, 72, 4, UINT32_MAX},
        {SESSION, 84, 4, SESSION_TYPE_MAX},
        {SESSION, 84, 4, 9},
        {SESSION, 84, 4, UINT32_MAX},
        {SESSION, 88, 4, 3},
        {SESSION, 76, 1, 2},
        {SESSION, 56, 8, 0},
        {SESSION, 56, 8, 130645439999999999}, /* 2014 */
        {SESSION, 56, 8, UINT64_MAX},
        {SESSION, 56, 8, 160000000000000000}, /* 2108 */
        {SESSION, 16, 8, 8},                  /* the list is nowhere */
        {SESSION, 16, 8, 1ull << 48},
        {SESSION, 16, 8, BASE - 8},
        {LIST, 0, 8, 4095},
        {LIST, 0, 8, UINT64_MAX - 7},
        {LIST, 0, 8, BASE + sizeof(fake.bytes) - 4},
        {PROVIDER, 0, 8, 0},
        {PROVIDER, 0, 8, 0xdead},
        {PROVIDER, 16, 4, 256},
        {NAME, 0, 1, 0}, /* no name */
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};
        uint64_t base, object;

        reset(false);
        object = add_session(5);
        base = add_provider(object, RUNTIME, 1, 5);
        if (table[i].what == SESSION)
            base = object;
        else if (table[i].what == LIST)
            base = *(uint64_t *)at(object + 16);
        else if (table[i].what == NAME)
            base = *(uint64_t *)at(base);
        put(base + table[i].offset, table[i].value, table[i].size);
        if (read_sessions(&why) >= 0)
            fail_msg("row %zu is accepted", i);
        assert_non_null(strstr(why.text, "does not hold sessions as known: "));
        assert_in_range(fake.reads, 1, 10000);
    }
}

static void start_in_the_near_future(void **state)
{
    reset(false);
    put(add_session(0) + 56, started() + 10 * 3600 * 10000000ull, 8); /* clocks differ */
    assert_int_equal(read_sessions(NULL), 0);
}

static void wild_slots(void **state)
{
    static const uint64_t pointers[] = {
        1, 4095, 0xdeadbeef, 1ull << 48, UINT64_MAX, BASE - 1, BASE + sizeof(fake.bytes) - 127};

    for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
        reset(false);
        add_session(0);
        put(TABLE + 8 * 7, pointers[i], 8);
        assert_true(read_sessions(NULL) < 0);
    }
}

static void long_names(void **state)
{
    char name[SESSION_NAME_MAX + 2];
    uint64_t object;

    for (int old = 0; old < 2; old++)
        for (size_t length = SESSION_NAME_MAX - 2; length <= SESSION_NAME_MAX + 1; length++) {
            memset(name, 'n', sizeof(name));
            name[length] = 0;
            reset(old);
            object = add_session(0);
            add_provider(object, name, 1, 5);
            assert_int_equal(read_sessions(NULL), 0);
            assert_int_equal(strlen(sessions.items[0].providers[0].name),
                             length < SESSION_NAME_MAX ? length : SESSION_NAME_MAX - 1);
        }
}

/* Whoever may ask for a session chooses the names: none keeps the others from being read, and none
 * reaches a terminal as it is. */
static void strange_names(void **state)
{
    static const struct {
        const char *name;
        const char *read;
    } table[] = {
        {"M\xc3\xbcller-Events", "M\xc3\xbcller-Events"},
        {"\xe4\xba\x8b\xe4\xbb\xb6", "\xe4\xba\x8b\xe4\xbb\xb6"},
        {"E\x1b[31m\n", "E?[31m?"},
        {"E\xe4", "E?"},
        {"\x7f\xc2\x9b", "???"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        uint64_t object;

        reset(false);
        object = add_session(3);
        add_provider(object, RUNTIME, 1, 5);
        add_provider(object, table[i].name, 2, 4);
        assert_int_equal(read_sessions(NULL), 0);
        assert_true(sessions.items[0].strange);
        assert_string_equal(sessions.items[0].providers[1].name, table[i].read);
        assert_int_equal(sessions_wanted(&sessions, PROVIDER_RUNTIME).level, 5);
    }
}

/* UTF-16: each "\xe4" of add_name() is U+00E4. */
static void strange_wide_names(void **state)
{
    uint64_t provider;

    reset(true);
    provider = add_provider(add_session(3), "K\xe4se\x1b", 2, 4);
    put(*(uint64_t *)at(provider) + 2, 0x20ac, 2);
    assert_int_equal(read_sessions(NULL), 0);
    assert_string_equal(sessions.items[0].providers[0].name, "K\xe2\x82\xacse?");
}

static uint64_t strange_name;

static void reuse_name(struct fake *memory)
{
    if (memory->reads == memory->torn_at + 5)
        put(strange_name, 'P', 1);
}

/* A strange name may be freed memory: it has to be there for longer than a plain one. */
static void strange_for_a_moment(void **state)
{
    reset(false);
    strange_name = *(uint64_t *)at(add_provider(add_session(0), "\xe4lain", 1, 5));
    fake.torn = reuse_name;
    fake.torn_at = 20;
    assert_int_equal(read_sessions(NULL), 0);
    assert_string_equal(sessions.items[0].providers[0].name, "Plain");
    assert_false(sessions.items[0].strange);
}

/* What is cut is cut between two characters. */
static void long_strange_names(void **state)
{
    for (size_t first = 0; first < 4; first++) {
        char name[128] = "";
        const char *read = sessions.items[0].providers[0].name;

        memset(name, 'n', first);
        while (strlen(name) < 100)
            strcat(name, "\xe4\xba\x8b");
        reset(false);
        add_provider(add_session(0), name, 1, 5);
        assert_int_equal(read_sessions(NULL), 0);
        assert_null(strchr(read, '?'));
        assert_in_range(strlen(read), SESSION_NAME_MAX - 4, SESSION_NAME_MAX - 1);
        assert_string_equal(read + strlen(read) - 3, "...");
    }
}

/* A name may end at the end of what is mapped; nothing behind its last byte is needed. */
static void name_at_the_end_of_memory(void **state)
{
    for (int old = 0; old < 2; old++) {
        size_t size = (strlen("Last") + 1) * (old ? 2 : 1);
        uint64_t end = BASE + sizeof(fake.bytes), object, provider;

        reset(old);
        object = add_session(0);
        provider = add_provider(object, "Last", 1, 5);
        memcpy(at(end - size), at(*(uint64_t *)at(provider)), size);
        put(provider, end - size, 8);
        assert_int_equal(read_sessions(NULL), 0);
        assert_string_equal(sessions.items[0].providers[0].name, "Last");
    }
}

static void many_providers(void **state)
{
    uint64_t object;

    reset(false);
    object = add_session(0);
    for (int i = 0; i < SESSION_PROVIDERS_MAX + 4; i++)
        add_provider(object, "My-Company-Events", 1, 4);
    add_provider(object, RUNTIME, 0x8001, 5);
    add_provider(object, RUNTIME "Private", 0x1, 4);
    assert_int_equal(read_sessions(NULL), 0);
    assert_int_equal(sessions.items[0].provider_count, SESSION_PROVIDERS_MAX);
    assert_int_equal(sessions.items[0].more_providers, 6);
    assert_int_equal(sessions_wanted(&sessions, PROVIDER_RUNTIME).keywords, 0x8001);
    assert_int_equal(sessions_wanted(&sessions, PROVIDER_PRIVATE).level, 4);
}

/* However its memory is made, a process cannot keep us: a bounded number of reads, each of which is
 * a system call. */
static void endless_lists(void **state)
{
    uint64_t object, list, node;

    reset(false); /* a list that comes back to itself */
    object = add_session(0);
    add_provider(object, RUNTIME, 1, 5);
    list = *(uint64_t *)at(object + 16);
    node = *(uint64_t *)at(*(uint64_t *)at(list));
    put(node + 8, node, 8);
    assert_true(read_sessions(NULL) < 0);
    assert_in_range(fake.reads, 1, 50000);

    reset(false); /* in each of 64 sessions as long as is believed, and then some */
    for (uint32_t i = 0; i < 64; i++) {
        object = add_session(i);
        if (i == 0) {
            for (int n = 0; n < 250; n++)
                add_provider(object, "A-Name-That-Is-Rather-Long-As-Names-Go", 1, 5);
            list = *(uint64_t *)at(object + 16);
        }
        put(object + 16, list, 8);
    }
    (void)!read_sessions(NULL);
    assert_in_range(fake.reads, 1, 50000);
}

static uint64_t torn_address;
static uint64_t torn_value;

static void tear_once(struct fake *memory)
{
    put(torn_address, torn_value, 8);
    memory->torn = NULL;
}

/* A provider's level changes while it is read, at whichever read: what comes out is what is there
 * at the end, never a mixture. */
static void torn_reads(void **state)
{
    for (unsigned n = 0; n < 200; n++) {
        uint64_t object, provider;
        struct event_set wanted;

        reset(false);
        object = add_session(0);
        add_provider(object, RUNTIME, 0x1, 4);
        provider = add_provider(object, RUNTIME "Private", 0x1, 4);
        torn_address = provider + 8;
        torn_value = 0x2;
        fake.torn = tear_once;
        fake.torn_at = n;
        assert_int_equal(read_sessions(NULL), 0);
        wanted = sessions_wanted(&sessions, PROVIDER_PRIVATE);
        assert_true(wanted.keywords == (fake.torn ? 0x1 : 0x2) || wanted.keywords == 0x1);
        if (fake.torn)
            break;
    }
}

static uint64_t freed_object;

/* The session is unlinked and its memory is filled with something else. */
static void free_session(struct fake *memory)
{
    put(TABLE, 0, 8);
    memset(at(freed_object), 0xdd, 128);
    memset(at(torn_address), 0xdd, 32);
    memory->torn = NULL;
}

static void freed_while_read(void **state)
{
    for (unsigned n = 0; n < 200; n++) {
        uint64_t other;
        bool freed;

        reset(false);
        freed_object = add_session(0);
        torn_address = add_provider(freed_object, RUNTIME, 0x1, 5);
        other = add_session(1);
        add_provider(other, RUNTIME, 0x8000, 4);
        fake.torn = free_session;
        fake.torn_at = n;
        assert_int_equal(read_sessions(NULL), 0);
        freed = !fake.torn;
        assert_int_equal(sessions.count, freed ? 1 : 2);
        assert_int_equal(sessions.items[sessions.count - 1].index, 1);
        assert_int_equal(sessions_wanted(&sessions, PROVIDER_RUNTIME).keywords,
                         freed ? 0x8000 : 0x8001);
        if (!freed)
            return;
    }
    fail();
}

static void keep_tearing(struct fake *memory)
{
    put(torn_address, memory->reads, 8);
}

static void never_still(void **state)
{
    struct reason why;
    uint64_t object;

    reset(false);
    object = add_session(0);
    torn_address = add_provider(object, RUNTIME, 0x1, 4) + 8;
    fake.torn = keep_tearing;
    assert_int_equal(read_sessions(&why), -EAGAIN);
    assert_string_equal(why.text, "sessions come and go too fast to be read");
}

static void reader_fails(void **state)
{
    struct reason why;

    reset(false);
    add_session(0);
    fake.error = -ESRCH;
    assert_int_equal(read_sessions(&why), -ESRCH);
    assert_int_equal(fake.reads, 1);
    fake.error = -EPERM;
    assert_int_equal(read_sessions(&why), -EPERM);
}

static int search_in(uint64_t start, uint64_t size, uint64_t mask, uint64_t *table)
{
    *table = 77;
    fake.reads = 0;
    return sessions_search(&reader, start, size, mask, table);
}

static void searches(void **state)
{
    uint64_t table, place, object;

    reset(false);
    room(0x4000); /* .data and .bss, the table somewhere in it */
    place = BASE + 0x1238;
    object = add_session(5);
    put(TABLE + 8 * 5, 0, 8);
    put(place + 8 * 5, object, 8);
    assert_int_equal(search_in(BASE, 0x4000, 1 << 5, &table), 0);
    assert_int_equal(table, place);
    assert_int_equal(search_in(BASE + 3, 0x4000, 1 << 5, &table), 0);
    assert_int_equal(search_in(BASE, 0x4000, 1 << 4, &table), -ENOENT);
    assert_int_equal(search_in(BASE, 0x4000, 3 << 5, &table), -ENOENT);
    assert_int_equal(search_in(BASE, 0x4000, 0, &table), -ENOENT);
    assert_int_equal(search_in(place + 8, 0x1000, 1 << 5, &table), -ENOENT); /* begins before */
    put(place + 8 * 9, 0x10000, 8); /* a slot with something else */
    assert_int_equal(search_in(BASE, 0x4000, 1 << 5, &table), -ENOENT);
    put(place + 8 * 9, 0, 8);
    put(BASE + 0x3000 + 8 * 5, object, 8); /* a second one */
    assert_int_equal(search_in(BASE, 0x4000, 1 << 5, &table), -ENOTUNIQ);
    put(BASE + 0x3000 + 8 * 5, 0, 8);
    put(BASE + 0x3004 + 8 * 5, object, 8); /* not aligned */
    assert_int_equal(search_in(BASE, 0x4000, 1 << 5, &table), 0);
}

/* A hole in the middle is passed over, and so is what lies outside altogether. */
static void search_in_holes(void **state)
{
    uint64_t table, object;

    reset(false);
    room(0x4000);
    object = add_session(0);
    put(TABLE, 0, 8);
    put(BASE + 0x100, object, 8);
    assert_int_equal(search_in(BASE - 0x8000, 0xc000, 1, &table), 0);
    assert_int_equal(table, BASE + 0x100);
    assert_int_equal(search_in(UINT64_MAX - 0x1000, 0x2000, 1, &table), -ENOENT);
}

/* An image may claim any size for its segments. */
static void search_is_bounded(void **state)
{
    uint64_t table;

    reset(false);
    assert_int_equal(search_in(BASE, 1ull << 46, 1, &table), -E2BIG);
    assert_int_equal(search_in(BASE, UINT64_MAX, 1, &table), -E2BIG);
    assert_int_equal(search_in(BASE, 1 << 25, 1, &table), -ENOENT);
    assert_in_range(fake.reads, 1, 100000);
    for (size_t i = 0; i < sizeof(fake.bytes); i += 8)
        put(BASE + i, BASE + 64, 8); /* every word leads somewhere */
    assert_int_equal(search_in(BASE, 1 << 25, 1, &table), -ENOENT);
    assert_in_range(fake.reads, 1, 100000);
}

/* What a session has beside its list, in each of the three layouts. */
static void other_fields(void **state)
{
    enum { OLD, MIDDLE, NEW };

    for (int layout = OLD; layout <= NEW; layout++) {
        const struct session *session = &sessions.items[0];
        uint64_t object, buffers;

        reset(layout == OLD);
        object = add_session(3);
        buffers = room(80);
        assert_int_equal(read_sessions_of(layout == NEW ? RUNDOWN_KEYWORDS : RUNDOWN_FLAG, NULL),
                         0);
        assert_int_equal(session->stamp, 1003);
        assert_false(session->wants_rundown || session->everything);
        assert_int_equal(session->buffer_bytes, 0);
        assert_int_equal(session->fd, -1);
        put(object + (layout == OLD ? 16 : 24), buffers, 8);
        put(buffers + (layout == OLD ? 24 : 72), 13 << 20, 8);
        if (layout == NEW)
            put(object + 96, 0x80020139, 8);
        else
            put(object + (layout == OLD ? 36 : 92), 1, 1);
        assert_int_equal(read_sessions_of(layout == NEW ? RUNDOWN_KEYWORDS : RUNDOWN_FLAG, NULL),
                         0);
        assert_true(session->rundown_known && session->wants_rundown);
        assert_int_equal(session->rundown_keywords, layout == NEW ? 0x80020139 : 0);
        assert_int_equal(session->buffer_bytes, 13 << 20);
        put(buffers + (layout == OLD ? 24 : 72), 1ull << 32, 8); /* more than there can be */
        assert_int_equal(read_sessions_of(layout == NEW ? RUNDOWN_KEYWORDS : RUNDOWN_FLAG, NULL),
                         0);
        assert_int_equal(session->buffer_bytes, 0);
        assert_int_equal(read_sessions_of(RUNDOWN_UNKNOWN, NULL), 0);
        assert_false(session->rundown_known || session->wants_rundown);
        put(object + (layout == OLD ? 16 : 24), 0xdead, 8); /* nowhere: no less a session */
        assert_int_equal(read_sessions_of(layout == NEW ? RUNDOWN_KEYWORDS : RUNDOWN_FLAG, NULL),
                         0);
        assert_int_equal(session->buffer_bytes, 0);
    }
}

static void same_session(void **state)
{
    const struct session one = {.address = 1, .start = 2, .stamp = 3};
    struct session other = one;

    other.in_rundown = true;
    assert_true(session_same(&one, &other));
    other.address++;
    assert_false(session_same(&one, &other));
    other = one;
    other.start++;
    assert_false(session_same(&one, &other));
    other = one;
    other.stamp++;
    assert_false(session_same(&one, &other));
}

static void about_to_end(void **state)
{
    struct session session = {0};

    assert_true(session_is_ending(&session)); /* its list has been emptied */
    session.everything = true;
    assert_false(session_is_ending(&session));
    session = (struct session){.provider_count = 1};
    assert_false(session_is_ending(&session));
    session.in_rundown = true;
    assert_true(session_is_ending(&session));
}

static void filters(void **state)
{
    static const struct {
        const char *text, *read;
    } table[] = {
        {"EventCounterIntervalSec=1", "EventCounterIntervalSec=1"},
        {"", ""},
        {"a=\x1b[31m\n\x7f", "a=?[31m??"},
    };
    char text[SESSION_FILTER_MAX + 1];
    uint64_t provider;

    for (int old = 0; old < 2; old++) {
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
            reset(old);
            provider = add_provider(add_session(0), "My-Events", 1, 5);
            put(provider + 24, add_name(table[i].text), 8);
            assert_int_equal(read_sessions(NULL), 0);
            assert_string_equal(sessions.items[0].providers[0].filter, table[i].read);
        }
        memset(text, 'f', sizeof(text));
        text[sizeof(text) - 1] = 0;
        put(provider + 24, add_name(text), 8);
        assert_int_equal(read_sessions(NULL), 0);
        strcpy(text + SESSION_FILTER_MAX - 4, "...");
        assert_string_equal(sessions.items[0].providers[0].filter, text);
        put(provider + 24, 0xdead, 8);
        assert_true(read_sessions(NULL) < 0);
    }
}

static void catch_all(void **state)
{
    for (int old = 0; old < 2; old++) {
        uint64_t object;
        struct event_set wanted;

        reset(old);
        object = add_session(0);
        put(*(uint64_t *)at(object + (old ? 8 : 16)) + 8, object, 8);
        assert_int_equal(read_sessions(NULL), 0);
        assert_true(sessions.items[0].everything);
        wanted = sessions_wanted(&sessions, PROVIDER_PRIVATE);
        assert_int_equal(wanted.level, LEVEL_VERBOSE);
        assert_int_equal(wanted.keywords, UINT64_MAX);
        put(object + (old ? 24 : 76), 1, 1);
        assert_int_equal(read_sessions(NULL), 0);
        assert_int_equal(sessions_wanted(&sessions, PROVIDER_PRIVATE).level, 0);
    }
}

/* The four objects between a session and its socket. */
struct chain {
    uint64_t session, file, serializer, writer, stream;
};

static struct chain add_chain(int fd)
{
    struct chain chain = {add_session(0), room(64), room(16), room(16), room(16)};

    put(chain.session + (fake.old ? 56 : 32), chain.file, 8);
    put(chain.file, DATA + 0x10, 8);
    put(chain.file + (fake.old ? 24 : 56), chain.serializer, 8);
    if (!fake.old)
        put(chain.file + 48, chain.writer, 8);
    put(chain.serializer, chain.writer, 8);
    put(chain.serializer + 8, fake.old ? 0xe4000000 : 2, 4);
    put(chain.writer, DATA + 0x20, 8);
    put(chain.writer + 8, chain.stream, 8);
    put(chain.stream, DATA + 0x30, 8);
    put(chain.stream + (fake.old ? 0 : 8), (uint32_t)fd, 4);
    return chain;
}

static void streams(void **state)
{
    for (int old = 0; old < 2; old++) {
        struct chain chain;

        reset(old);
        chain = add_chain(47);
        assert_int_equal(read_sessions(NULL), 0);
        assert_int_equal(sessions.items[0].fd, 47);
        assert_int_equal(sessions.items[0].socket, 0);
        put(chain.serializer + (old ? 8 : 12), 1, 1);
        put(chain.stream + (old ? 0 : 8), UINT32_MAX, 4);
        assert_int_equal(read_sessions(NULL), 0);
        assert_int_equal(sessions.items[0].fd, -1);
        put(chain.stream + (old ? 0 : 8), 47, 4);
        put(chain.session + (old ? 28 : 84), SESSION_FILE_STREAM, 4);
        assert_int_equal(read_sessions(NULL), 0);
        assert_int_equal(sessions.items[0].fd, -1);
    }
}

/* Each row spoils one thing on the way: the descriptor is not told, and the session is read. */
static void spoilt_streams(void **state)
{
    enum { FILE_, SERIALIZER, WRITER, STREAM };
    static const struct {
        int what;
        size_t offset, size;
        uint64_t value;
        bool old;
    } table[] = {
        {FILE_, 0, 8, 0, false},
        {FILE_, 0, 8, DATA - 8, false},
        {FILE_, 0, 8, DATA + 0x1000, false},
        {FILE_, 0, 8, DATA + 0x11, false},
        {FILE_, 0, 8, BASE, true},
        {FILE_, 48, 8, BASE, false}, /* another writer than the serializer's */
        {FILE_, 56, 8, 0, false},
        {FILE_, 56, 8, UINT64_MAX, false},
        {FILE_, 24, 8, BASE + sizeof(fake.bytes) - 8, true},
        {SERIALIZER, 12, 1, 2, false},
        {SERIALIZER, 8, 1, 2, true},
        {SERIALIZER, 0, 8, 0, true},
        {WRITER, 0, 8, BASE, false},
        {WRITER, 0, 8, BASE, true},
        {WRITER, 8, 8, 0, false},
        {STREAM, 0, 8, BASE, false},
        {STREAM, 8, 4, 1 << 20, false},
        {STREAM, 8, 4, (uint32_t)-2, false},
        {STREAM, 0, 4, INT32_MAX, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct chain chain;

        reset(table[i].old);
        chain = add_chain(5);
        put((&chain.file)[table[i].what] + table[i].offset, table[i].value, table[i].size);
        assert_int_equal(read_sessions(NULL), 0);
        assert_int_equal(sessions.count, 1);
        if (sessions.items[0].fd != -1)
            fail_msg("row %zu is believed", i);
    }
    reset(false); /* and where the runtime's data is not known */
    add_chain(5);
    assert_int_equal(sessions_read(&reader, TABLE, &(struct session_facts){0}, &sessions, NULL), 0);
    assert_int_equal(sessions.items[0].fd, -1);
}

static void types(void **state)
{
    for (enum session_type type = 0; type < SESSION_TYPE_MAX; type++)
        assert_true(session_type_name(type)[0]);
    assert_string_equal(session_type_name(SESSION_IPC_STREAM), "IPC stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_layouts),
        cmocka_unit_test(empty_ones),
        cmocka_unit_test(spoilt_objects),
        cmocka_unit_test(start_in_the_near_future),
        cmocka_unit_test(wild_slots),
        cmocka_unit_test(long_names),
        cmocka_unit_test(name_at_the_end_of_memory),
        cmocka_unit_test(many_providers),
        cmocka_unit_test(strange_names),
        cmocka_unit_test(strange_wide_names),
        cmocka_unit_test(strange_for_a_moment),
        cmocka_unit_test(long_strange_names),
        cmocka_unit_test(endless_lists),
        cmocka_unit_test(torn_reads),
        cmocka_unit_test(freed_while_read),
        cmocka_unit_test(never_still),
        cmocka_unit_test(reader_fails),
        cmocka_unit_test(searches),
        cmocka_unit_test(search_in_holes),
        cmocka_unit_test(search_is_bounded),
        cmocka_unit_test(other_fields),
        cmocka_unit_test(same_session),
        cmocka_unit_test(about_to_end),
        cmocka_unit_test(filters),
        cmocka_unit_test(catch_all),
        cmocka_unit_test(streams),
        cmocka_unit_test(spoilt_streams),
        cmocka_unit_test(types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
