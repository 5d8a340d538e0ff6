/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "clrmon_abi.h"
#include "locate/site.h"

/*
 * Which probes an image gets: pure, from what was located in it.
 */

#define PLAN_PROBES_MAX 8

enum probe_program {
    PROBE_GC_CONTROL,
    PROBE_PROVIDER_CALLBACK,
};

struct planned_probe {
    enum probe_program program;
    enum site site;
    enum abi_provider provider; /* the probe's cookie */
    uint64_t offset;            /* in the file */
};

struct plan {
    struct planned_probe probes[PLAN_PROBES_MAX];
    size_t count;
};

/*
 * Two sites with the same code, folded by the linker, get one probe. A function that can't be told
 * apart from another provider's is not probed: a wrong provider is worse than none.
 */
void plan_make(const struct findings *findings, struct plan *out);
