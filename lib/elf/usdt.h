/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/image.h"

/*
 * Statically defined probes (USDT): places that whoever built the image has marked for tracers, in
 * notes of the section .note.stapsdt. libcoreclr.so has some 400 of them in 2.1, 2.2 and 3.1, since
 * LTTng's macros put one into each FireEtXplat*: provider "DotNETRuntime", name
 * "ContentionStart_V1". Layout: SystemTap's sdt.h.
 *
 * They are reached without LTTng, for the mark stands before the test of whether a session wants
 * the event: in 2.1 and 2.2 whenever the event is fired, in 3.1 only in a process that was started
 * with COMPlus_EnableEventLog=1.
 */

struct usdt_notes {
    const struct image *image;
    const uint8_t *bytes; /* borrowed from the image: what is still to be read */
    size_t size;
    uint64_t base; /* address of .stapsdt.base now; 0: none */
};

/* Texts are NUL-terminated inside the image, and may be empty. */
struct usdt_probe {
    const char *provider;
    const char *name;
    const char *arguments; /* "1@-33(%rbp) 2@-36(%rbp)": size, negative for signed; where */
    uint64_t location;     /* virtual address of the marked instruction */
    uint64_t offset;       /* the same in the file */
    uint64_t semaphore;    /* address of its counter of tracers; 0: none */
};

/* -ENODATA when the image has no such section, -EBADMSG when it lies outside the file. */
_must_check_ int usdt_open(const struct image *image, struct usdt_notes *out);

/*
 * The next probe; false at the end, or where a note does not end inside the section. Left out are
 * notes of another kind, and probes that do not mark code that is in the file.
 */
bool usdt_next(struct usdt_notes *notes, struct usdt_probe *out);

/* A probe by its name; false when there is none, or more than one place of that name. */
bool usdt_find(const struct image *image, const char *provider, const char *name,
               struct usdt_probe *out);
