/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "stack/pe_image.h"

/*
 * Which method a piece of code belongs to that was compiled ahead of time: the ReadyToRun tables of
 * a managed image (docs/design/coreclr/botr/readytorun-format.md, inc/readytorun.h). They list code
 * by pieces ("runtime functions": a method, then its funclets), and for each method, generic or
 * not, the piece it begins with. Format versions 3 (.NET Core 3.1) and later; what is unknown in a
 * later one is left out, and then no more is said than what is certain.
 */

struct ready_to_run {
    struct bytes functions; /* RUNTIME_FUNCTION of function_size bytes each, by address */
    size_t function_size;
    uint32_t function_count;
    uint32_t thunks_rva, thunks_size; /* stubs, which are of no method */
    struct ready_method *owners;      /* owned: by function; row 0: none begins there */
    bool complete;                    /* all methods were understood, so gaps are funclets */
};

/* A MethodDef's row in the module itself (0), or in another one, by its number in the table of
 * those that the image refers to. */
struct ready_method {
    uint32_t row;
    uint32_t module;
};

/*
 * @image must outlive @out; @method_count is how many MethodDefs it has. -ENODATA: it has no such
 * code; -ENOTSUP: it is a component of a composite image, or that itself; -EBADMSG; -ENOMEM.
 * @out is empty then.
 */
_must_check_ int ready_to_run_open(struct ready_to_run *out, const struct pe_image *image,
                                   uint32_t method_count, struct reason *why);
void ready_to_run_close(struct ready_to_run *ready);
#define _ready_to_run_ _cleanup_(ready_to_run_close)

/* The method with code at @rva; false when there is none, or it can't be told which. */
bool ready_to_run_method(const struct ready_to_run *ready, uint32_t rva, struct ready_method *out);
