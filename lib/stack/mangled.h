/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The name of a C++ function in a linker's symbol (Itanium C++ ABI, 5.1): scopes and name, with
 * what is between angle brackets left out and without its parameters, as
 * "WKS::gc_heap::plan_phase". False when it is no such symbol, or one with parts that we do not
 * read; @out is undefined then.
 */
bool mangled_name(const char *symbol, char *out, size_t size);
