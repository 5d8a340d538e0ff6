/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/reason.h"

#define ENVIRONMENT_BYTES_MAX (1u << 20)

/*
 * The environment a process was started with (/proc/PID/environ). What it has set for itself since
 * is not seen. The texts are the process's own bytes: text_printable() before they are shown.
 */
struct environment {
    char *text; /* entries "NAME=value", each ended by a NUL, and one more NUL at the end */
    size_t length;
    bool cut; /* there was more than ENVIRONMENT_BYTES_MAX */
};

/* Errors as procfs_reason() has them; @out is empty then. */
_must_check_ int environment_read(pid_t pid, struct environment *out, struct reason *why);

/* Frees what @environment holds and empties it; accepts an empty one. */
void environment_close(struct environment *environment);

/* The value of the first entry of that name, in that case; NULL: none. Borrowed. */
const char *environment_get(const struct environment *environment, const char *name);

enum knob_prefix {
    KNOB_UNSET,
    KNOB_DOTNET,
    KNOB_COMPLUS,
};

/* A setting of the runtime. */
struct knob {
    const char *value; /* NULL: not set. Borrowed from the environment */
    enum knob_prefix prefix;
};

/*
 * Looks @name up as the runtime does (dotnet/runtime, src/coreclr/utilcode/clrconfig.cpp,
 * EnvGetString; src/coreclr/pal/src/misc/environ.cpp): exact case, DOTNET_ before COMPlus_, and an
 * empty value is none. Runtimes before 6.0 know COMPlus_ alone, NativeAOT DOTNET_ alone.
 */
struct knob environment_knob(const struct environment *environment, const char *name);

/* "DOTNET_", "COMPlus_", "" for KNOB_UNSET. */
const char *knob_prefix_text(enum knob_prefix prefix);

/* The number in a value: hexadecimal as in the runtime, whatever follows the digits. */
uint64_t knob_number(const char *value, uint64_t otherwise);
