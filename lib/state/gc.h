/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/event_set.h"
#include "util/cleanup.h"

/*
 * GCEventStatus (src/coreclr/gc/gceventstatus.h): which events the GC builds.
 */

#define GC_STATE_BYTES 8 /* of each of the two arrays: int32 for the public, then the private */

struct gc_state {
    struct event_set public;  /* Microsoft-Windows-DotNETRuntime */
    struct event_set private; /* Microsoft-Windows-DotNETRuntimePrivate */
};

/* -EBADMSG when the bytes cannot be levels, so that they are not what we take them for. */
_must_check_ int gc_state_decode(const uint8_t levels[static GC_STATE_BYTES],
                                 const uint8_t keywords[static GC_STATE_BYTES],
                                 struct gc_state *out);
