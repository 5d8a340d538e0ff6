/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/reason.h"

/*
 * A reader of the "nettrace" format, versions 4 and 5: what the runtime writes to a diagnostics
 * client, and what dotnet-trace keeps in its files (microsoft/perfview,
 * src/TraceEvent/EventPipe/NetTraceFormat_v5.md; dotnet/runtime, src/native/eventpipe/ep-block.c,
 * ep-file.c). It is given the stream piece by piece, as it comes, and hands on each event as soon
 * as its block is whole. It keeps the kinds of events, the stacks since the last sequence point,
 * and one block, each bounded.
 *
 * The events of one thread come in the order in which they happened; those of different threads
 * come as the runtime has buffered them.
 */

#define NETTRACE_BLOCK_MAX    (16u << 20) /* the runtime's own blocks have 100 KiB */
#define NETTRACE_KINDS_MAX    (64u << 10)
#define NETTRACE_THREADS_MAX  (64u << 10)
#define NETTRACE_STACKS_MAX   (1u << 20) /* between two sequence points */
#define NETTRACE_FRAMES_MAX   (4u << 20) /* of those stacks, all together */
#define NETTRACE_PROVIDER_MAX 128

/* Valid during the call only. */
struct nettrace_event {
    const char *provider; /* printable UTF-8 */
    uint32_t id;
    uint32_t version;
    uint64_t thread;  /* that it is about, as its PID namespace has it */
    uint64_t time_ns; /* of CoreCLR: CLOCK_MONOTONIC */
    const uint8_t *payload;
    size_t payload_size;
    const uint64_t *stack; /* managed frames, the innermost first */
    size_t frame_count;
};

struct nettrace_counts {
    uint64_t events;
    uint64_t lost;           /* by the runtime, for want of room in its buffers: gaps in numbers */
    uint64_t missing_stacks; /* events whose stack is not in the stream */
};

/* 0, or a negative errno with the reason, which ends the reading. */
typedef int nettrace_taker(void *data, const struct nettrace_event *event, struct reason *why);

struct nettrace;

_must_check_ int nettrace_new(struct nettrace **out, nettrace_taker *take, void *data);
void nettrace_free(struct nettrace **nettrace);

/*
 * The next @length bytes of the stream. -EBADMSG: they are not that format, with the place in the
 * stream; -EPROTONOSUPPORT: another version of it; -E2BIG: more than the bounds above; -ENOMEM; or
 * what the taker returned. After a failure it takes no more: the same error again.
 */
_must_check_ int nettrace_push(struct nettrace *nettrace, const void *bytes, size_t length,
                               struct reason *why);

/* The end of the stream was there: nothing has been cut off. */
bool nettrace_ended(const struct nettrace *nettrace);

struct nettrace_counts nettrace_counts(const struct nettrace *nettrace);
