/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * A site is a named place in an image of the runtime: a variable to read or a function to probe.
 * Addresses are virtual in the image; add the load base for a process.
 */

enum site {
    SITE_GC_STATE_LEVELS,        /* GCEventStatus::enabledLevels, int32[2]: public, private */
    SITE_GC_STATE_KEYWORDS,      /* GCEventStatus::enabledKeywords, int32[2] */
    SITE_GC_CONTROL_PUBLIC_WKS,  /* WKS::GCHeap::ControlEvents(keyword, level) */
    SITE_GC_CONTROL_PUBLIC_SVR,  /* SVR::... */
    SITE_GC_CONTROL_PRIVATE_WKS, /* WKS::GCHeap::ControlPrivateEvents */
    SITE_GC_CONTROL_PRIVATE_SVR,
    SITE_PROVIDER_CONTEXT_RUNTIME, /* MICROSOFT_WINDOWS_DOTNETRUNTIME_PROVIDER_DOTNET_Context */
    SITE_PROVIDER_CONTEXT_PRIVATE,
    SITE_PROVIDER_CONTEXT_RUNDOWN,
    SITE_PROVIDER_CONTEXT_STRESS,
    SITE_PROVIDER_CALLBACK_RUNTIME, /* EventPipeEtwCallbackDotNETRuntime: at every enable and
                                       disable */
    SITE_PROVIDER_CALLBACK_PRIVATE,
    SITE_EVENTPIPE_PROVIDER_RUNTIME, /* pointer to the EventPipeProvider */
    SITE_EVENTPIPE_SESSIONS,         /* EventPipeSession *[64] */
    SITE_MAX,
};

/* Where an answer came from, in the order in which sources are asked. */
enum source {
    SOURCE_NONE,
    SOURCE_SYMTAB,     /* the image's own .symtab */
    SOURCE_DEBUG_FILE, /* a separate file with the same build id or the debug link's CRC */
    SOURCE_PACK,       /* sites found before, on this or another host, for the same build id */
    SOURCE_STRUCTURE,  /* the shape of the code and data themselves */
    SOURCE_MAX,
};

/*
 * certain: the linker's own name for it. proven: the only match, and its checks hold. A place that
 * is less than proven is not found; there is no third grade.
 */
enum confidence {
    CONFIDENCE_NONE,
    CONFIDENCE_PROVEN,
    CONFIDENCE_CERTAIN,
    CONFIDENCE_MAX,
};

#define EVIDENCE_MAX 160

struct finding {
    uint64_t address; /* valid when source is not SOURCE_NONE */
    uint64_t offset;  /* of a function, in the file: what a probe is placed by */
    enum source source;
    enum confidence confidence;
    char evidence[EVIDENCE_MAX]; /* what it was found by; or, when not found, why not */
};

/* What the code says about shapes that differ between releases. */
struct layout {
    /* The provider's callback also stores whether it is enabled, so level and keywords of a
     * disabled provider mean nothing (5.0 and later; not 3.1: dotnet/runtime#36728). */
    bool context_has_enabled;
    /* The sessions table was found by its users, which also give the offset of the start time in an
     * EventPipeSession; 0: not known. */
    uint16_t session_start_time;
    /* The image exports DotNetRuntimeContractDescriptor (9.0 and later). */
    bool has_contract;
};

struct findings {
    struct finding sites[SITE_MAX];
    struct layout layout;
};

const char *site_name(enum site site);
const char *source_name(enum source source);
const char *confidence_name(enum confidence confidence);

/* SITE_MAX, SOURCE_NONE or CONFIDENCE_NONE for a name that is none. */
enum site site_of_name(const char *name);
enum source source_of_name(const char *name);
enum confidence confidence_of_name(const char *name);

/* Is the site an entry point of a function, and not a variable? */
bool site_is_function(enum site site);

/* The names that .symtab has for it: one of the NULL-terminated list, exact. */
const char *const *site_symbols(enum site site);

static inline bool finding_is_found(const struct finding *finding)
{
    return finding->source != SOURCE_NONE;
}

/* Records an answer, or why there is none. The first answer stays, and so does the first reason. */
_printf_(6, 7) void findings_add(struct findings *findings, enum site site, enum source source,
                                 enum confidence confidence, uint64_t address, const char *evidence,
                                 ...);
_printf_(3, 4) void findings_miss(struct findings *findings, enum site site, const char *why, ...);
