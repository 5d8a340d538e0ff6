/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "contention/trace.h"
#include "diagnostics/nettrace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t seen;

static int take(void *trace, const struct nettrace_event *event, struct reason *why)
{
    for (size_t i = 0; i < event->payload_size; i++)
        seen += event->payload[i];
    for (size_t i = 0; i < event->frame_count; i++)
        seen += event->stack[i];
    seen += strlen(event->provider);
    return contention_trace_take(trace, event, why);
}

static int read_in_steps(const uint8_t *data, size_t size, size_t step, struct contention *out,
                         struct nettrace_counts *counts)
{
    struct contention_trace *trace;
    struct nettrace *nettrace;
    struct reason why = {.text = ""};
    int error = 0;

    if (contention_trace_new(&trace, NULL) < 0 || nettrace_new(&nettrace, take, trace) < 0)
        __builtin_trap();
    for (size_t at = 0; error == 0 && at < size; at += step)
        error = nettrace_push(nettrace, data + at, size - at < step ? size - at : step, &why);
    if (error < 0 && !why.text[0])
        __builtin_trap();
    *counts = nettrace_counts(nettrace);
    if (contention_trace_finish(trace, UINT64_MAX, 8, out, NULL) < 0)
        __builtin_trap();
    nettrace_free(&nettrace);
    contention_trace_free(&trace);
    return error;
}

/* The same comes out of it in one piece and in many. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nettrace_counts counts, counts_of_steps;
    struct contention whole, steps;
    int error = read_in_steps(data, size, size + 1, &whole, &counts);

    if (read_in_steps(data, size, 61, &steps, &counts_of_steps) != error ||
        memcmp(&counts, &counts_of_steps, sizeof(counts)) != 0 ||
        whole.sum.waits != steps.sum.waits || whole.unpaired != steps.unpaired)
        __builtin_trap();
    contention_free(&whole);
    contention_free(&steps);
    return 0;
}
