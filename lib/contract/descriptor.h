/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/image.h"
#include "proc/memory.h"
#include "util/reason.h"

/*
 * What a runtime tells debuggers about its own structures: JSON behind the exported symbol
 * DotNetRuntimeContractDescriptor, with the offsets of fields and the addresses of globals.
 * dotnet/runtime, docs/design/datacontracts/contract-descriptor.md and data_descriptor.md.
 */

#define DESCRIPTOR_JSON_MAX     (256u << 10)
#define DESCRIPTOR_POINTERS_MAX 4096
#define DESCRIPTOR_OFFSET_MAX   (64u << 10)

struct contract_range {
    uint64_t start;
    uint64_t size;
};

/* Where a process has its runtime's descriptor, and the runtime's variables. Plain data. */
struct contract_place {
    uint64_t descriptor;
    struct contract_range writable[IMAGE_SEGMENTS_MAX];
    size_t writable_count;
};

/*
 * Out of the runtime's image (libcoreclr.so, a single-file host), loaded at @bias (what is added to
 * an address of the file). -ENOENT: it exports no descriptor, as none before 9.0 does.
 */
_must_check_ int contract_locate(const struct image *image, uint64_t bias,
                                 struct contract_place *out);

struct descriptor;
