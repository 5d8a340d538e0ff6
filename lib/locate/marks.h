/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "locate/site.h"
#include "locate/walk.h"

/*
 * The marks for tracers that tell of a wait for a lock: of provider DotNETRuntime, the newest
 * version of ContentionStart and of ContentionStop (see elf/usdt.h). 2.1, 2.2 and 3.1 have them.
 */

#define MARK_PROVIDER "DotNETRuntime"
#define MARK_NAME_MAX 32

/* Leaves @out empty unless the image has both. Its functions must be loaded. */
void marks_find(const struct code *code, struct contention_marks *out);

/* "ContentionStart_V1" of "ContentionStart", 1; the first version has no suffix. */
void mark_name(const char *event, uint8_t version, char name[static MARK_NAME_MAX]);
