/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "contract/view.h"
#include "util/reason.h"

/*
 * Types, as MethodTable and TypeDesc have them: a TypeHandle points to one of the two, and to a
 * TypeDesc with bit 1 set. dotnet/runtime, docs/design/datacontracts/RuntimeTypeSystem.md.
 */

enum type_kind {
    TYPE_DEFINED, /* by metadata; an instantiation as its definition */
    TYPE_ARRAY,   /* of one dimension, from 0 */
    TYPE_MATRIX,  /* of any other shape */
    TYPE_POINTER,
    TYPE_REFERENCE,
};

struct type {
    enum type_kind kind;
    uint64_t module;   /* TYPE_DEFINED */
    uint32_t token;    /* TYPE_DEFINED: a TypeDef's */
    uint64_t argument; /* otherwise: the handle of what it is made of */
    unsigned rank;     /* TYPE_MATRIX */
};

#define TYPE_RANK_MAX 32

/*
 * -EBADMSG: no MethodTable is there, since its class does not point back to it; -ENOTSUP: a kind
 * without a name, as a function pointer; errors of memory_read().
 */
_must_check_ int type_read(const struct view *view, uint64_t handle, struct type *out,
                           struct reason *why);

/* The handle of an object's type. Errors of memory_read(). */
_must_check_ int type_of_object(const struct view *view, uint64_t object, uint64_t *handle,
                                struct reason *why);
