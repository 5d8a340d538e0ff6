/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names methods and objects of a live process by its runtime's data contract, for test_contract.sh.
 * usage: contract_names PID, with lines "method ADDRESS" or "type ADDRESS" on standard input, and
 * for each a line "ADDRESS NAME" or "ADDRESS - REASON" on standard output.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "contract/contract.h"
#include "proc/image_file.h"
#include "runtime/runtime.h"
#include "util/number.h"

static int locate(pid_t pid, const struct runtime_image *image, struct contract_place *out,
                  struct reason *why)
{
    _close_ int fd = image_file_open(pid, image->mapping, NULL, why);
    struct stat status;
    struct image elf;
    void *data;
    int r;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -ENOENT;
    data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return -errno;
    r = image_open(&elf, data, (size_t)status.st_size, why);
    if (r == 0)
        r = contract_locate(&elf, image->base - (elf.segments[0].va & ~4095ull), out);
    image_close(&elf);
    munmap(data, (size_t)status.st_size);
    return r == -ENOENT ? reason_set(why, r, "the runtime exports no contract") : r;
}

static int find_place(pid_t pid, struct contract_place *out, struct reason *why)
{
    struct process process;
    struct runtime runtime;
    int r = process_read(pid, &process, why);

    if (r == 0)
        r = runtime_read(&process, &runtime, why);
    if (r < 0)
        return r;
    r = locate(pid, &runtime.image, out, why);
    runtime_close(&runtime);
    return r;
}

static void answer(struct contract *contract, const char *what, const char *text)
{
    char name[CONTRACT_NAME_MAX];
    struct reason why = {""};
    uint64_t address = 0;
    int r = number_hex(text, UINT64_MAX, &address);

    if (r == 0)
        r = strcmp(what, "type") == 0 ? contract_type_name(contract, address, name, &why)
                                      : contract_method_name(contract, address, name, &why);
    if (r < 0)
        printf("%s - %s\n", text, why.text);
    else
        printf("%s %s\n", text, name);
}

static int fail(const char *text)
{
    fprintf(stderr, "contract_names: %s\n", text);
    return 3;
}

int main(int count, char **arguments)
{
    struct contract_place place;
    struct contract *contract;
    struct memory memory;
    struct reason why = {""};
    char what[16], text[32];
    uint64_t pid;

    if (count != 2 || number_decimal(arguments[1], INT32_MAX, &pid) < 0)
        return fail("usage: contract_names PID");
    if (find_place((pid_t)pid, &place, &why) < 0)
        return fail(why.text);
    memory_open(&memory, (pid_t)pid);
    if (contract_open(&contract, &memory, &place, &why) < 0)
        return fail(why.text);
    while (scanf("%15s %31s", what, text) == 2)
        answer(contract, what, text);
    contract_free(&contract);
    memory_close(&memory);
    return 0;
}
