/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/socket_owners.h"

#include <string.h>

#include "proc/procfs.h"
#include "util/number.h"
#include "util/text.h"

uint64_t socket_owners_parse_link(const char *text)
{
    static const char start[] = "socket:[";
    char digits[24];
    uint64_t inode;

    if (!text_starts_with(text, start) || !text_ends_with(text, "]"))
        return 0;
    text_copy(digits, sizeof(digits), text + sizeof(start) - 1);
    digits[strcspn(digits, "]")] = '\0';
    return number_decimal(digits, UINT64_MAX, &inode) == 0 ? inode : 0;
}

static int add(struct socket_owners *to, uint64_t inode, pid_t pid)
{
    if (to->count == SOCKET_OWNERS_MAX)
        return -E2BIG;
    if (to->count == to->room) {
        size_t room = to->room ? to->room * 2 : 1024;
        struct socket_owner *grown = reallocarray(to->entries, room, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        to->entries = grown;
        to->room = room;
    }
    to->entries[to->count++] = (struct socket_owner){.inode = inode, .pid = pid};
    return 0;
}

static int add_sockets_of(struct socket_owners *to, pid_t pid)
{
    _closedir_ DIR *directory = NULL;
    int error = procfs_open_folder(pid, "fd", &directory);
    pid_t number;

    if (error < 0) {
        to->hidden += error == -EACCES;
        return 0;
    }
    while (error == 0 && procfs_next(directory, &number)) {
        char name[16], link[64];
        ssize_t length;
        uint64_t inode;

        snprintf(name, sizeof(name), "%d", number);
        length = readlinkat(dirfd(directory), name, link, sizeof(link) - 1);
        link[length > 0 ? length : 0] = '\0';
        inode = socket_owners_parse_link(link);
        if (inode != 0)
            error = add(to, inode, pid);
    }
    return error;
}

static int by_inode_and_pid(const void *a, const void *b)
{
    const struct socket_owner *left = a, *right = b;
    int order = (left->inode > right->inode) - (left->inode < right->inode);

    return order ? order : (left->pid > right->pid) - (left->pid < right->pid);
}

int socket_owners_read(struct socket_owners *out, struct reason *why)
{
    struct socket_owners owners __attribute__((cleanup(socket_owners_close))) = {0};
    _closedir_ DIR *processes = opendir("/proc");
    int error = processes ? 0 : -errno;
    pid_t pid;

    *out = (struct socket_owners){0};
    while (error == 0 && procfs_next(processes, &pid))
        error = add_sockets_of(&owners, pid);
    if (error < 0)
        return reason_set(why, error, "cannot tell who owns sockets: %s", strerror(-error));
    if (owners.count > 0)
        qsort(owners.entries, owners.count, sizeof(*owners.entries), by_inode_and_pid);
    *out = owners;
    owners = (struct socket_owners){0};
    return 0;
}

void socket_owners_close(struct socket_owners *owners)
{
    free(owners->entries);
    *owners = (struct socket_owners){0};
}

pid_t socket_owners_find(const struct socket_owners *owners, uint64_t inode)
{
    size_t low = 0, high = owners->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (owners->entries[middle].inode < inode)
            low = middle + 1;
        else
            high = middle;
    }
    return low < owners->count && owners->entries[low].inode == inode ? owners->entries[low].pid
                                                                      : 0;
}
