/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods that a trace's rundown tells of, for test_stack.sh. usage: trace_methods FILE. Prints
 * "ADDRESS SIZE NAME" for each MethodDCEndVerbose event: MethodID, ModuleID, MethodStartAddress (8
 * bytes each), MethodSize, MethodToken, MethodFlags (4 each), namespace and name in UTF-16. They
 * are found by that shape alone: a test may, since what it finds wrongly would not agree.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "util/bytes.h"

#define NAMES 36

/* Printable UTF-16 up to a NUL, put to @out up to what a type is instantiated for; its end or 0. */
static uint64_t read_text(struct bytes trace, uint64_t at, char out[static 512])
{
    size_t length = 0;
    bool cut = false;

    for (; bytes_at(trace, at, 2) && length < 511; at += 2) {
        uint16_t unit = bytes_u16(trace, at);

        if (unit == 0) {
            out[length] = 0;
            return length ? at + 2 : 0;
        }
        if (unit > '~' || !isprint(unit))
            return 0;
        cut |= unit == '[';
        if (!cut)
            out[length++] = (char)unit;
    }
    return 0;
}

static void read_event(struct bytes trace, uint64_t at)
{
    uint64_t start = bytes_number(trace, at + 16, 8), end;
    uint32_t size = bytes_u32(trace, at + 24), token = bytes_u32(trace, at + 28);
    char type[512], method[512];

    if (token >> 24 != 6 || size == 0 || size > 200000 || start < 0x10000 || start >> 47)
        return;
    end = read_text(trace, at + NAMES, type);
    if (end && read_text(trace, end, method))
        printf("%llx %x %s.%s\n", (unsigned long long)start, size, type, method);
}

int main(int count, char **arguments)
{
    int fd = count == 2 ? open(arguments[1], O_RDONLY | O_CLOEXEC) : -1;
    struct stat status;
    void *data;

    if (fd < 0 || fstat(fd, &status) < 0)
        return 3;
    data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return 3;
    for (uint64_t at = 0; at + NAMES < (uint64_t)status.st_size; at++)
        read_event((struct bytes){data, (size_t)status.st_size}, at);
    return 0;
}
