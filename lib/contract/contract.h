/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "contract/descriptor.h"
#include "proc/memory.h"
#include "util/reason.h"

/*
 * Names out of a live runtime's own data, by the contract that it exports for debuggers (9.0 and
 * later): which method a piece of JIT'd code belongs to, and of which type an object is. Read while
 * the process runs; what moved or makes no sense meanwhile has no name, with a reason.
 */

#define CONTRACT_NAME_MAX 512

struct contract;

/*
 * @memory is borrowed and must outlive @out. @place says where the descriptor is: see
 * contract_locate(). -ENOTSUP when it is of a kind that we do not know, -EBADMSG when it makes no
 * sense, those of memory_read(), -ENOMEM; @out is NULL then.
 */
_must_check_ int contract_open(struct contract **out, struct memory *memory,
                               const struct contract_place *place, struct reason *why);
void contract_free(struct contract **contract);

/*
 * The method whose JIT'd code covers @address, as "Namespace.Type.Method"; of a method that is
 * generated at run time, what the runtime calls it ("IL_STUB_PInvoke"). Printable, cut to
 * CONTRACT_NAME_MAX. -ENOENT: no JIT'd code is there (it may be compiled ahead of time, or be a
 * stub); -ENOTSUP: this runtime does not tell; -EBADMSG, and those of memory_read().
 */
_must_check_ int contract_method_name(struct contract *contract, uint64_t address,
                                      char out[static CONTRACT_NAME_MAX], struct reason *why);

/*
 * The type of the object at @object: "System.Object", "Outer+Inner", "System.String[]"; a generic
 * type has the name of its definition: "System.Collections.Generic.List`1". Errors as above.
 */
_must_check_ int contract_type_name(struct contract *contract, uint64_t object,
                                    char out[static CONTRACT_NAME_MAX], struct reason *why);

/* The same of a type by its MethodTable. */
_must_check_ int contract_table_name(struct contract *contract, uint64_t method_table,
                                     char out[static CONTRACT_NAME_MAX], struct reason *why);
