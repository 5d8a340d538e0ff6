/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/reason.h"

/*
 * A 64-bit little-endian ELF file as bytes in memory, seen the way the loader sees it: through
 * program headers and the dynamic section, so that a file without section headers reads the same.
 * Nothing in the file is believed. Every read goes through image_at() or image_bytes(), which give
 * NULL rather than a byte outside the file; counts are capped; offsets that overflow are refused.
 */

#define IMAGE_SEGMENTS_MAX 32

enum {
    SEGMENT_EXECUTABLE = 1, /* PF_X */
    SEGMENT_WRITABLE = 2,   /* PF_W */
    SEGMENT_READABLE = 4,   /* PF_R */
};

struct segment {
    uint64_t va;
    uint64_t offset;
    uint64_t file_size;
    uint64_t memory_size;
    uint32_t flags;
};

struct relocation; /* elf/dynamic.h */
struct function;   /* elf/frames.h */

struct image {
    const uint8_t *data; /* borrowed: must outlive the image */
    size_t size;
    uint16_t machine; /* EM_X86_64 or EM_AARCH64 */
    struct segment segments[IMAGE_SEGMENTS_MAX];
    size_t segment_count;
    struct segment relro;     /* memory_size 0: none. Written only by the loader */
    struct segment got;       /* memory_size 0: not known; filled by section_load_got() */
    uint64_t program_headers; /* offset of the table, for its other readers */
    uint16_t program_header_count;
    uint64_t dynamic; /* va of the dynamic section, 0: none */
    uint64_t dynamic_size;
    uint64_t eh_frame_header;       /* va, 0: none */
    struct relocation *relocations; /* owned; filled by dynamic_load_relocations() */
    size_t relocation_count;
    struct function *functions; /* owned; filled by frames_load() */
    size_t function_count;
};

/*
 * Reads the headers of @size bytes at @data. -ENOEXEC when it is no ELF file of a kind we know,
 * -EBADMSG when it contradicts itself; @out is empty then. image_close() also frees the tables that
 * dynamic.h and frames.h add; it accepts an empty image.
 */
_must_check_ int image_open(struct image *out, const void *data, size_t size, struct reason *why);
void image_close(struct image *image);

/*
 * The same for a separate debug file, which has the program headers of its image but none of the
 * bytes that they mean: it gets no segments, and only sections can be read.
 */
_must_check_ int image_open_debug_file(struct image *out, const void *data, size_t size,
                                       struct reason *why);

/* @length bytes at a virtual address or a file offset; NULL unless all of them are in the file. */
const void *image_at(const struct image *image, uint64_t va, size_t length);
const void *image_bytes(const struct image *image, uint64_t offset, size_t length);

/* The NUL-terminated string at @va, of at most @most bytes; NULL if it does not end by then. */
const char *image_string(const struct image *image, uint64_t va, size_t most);

/* The segment that holds @va in memory (file-backed or not), or NULL. */
const struct segment *image_segment(const struct image *image, uint64_t va);
bool image_is_code(const struct image *image, uint64_t va);
bool image_is_writable(const struct image *image, uint64_t va);

/* Constant once the loader is done: in a read-only segment, under RELRO, or in the GOT. */
bool image_is_constant(const struct image *image, uint64_t va);
