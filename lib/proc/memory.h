/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "util/cleanup.h"

#define MEMORY_READ_MAX   (16u << 20)
#define MEMORY_STRING_MAX 4096

/* User addresses: not the first page, and not beyond what the architecture gives by default. */
#define MEMORY_BOTTOM 4096u
#ifdef __aarch64__
#define MEMORY_TOP (UINT64_C(1) << 48)
#else
#define MEMORY_TOP (UINT64_C(1) << 47)
#endif

/*
 * The memory of another process, read while it runs: process_vm_readv(), or /proc/PID/mem where
 * that is denied. It is never stopped, attached to, or written to; what is read is as old as the
 * read, and pieces of it may be of different moments.
 *
 * Errors of all reads: -EINVAL for an address that is none, -E2BIG for a length over the bound,
 * -EFAULT where nothing is mapped, -ESRCH when the process is gone, -EPERM without rights.
 */
struct memory {
    pid_t pid;
    int fd; /* /proc/PID/mem; -1 until it is needed */
};

void memory_open(struct memory *memory, pid_t pid);
void memory_close(struct memory *memory);

/* All @length bytes at @address, or an error, and then what @to holds is undefined. */
_must_check_ int memory_read(struct memory *memory, uint64_t address, void *to, size_t length);

/*
 * The string that ends with a NUL within @size bytes, as it is; its length without the NUL, or an
 * error: -E2BIG if it does not end by then. Nothing behind its last page is touched. @size is at
 * most MEMORY_STRING_MAX.
 */
_must_check_ ssize_t memory_read_string(struct memory *memory, uint64_t address, char *to,
                                        size_t size);

/* The same for UTF-16, of less than @size code units, put into UTF-8 and cut to @size bytes. */
_must_check_ ssize_t memory_read_utf16(struct memory *memory, uint64_t address, char *to,
                                       size_t size);
