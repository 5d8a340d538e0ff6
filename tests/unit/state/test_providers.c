/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "state/providers.h"

/* The memory of a process: one block at BASE, in which a list of providers is laid out by hand. */
#define BASE    0x7f0000000000
#define RUNTIME "Microsoft-Windows-DotNETRuntime"

static struct {
    uint8_t bytes[1024 * 1024];
    size_t used;
    unsigned reads;
    uint64_t config, list, first, last; /* node */
    uint64_t moving;                    /* a word that is another one at each read; 0: none */
    int error;
} fake;

static struct provider_states providers;

static void *at(uint64_t address)
{
    return fake.bytes + (address - BASE);
}

static void put(uint64_t address, uint64_t value, size_t size)
{
    memcpy(at(address), &value, size);
}

static int read_fake(void *context, uint64_t address, void *to, size_t length)
{
    fake.reads++;
    if (fake.moving)
        put(fake.moving, fake.reads, 8);
    if (fake.error)
        return fake.error;
    if (address < BASE || address - BASE > sizeof(fake.bytes) ||
        length > sizeof(fake.bytes) - (address - BASE))
        return -EFAULT;
    memcpy(to, at(address), length);
    return 0;
}

static const struct reader reader = {read_fake, NULL};

static uint64_t room(size_t size)
{
    uint64_t address = BASE + fake.used;

    fake.used += (size + 7) & ~7ull;
    assert_true(fake.used <= sizeof(fake.bytes));
    return address;
}

static void reset(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.config = room(32);
    fake.list = room(16);
    put(fake.config, fake.list, 8);
}

static uint64_t add(const char *name, uint64_t keywords, uint32_t level, uint64_t sessions)
{
    uint64_t provider = room(72), text = room(strlen(name) + 1), node = room(24);

    strcpy(at(text), name);
    put(provider, keywords, 8);
    put(provider + 8, sessions, 8);
    put(provider + 16, text, 8);
    put(provider + 56, fake.config, 8);
    put(provider + 64, level, 4);
    put(node, provider, 8);
    put(node + 16, fake.last, 8);
    put(fake.last ? fake.last + 8 : fake.list, node, 8);
    put(fake.list + 8, node, 8);
    fake.first = fake.first ? fake.first : node;
    fake.last = node;
    return provider;
}

static int read_from(uint64_t provider, struct reason *why)
{
    fake.reads = 0;
    memset(&providers, 0x55, sizeof(providers));
    return providers_read(&reader, provider, &providers, why);
}

static void what_is_on(void **state)
{
    uint64_t runtime;

    reset();
    add("Microsoft-DotNETCore-EventPipe", UINT64_MAX, 0, 3);
    add("My-Company-Events", 0x10, 4, 2);
    runtime = add(RUNTIME, 0x8001, 5, 3);
    add(RUNTIME "Private", 0x1, 5, 0);
    assert_int_equal(read_from(runtime, NULL), 0);
    assert_int_equal(providers.count, 2);
    assert_int_equal(providers.more, 0);
    assert_string_equal(providers.items[0].name, "My-Company-Events");
    assert_int_equal(providers.items[0].set.keywords, 0x10);
    assert_int_equal(providers.items[0].set.level, 4);
    assert_int_equal(providers.items[0].sessions, 2);
    assert_string_equal(providers.items[1].name, RUNTIME);
    assert_int_equal(providers.items[1].set.keywords, 0x8001);
}

static void many(void **state)
{
    uint64_t first;

    reset();
    first = add(RUNTIME, 1, 5, 1);
    for (int i = 0; i < PROVIDERS_MAX + 2; i++)
        add("My-Company-Events", 1, 4, 1);
    assert_int_equal(read_from(first, NULL), 0);
    assert_int_equal(providers.count, PROVIDERS_MAX);
    assert_int_equal(providers.more, 3);
}

/* Each row spoils one thing of a good list of two: it is refused, not misread. */
static void spoilt(void **state)
{
    enum { PROVIDER, NODE, LIST, CONFIG, OTHER, NAME };
    static const struct {
        int what;
        size_t offset, size;
        uint64_t value;
    } table[] = {
        {PROVIDER, 16, 8, 0},     {PROVIDER, 16, 8, 0xdead},
        {PROVIDER, 56, 8, 0},     {PROVIDER, 56, 8, BASE + sizeof(fake.bytes)},
        {PROVIDER, 64, 4, 256},   {PROVIDER, 64, 4, UINT32_MAX},
        {NODE, 0, 8, 0},          {NODE, 0, 8, 8},
        {NODE, 8, 8, 0},          {NODE, 8, 8, UINT64_MAX},
        {NODE, 16, 8, BASE},      {LIST, 0, 8, 0},
        {LIST, 8, 8, BASE},       {LIST, 0, 8, 1},
        {CONFIG, 0, 8, 0},        {CONFIG, 0, 8, 1ull << 48},
        {OTHER, 56, 8, BASE + 8}, /* of another configuration */
        {OTHER, 64, 4, 300},      {OTHER, 16, 8, 0},
        {NAME, 0, 1, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};
        uint64_t base[6];

        reset();
        base[PROVIDER] = add(RUNTIME, 1, 5, 1);
        base[OTHER] = add("My-Company-Events", 1, 5, 1);
        base[NODE] = fake.first;
        base[LIST] = fake.list;
        base[CONFIG] = fake.config;
        base[NAME] = *(uint64_t *)at(base[OTHER] + 16);
        put(base[table[i].what] + table[i].offset, table[i].value, table[i].size);
        if (read_from(base[PROVIDER], &why) >= 0)
            fail_msg("row %zu is accepted", i);
        assert_non_null(strstr(why.text, "is no list of providers as known: "));
    }
}

static void strange_names(void **state)
{
    uint64_t runtime;

    reset();
    runtime = add(RUNTIME, 1, 5, 1);
    add("M\xc3\xbcller-Events", 2, 4, 1);
    add("E\x1b", 2, 4, 1);
    assert_int_equal(read_from(runtime, NULL), 0);
    assert_string_equal(providers.items[1].name, "M\xc3\xbcller-Events");
    assert_string_equal(providers.items[2].name, "E?");
}

/* What is asked from must be one of the list. */
static void stranger(void **state)
{
    uint64_t stranger, node;

    reset();
    add(RUNTIME, 1, 5, 1);
    node = fake.last;
    stranger = add(RUNTIME, 1, 5, 1);
    put(node + 8, 0, 8);
    put(fake.list + 8, node, 8);
    assert_int_equal(read_from(stranger, NULL), -EBADMSG);
}

static void endless(void **state)
{
    uint64_t provider;

    reset(); /* comes back to itself */
    provider = add(RUNTIME, 1, 5, 1);
    put(fake.first + 8, fake.first, 8);
    put(fake.first + 16, fake.first, 8);
    assert_true(read_from(provider, NULL) < 0);
    assert_in_range(fake.reads, 1, 1000);

    reset(); /* longer than any */
    provider = add(RUNTIME, 1, 5, 1);
    while (fake.used + 256 < sizeof(fake.bytes))
        add("E", 1, 5, 1);
    assert_int_equal(read_from(provider, NULL), -E2BIG);
    assert_in_range(fake.reads, 1, 50000);
}

static void never_still(void **state)
{
    struct reason why;
    uint64_t provider;

    reset();
    provider = add(RUNTIME, 1, 5, 1);
    fake.moving = provider;
    assert_int_equal(read_from(provider, &why), -EAGAIN);
    assert_string_equal(why.text, "providers come and go too fast to be read");
}

static void reader_fails(void **state)
{
    uint64_t provider;

    reset();
    provider = add(RUNTIME, 1, 5, 1);
    fake.error = -ESRCH;
    assert_int_equal(read_from(provider, NULL), -ESRCH);
    assert_int_equal(fake.reads, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_on),   cmocka_unit_test(many),
        cmocka_unit_test(spoilt),       cmocka_unit_test(stranger),
        cmocka_unit_test(endless),      cmocka_unit_test(never_still),
        cmocka_unit_test(reader_fails), cmocka_unit_test(strange_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
