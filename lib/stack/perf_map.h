/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc/process.h"
#include "stack/frame.h"
#include "util/bytes.h"

/*
 * /tmp/perf-PID.map in the process's own root, by its own pid: what a runtime writes that is told
 * to (DOTNET_PerfMapEnabled), a line "ADDRESS SIZE NAME" for each piece of code that it makes
 * (vm/perfmap.cpp). Anybody can write to /tmp, and mount there what he likes in a namespace of his
 * own: it counts only if it is a plain file of the process's user, and nothing else is opened.
 */

#define PERF_MAP_PLACES_MAX 256

/*
 * A descriptor of the file. -ENOENT: there is none, or it is not a plain file of the process's
 * user; other errors as open() has them.
 */
_must_check_ int perf_map_open(const struct process *process);

/* The addresses whose code is to be named. */
struct perf_map {
    uint64_t addresses[PERF_MAP_PLACES_MAX];
    size_t count;
};

/*
 * Fills frames[i], but for its address, by the last line that covers addresses[i], which is the
 * newest; FRAME_UNKNOWN where there is none. Of a file beyond 64 MiB only the end is read. In a
 * confined child; errors as confine_parse() has them.
 */
_must_check_ int perf_map_ask(int fd, const struct perf_map *question, struct frame *frames,
                              struct reason *why);

/* What the child does. Pure. */
void perf_map_answer(struct bytes text, const struct perf_map *question, struct frame *frames);

/*
 * A method as the others name it, out of "instance void [workload] Some.Type`1[int]::Name(class
 * [System.Runtime]System.Action)[Tier0]": "Some.Type`1.Name". Names that are no methods stay as
 * they are.
 */
void perf_map_name(const char *name, size_t length, char *out, size_t size);
