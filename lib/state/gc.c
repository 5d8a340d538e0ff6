/* SPDX-License-Identifier: Apache-2.0 */
#include "state/gc.h"

#include <errno.h>
#include <string.h>

#define LEVEL_MAX 255 /* a UCHAR in every place that it comes from */

int gc_state_decode(const uint8_t levels[static GC_STATE_BYTES],
                    const uint8_t keywords[static GC_STATE_BYTES], struct gc_state *out)
{
    uint32_t level[2], keyword[2];

    memcpy(level, levels, sizeof(level));
    memcpy(keyword, keywords, sizeof(keyword));
    if (level[0] > LEVEL_MAX || level[1] > LEVEL_MAX)
        return -EBADMSG;
    *out = (struct gc_state){{level[0], keyword[0]}, {level[1], keyword[1]}};
    return 0;
}
