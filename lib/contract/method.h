/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "contract/view.h"
#include "util/reason.h"

/*
 * A method, as its MethodDesc has it, which lies in a chunk with those of the same type: the token
 * in its module's metadata, in two parts. dotnet/runtime,
 * docs/design/datacontracts/RuntimeTypeSystem.md.
 */

#define METHOD_NAME_MAX 256

struct method {
    uint64_t module;
    uint32_t token;             /* a MethodDef's; 0: it was made at run time, */
    char name[METHOD_NAME_MAX]; /* and is called so, as its maker chose; "" else */
};

/*
 * -EBADMSG: no MethodDesc is there, since what should be its type is none; -ENOENT: it has no name,
 * as those of arrays; errors of memory_read().
 */
_must_check_ int method_read(const struct view *view, uint64_t method_desc, struct method *out,
                             struct reason *why);
