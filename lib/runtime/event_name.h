/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * What the runtime's own provider, Microsoft-Windows-DotNETRuntime, calls its events
 * (src/coreclr/vm/ClrEtwAll.man, 3.1 to 10.0), without their version. An id never changes its
 * meaning. NULL: not known here.
 */
const char *event_name(uint16_t id);
