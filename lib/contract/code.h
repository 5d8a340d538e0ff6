/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "contract/view.h"
#include "util/reason.h"

/*
 * Which method a piece of JIT'd code belongs to. A map of five levels leads from an address to the
 * section of code that it is in, the section to its heap, the heap's nibble map to where the method
 * begins, and what lies before it to its MethodDesc.
 * dotnet/runtime, docs/design/datacontracts/ExecutionManager.md.
 */

/*
 * The MethodDesc of the code at @address; @range_map is where the map begins. -ENOENT: no JIT'd
 * code is there; -EBADMSG, errors of memory_read().
 */
_must_check_ int code_method(const struct view *view, uint64_t range_map, uint64_t address,
                             uint64_t *method, struct reason *why);

/*
 * Finds the map among the variables of a runtime that does not tell where it is: the only table
 * from which each level leads to a section that covers the addresses which led there. -ENOENT:
 * there is none (nothing may have been compiled yet); -ENOTUNIQ: more than one.
 */
_must_check_ int code_find_range_map(const struct view *view, const struct contract_place *place,
                                     uint64_t *range_map, struct reason *why);
