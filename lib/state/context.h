/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/event_set.h"
#include "util/cleanup.h"

/*
 * A provider context, which the runtime tests before it builds an event (DOTNET_TRACE_CONTEXT,
 * src/coreclr/inc/eventtracebase.h), x86-64 and aarch64:
 *
 *   0  const WCHAR *name
 *   8  uint8 level
 *   9  bool enabled
 *  16  uint64 keywords
 *  24  the same four for LTTng, behind a pointer; absent in NativeAOT
 */

#define CONTEXT_BYTES 24

struct context {
    bool enabled;
    struct event_set set;
};

/* -EBADMSG when the bytes cannot be a context. @name gets the address of the name. */
_must_check_ int context_decode(const uint8_t bytes[static CONTEXT_BYTES], struct context *out,
                                uint64_t *name);
