/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names places in the code of a live process, for test_stack.sh. usage: stack_names PID, with an
 * address in hexadecimal per line on standard input, and for each a line "ADDRESS SOURCE NAME".
 */
#include <string.h>

#include "stack/resolver.h"
#include "util/number.h"

static int fail(const char *text)
{
    fprintf(stderr, "stack_names: %s\n", text);
    return 3;
}

static size_t read_addresses(uint64_t *addresses, size_t most)
{
    char line[64];
    size_t count = 0;

    while (count < most && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (number_hex(line, UINT64_MAX, &addresses[count]) == 0)
            count++;
    }
    return count;
}

int main(int count, char **arguments)
{
    static uint64_t addresses[8192];
    static struct frame frames[ARRAY_SIZE(addresses)];
    _resolver_free_ struct resolver *resolver = NULL;
    struct process process;
    struct reason why;
    uint64_t pid;
    size_t places;

    if (count != 2 || number_decimal(arguments[1], INT32_MAX, &pid) < 0)
        return fail("usage: stack_names PID");
    if (process_read((pid_t)pid, &process, &why) < 0 || resolver_new(&resolver, &process, &why) < 0)
        return fail(why.text);
    places = read_addresses(addresses, ARRAY_SIZE(addresses));
    resolver_frames(resolver, addresses, places, frames);
    for (size_t i = 0; i < places; i++)
        printf("%llx %s %s\n", (unsigned long long)frames[i].address,
               frame_source_name(frames[i].source), frames[i].text);
    return 0;
}
