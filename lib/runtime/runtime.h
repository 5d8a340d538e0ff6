/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proc/process.h"
#include "runtime/settings.h"

#define RUNTIME_VERSION_MAX 32

/*
 * FLAVOUR_UNKNOWN is where names end: the image is the executable, and its contents must tell
 * whether it is single-file or NativeAOT, or holds no runtime at all.
 */
enum flavour {
    FLAVOUR_UNKNOWN,
    FLAVOUR_SINGLE_FILE,         /* runtime_read() never says this */
    FLAVOUR_NATIVE_AOT,          /* nor this */
    FLAVOUR_FRAMEWORK_DEPENDENT, /* libcoreclr.so under shared/Microsoft.NETCore.App/VERSION */
    FLAVOUR_SELF_CONTAINED,      /* libcoreclr.so elsewhere */
    FLAVOUR_MAX,
};

enum libc {
    LIBC_UNKNOWN, /* linked statically */
    LIBC_GLIBC,
    LIBC_MUSL,
    LIBC_MAX,
};

enum gc_flavour {
    GC_UNKNOWN,
    GC_WORKSTATION,
    GC_SERVER,
    GC_MAX,
};

/* As they stand in the output: "framework-dependent", "musl", "server"; "unknown". */
const char *flavour_text(enum flavour flavour);
const char *libc_text(enum libc libc);
const char *gc_flavour_text(enum gc_flavour flavour);

struct runtime_image {
    const struct mapping *mapping; /* a piece of the file; NULL: there is none */
    uint64_t base;                 /* see maps_base() */
};

/* The .NET runtime in a process, as far as names tell. No file is opened for it. */
struct runtime {
    enum flavour flavour;
    enum libc libc;
    struct runtime_image image;        /* libcoreclr.so, or the executable */
    struct runtime_image gc;           /* libclrgc*.so, or what GCName says; NULL: built in */
    char version[RUNTIME_VERSION_MAX]; /* of the folder; "" unless framework-dependent */
    struct settings settings;
    struct maps maps;               /* where the mappings and */
    struct environment environment; /* the settings' texts live */
};

/*
 * Reads maps, environment and exe link of @process. -ENOEXEC: it has neither a libcoreclr.so nor an
 * executable that could hold a runtime. Other errors as procfs_reason() and maps_parse() have them.
 * @out is empty on failure. To be closed with runtime_close().
 */
_must_check_ int runtime_read(const struct process *process, struct runtime *out,
                              struct reason *why);

/* Frees what @runtime holds and empties it; accepts an empty one. */
void runtime_close(struct runtime *runtime);

/*
 * The pure part: flavour, libc, images and version from @out->maps and the settings. @executable:
 * the exe link's text, with " (deleted)" if it has that.
 */
_must_check_ int runtime_identify(const char *executable, struct runtime *out, struct reason *why);

/*
 * Cheap: may this process without a libcoreclr.so be single-file or NativeAOT, so that a look into
 * its executable is worth it? Yes for a thread named ".NET ...", a mapping of memfd:doublemapper,
 * or a diagnostics socket of its own in its /tmp.
 */
bool runtime_candidate(const struct process *process, const struct runtime *runtime);

/*
 * Workstation or server. A thread ".NET Server GC" says server; names of the runtime's threads
 * (5.0 and later have them) without it say workstation, whatever was asked for; else the setting.
 */
enum gc_flavour runtime_gc_flavour(const struct process *process, const struct settings *settings);
