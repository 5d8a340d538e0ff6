/* SPDX-License-Identifier: Apache-2.0 */
#include "state/context.h"

#include <errno.h>
#include <string.h>

int context_decode(const uint8_t bytes[static CONTEXT_BYTES], struct context *out, uint64_t *name)
{
    if (bytes[9] > 1)
        return -EBADMSG;
    memcpy(name, bytes, sizeof(*name));
    out->enabled = bytes[9];
    out->set.level = bytes[8];
    memcpy(&out->set.keywords, bytes + 16, sizeof(out->set.keywords));
    return 0;
}
