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
    SITE_LOCK_CONTENTION_ENTER,      /* AwareLock::EnterEpilogHelper(Thread *, timeout) */
    SITE_LOCK_CONTENTION_EXIT,       /* the first of its exits; all are in findings.lock_exits */
    SITE_WAIT_ENTER,      /* WaitHandle_WaitOneCore (10.0), WaitHandleNative::CorWaitOneNative */
    SITE_WAIT_EXIT,       /* the first of its exits; all are in findings.wait_exits */
    SITE_EVENTPIPE_WRITE, /* EventPipeAdapter::WriteEvent(EventPipeEvent *, ...): each event of the
                             native runtime that a session wants */
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
#define ADDRESS_MAX  ((1ull << 47) - 1)

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

/*
 * The ways out of a function, as a set of instructions of which every path passes exactly one after
 * it has waited. The kernel emulates some instructions at a probe and single-steps the others, at
 * ten times the cost: where a set of emulated ones cuts all paths, that set is the answer.
 */
#define EXITS_MAX 16

enum exit_kind {
    EXIT_RETURNS,
    EXIT_THROWS, /* by a C++ exception: Thread.Interrupt */
};

struct function_exit {
    uint64_t address;
    uint64_t offset; /* in the file */
    enum exit_kind kind;
    bool emulated;
};

struct function_exits {
    struct function_exit items[EXITS_MAX];
    size_t count; /* 0: not known */
};

/* Where things are in an AwareLock, as EnterEpilogHelper itself reads and writes them. */
#define LOCK_SIZE_MAX   128
#define THREAD_SIZE_MAX 8192

struct lock_layout {
    uint16_t holder;       /* m_HoldingThread or m_HoldingThreadId (10.0); 0: not known */
    bool holder_is_thread; /* a Thread *, not a managed thread id */
    uint16_t owner_tid;    /* m_HoldingOSThreadId, 8 bytes; 0: there is none (before 8.0) */
    uint16_t thread_tid;   /* Thread::m_OSThreadId, 8 bytes, of a Thread; 0: not in the code */
    uint16_t sync_index;   /* m_dwSyncIndex, 4 bytes; 0: not known */
    uint64_t sync_table;   /* address of the variable g_pSyncTable; 0: not known */
};

/*
 * The runtime provider's events. Their variables, EventPipeEvent *, lie side by side, and are set
 * once, when the runtime starts.
 */
#define EVENTS_MAX 512

struct table_event {
    uint16_t id; /* 0: not known */
    uint8_t version;
};

struct event_table {
    uint64_t variables; /* address of the first */
    size_t count;
    struct table_event items[EVENTS_MAX]; /* as the variables lie */
};

/* Marks for tracers, by which contention is seen where its functions are not located: marks.h */
#define MARK_VERSION_MAX 3

struct contention_marks {
    bool found;
    bool need_event_log; /* reached only in processes started with EnableEventLog=1 */
    uint8_t start;       /* version of ContentionStart, */
    uint8_t stop;        /* of ContentionStop */
};

struct findings {
    struct finding sites[SITE_MAX];
    struct layout layout;
    struct function_exits lock_exits;
    struct function_exits wait_exits;
    struct lock_layout lock;
    struct event_table events;
    struct contention_marks marks;
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

/* Are exits, events and the layout of a lock within what there can be? For answers from outside. */
bool findings_are_credible(const struct findings *findings);
