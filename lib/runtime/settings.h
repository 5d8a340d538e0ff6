/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "proc/diagnostic_ports.h"
#include "proc/environment.h"
#include "proc/maps.h"

/*
 * What the environment tells the runtime, of what matters here. Pure. The texts are borrowed from
 * the environment. A runtimeconfig.json and the program itself can say otherwise; a knob is only
 * as good as the runtime that reads it (see environment_knob()).
 */
struct settings {
    struct knob event_pipe;        /* EnableEventPipe: a session to a file, from the start */
    struct knob event_pipe_config; /* EventPipeConfig: its providers */
    struct knob event_log;         /* EnableEventLog: events to LTTng, */
    struct knob lttng;             /* which LTTng=0 switches off */
    struct knob user_events;       /* EnableUserEvents */
    struct knob gc_server;         /* gcServer */
    struct knob gc_name;           /* GCName: the library of another GC */
    struct knob diagnostics; /* EnableDiagnostics, or EnableDiagnostics_IPC (8.0), whichever */
    bool diagnostics_off;    /* is 0: then there is no diagnostics port */
    struct diagnostic_ports ports;
    const char *startup_hooks; /* DOTNET_STARTUP_HOOKS; NULL: none */
    bool profiling;            /* CORECLR_ENABLE_PROFILING=1 */
    const char *profiler;      /* CORECLR_PROFILER: a class id; NULL: none */
    const char *profiler_path; /* CORECLR_PROFILER_PATH_64 or _ARM64, or else _PATH; NULL: none */
};

/* @environment must outlive @out. */
void settings_parse(const struct environment *environment, struct settings *out);

/* Set, and to a number other than 0. */
bool settings_is_on(struct knob knob);

/* The mapped library that the profiler's path names, by its file name; NULL: not loaded. */
const struct mapping *settings_profiler_image(const struct settings *settings,
                                              const struct maps *maps);
