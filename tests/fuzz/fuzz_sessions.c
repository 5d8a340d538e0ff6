/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "state/account.h"

/*
 * The input is the memory of a process: first the size of the steps in which it changes while it is
 * read (0: it holds still), then which layout sessions have, then bytes at BASE: a table of
 * sessions, or a provider. What can be read is accounted for.
 */

#define BASE 0x10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fake {
    const uint8_t *bytes;
    size_t size;
    size_t moved, step;
    size_t reads;
};

static int read_fake(void *context, uint64_t address, void *to, size_t length)
{
    struct fake *fake = context;
    size_t moved = fake->step ? fake->reads / 64 % 2 * fake->step : 0;

    if (++fake->reads > 4000000) /* four million system calls: seconds */
        __builtin_trap();
    if (address < BASE || address - BASE > fake->size || length > fake->size - (address - BASE))
        return -EFAULT;
    memcpy(to, fake->bytes + (address - BASE), length);
    if (moved && length)
        *(uint8_t *)to ^= (uint8_t)moved;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t starts[] = {0, SESSION_START_3, SESSION_START_5, 48};
    static struct observation seen;
    static struct provider_states providers;
    static struct account account;
    struct fake fake = {.bytes = data + 2, .size = size - 2};
    struct reader reader = {read_fake, &fake};
    struct session_facts facts = {.data_start = BASE, .data_end = BASE + size};
    struct reason why;
    uint64_t table;

    if (size < 2)
        return -1;
    fake.step = data[0];
    facts.start = starts[data[1] % 4];
    facts.rundown = data[1] / 4 % 3;
    seen.sessions_readable = sessions_read(&reader, BASE, &facts, &seen.sessions, &why) == 0;
    if (!seen.sessions_readable)
        seen.sessions.count = 0;
    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        sessions_wanted(&seen.sessions, provider);
    fake.reads = 0;
    (void)!sessions_search(&reader, BASE, fake.size, 1, &table);
    fake.reads = 0;
    account_of(&seen, providers_read(&reader, BASE, &providers, &why) == 0 ? &providers : NULL,
               &account);
    for (size_t i = 0; i < account.count; i++)
        for (size_t n = 0; n < seen.sessions.count; n++)
            account_part(&account.items[i], &seen.sessions.items[n]);
    return 0;
}
