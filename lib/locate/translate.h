/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <capstone/capstone.h>

#include "locate/decoder.h"

/*
 * One translation per architecture from Capstone's instruction to ours: the only code that knows
 * Capstone's names. @to comes with its address and size set and every register REGISTER_NONE.
 */
extern const struct convention convention_x86_64;
extern const struct convention convention_aarch64;

void translate_x86_64(csh handle, const cs_insn *from, struct instruction *to);
void translate_aarch64(csh handle, const cs_insn *from, struct instruction *to);
