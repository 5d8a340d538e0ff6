/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/session.h"

/*
 * The socket that a session of a diagnostics client writes to. The runtime keeps it behind four
 * objects: EventPipeFile, FastSerializer, IpcStreamWriter, and the stream with its descriptor
 * (src/native/eventpipe/ep-file.h, ep-stream.h, ds-ipc-pal-socket.h; 3.1: src/vm/eventpipefile.h,
 * fastserializer.h, src/debug/inc/diagnosticsipc.h).
 */

/*
 * The descriptor in the process, -1 if it is closed, from @file, the address of a session's
 * EventPipeFile. -EBADMSG unless what is there is such a stream: each vtable lies in the runtime's
 * own data, file and serializer (5.0 and later) have the same writer, and the descriptor is a small
 * number. That it is a socket the caller must see.
 */
_must_check_ int session_stream_read(const struct reader *reader, const struct session_facts *facts,
                                     uint64_t file, int *fd);
