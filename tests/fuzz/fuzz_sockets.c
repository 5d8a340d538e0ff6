/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proc/unix_sockets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct unix_sockets sockets = {0};
    void *datagram = malloc(size ? size : 1); /* as aligned as the kernel's */

    if (!datagram)
        return -1;
    memcpy(datagram, data, size);
    (void)!unix_sockets_parse(datagram, size, &sockets);
    for (size_t i = 0; i < sockets.count; i++)
        if (!memchr(sockets.entries[i].name, 0, sizeof(sockets.entries[i].name)))
            __builtin_trap();
    unix_sockets_close(&sockets);
    free(datagram);
    return 0;
}
