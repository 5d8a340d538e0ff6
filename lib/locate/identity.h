/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/note.h"
#include "elf/symtab.h"

/*
 * What an image says of itself, before anything is looked for in it.
 */

#define IDENTITY_VERSION_MAX 32

enum image_kind {
    IMAGE_OTHER,      /* no .NET runtime in it that we know */
    IMAGE_CORECLR,    /* libcoreclr.so, or a single-file host with it linked in */
    IMAGE_GC,         /* libclrgc.so, libclrgcexp.so: a standalone GC */
    IMAGE_NATIVE_AOT, /* a program compiled ahead of time, with its own small runtime */
    IMAGE_KIND_MAX,
};

#define IDENTITY_WRITABLE_MAX 4

/* A writable segment, .data and .bss, by virtual address. */
struct writable_segment {
    uint64_t va;
    uint64_t size;
};

struct identity {
    enum image_kind kind;
    uint16_t machine; /* EM_X86_64, EM_AARCH64 */
    struct build_id build_id;
    char version[IDENTITY_VERSION_MAX]; /* "10.0.14"; "" when the image does not tell */
    bool has_contract;                  /* exports DotNetRuntimeContractDescriptor */
    uint64_t first_va; /* address of offset 0: load base less this is what to add to an address */
    struct writable_segment writable[IDENTITY_WRITABLE_MAX];
    size_t writable_count;
    bool has_symtab;
    char debuglink[DEBUGLINK_MAX]; /* "": none */
    uint32_t debuglink_crc;
};

/* Fills @out from an image's headers, exports and version string. */
void identity_read(const struct image *image, struct identity *out);

/*
 * The release in a version string "@(#)Version 10.0.1426.52326 @Commit: ...", which every native
 * library of the runtime carries (eng/native/version). Since 5.0 the third number is patch * 100 +
 * year; 3.x and 2.x have 4.700.YY.DDDDD and 4.6.NNNNN, which name the major release only, as "3.1"
 * and "2.x". "" when it is none of these.
 */
void identity_version(const char *text, char version[static IDENTITY_VERSION_MAX]);

const char *image_kind_name(enum image_kind kind);
const char *machine_name(uint16_t machine); /* "x86_64", "aarch64", "unknown" */
