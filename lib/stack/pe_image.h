/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/reason.h"

/*
 * A managed module's file: a PE image (Microsoft's "PE Format") with a CLI header (ECMA-335,
 * II.25). Addresses in it are relative to where it is loaded (RVA). Nothing in the file is
 * believed.
 */

#define PE_SECTIONS_MAX 96

enum pe_machine {
    PE_OTHER,
    PE_X86_64,
    PE_AARCH64,
};

struct pe_section {
    uint32_t rva;
    uint32_t memory_size;
    uint32_t offset;
    uint32_t file_size;
    bool executable;
};

struct pe_image {
    struct bytes file; /* from "MZ" on; may go on behind the image's end */
    enum pe_machine machine;
    struct pe_section sections[PE_SECTIONS_MAX];
    size_t section_count;
    struct bytes metadata;     /* data NULL: none */
    struct bytes ready_to_run; /* from ManagedNativeHeader on; data NULL: none */
};

/* -ENOEXEC: no PE image; -EBADMSG: a managed one that contradicts itself. It needs no closing. */
_must_check_ int pe_open(struct pe_image *out, struct bytes file, struct reason *why);

/* @size bytes at @rva; data NULL unless all of them are in the file, in one section. */
struct bytes pe_at(const struct pe_image *image, uint32_t rva, uint64_t size);

/* From @rva to the end of its section's bytes in the file; data NULL if it is in none. */
struct bytes pe_from(const struct pe_image *image, uint32_t rva);

/* The address of the byte at @offset of the file, where it is code; false: it is none. */
bool pe_code_rva(const struct pe_image *image, uint64_t offset, uint32_t *rva);
