/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>

#include "proc/procfs.h"
#include "util/text.h"

/* No page is smaller, on any machine: two reads where one would do, never one too far. */
#define PAGE_LEAST 4096u

void memory_open(struct memory *memory, pid_t pid)
{
    *memory = (struct memory){.pid = pid, .fd = -1};
}

void memory_close(struct memory *memory)
{
    cleanup_close(&memory->fd);
    memory->fd = -1;
}

static int check_range(uint64_t address, size_t length)
{
    if (length > MEMORY_READ_MAX)
        return -E2BIG;
    if (address < MEMORY_BOTTOM || address >= MEMORY_TOP || length > MEMORY_TOP - address)
        return -EINVAL;
    return 0;
}

static ssize_t read_vm(pid_t pid, uint64_t address, void *to, size_t length)
{
    struct iovec local = {.iov_base = to, .iov_len = length};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = length};
    ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);

    return got >= 0 ? got : -errno;
}

static ssize_t read_file(struct memory *memory, uint64_t address, void *to, size_t length)
{
    ssize_t got;

    if (memory->fd < 0)
        memory->fd = procfs_open(memory->pid, "mem", O_RDONLY);
    if (memory->fd == -ENOENT)
        return -ESRCH;
    if (memory->fd < 0)
        return memory->fd == -EACCES ? -EPERM : memory->fd;
    got = pread(memory->fd, to, length, (off_t)address);
    if (got < 0)
        return errno == EIO ? -EFAULT : -errno;
    return got > 0 ? got : -ESRCH;
}

int memory_read(struct memory *memory, uint64_t address, void *to, size_t length)
{
    int error = check_range(address, length);
    ssize_t got;

    if (error < 0 || length == 0)
        return error;
    got = memory->fd >= 0 ? -EPERM : read_vm(memory->pid, address, to, length);
    if (got == -EPERM || got == -ENOSYS)
        got = read_file(memory, address, to, length);
    if (got < 0)
        return (int)got;
    return (size_t)got == length ? 0 : -EFAULT;
}

/* From @address to its page's end, as far as it fits. */
static size_t page_rest(uint64_t address, size_t most)
{
    size_t rest = PAGE_LEAST - (size_t)(address % PAGE_LEAST);

    return rest < most ? rest : most;
}

ssize_t memory_read_string(struct memory *memory, uint64_t address, char *to, size_t size)
{
    size_t length = 0;

    if (size > MEMORY_STRING_MAX)
        return -E2BIG;
    while (length < size) {
        size_t chunk = page_rest(address + length, size - length);
        int error = memory_read(memory, address + length, to + length, chunk);
        char *end;

        if (error < 0)
            return error;
        end = memchr(to + length, '\0', chunk);
        if (end)
            return end - to;
        length += chunk;
    }
    return -E2BIG;
}

static size_t units_before_nul(const uint16_t *units, size_t count)
{
    size_t length = 0;

    while (length < count && units[length] != 0)
        length++;
    return length;
}

ssize_t memory_read_utf16(struct memory *memory, uint64_t address, char *to, size_t size)
{
    uint16_t units[MEMORY_STRING_MAX];
    size_t count = 0;

    if (size > MEMORY_STRING_MAX)
        return -E2BIG;
    if (address % sizeof(*units) != 0)
        return -EINVAL;
    while (count < size) {
        uint64_t from = address + count * sizeof(*units);
        size_t chunk = page_rest(from, (size - count) * sizeof(*units)) / sizeof(*units);
        int error = memory_read(memory, from, units + count, chunk * sizeof(*units));
        size_t before;

        if (error < 0)
            return error;
        before = units_before_nul(units + count, chunk);
        count += before;
        if (before < chunk)
            return (ssize_t)text_from_utf16(units, count, to, size);
    }
    return -E2BIG;
}
