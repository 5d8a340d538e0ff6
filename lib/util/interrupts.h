/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>

/* What a person, or a machine that goes down, ends a program with. */
void interrupts_set(sigset_t *signals);

/*
 * From the first byte to a runtime until all is as it shall be: 3.1 does not survive a client that
 * leaves in between; and what was done has to be told. A signal that would end us waits meanwhile.
 */
void interrupts_hold(sigset_t *before);
void interrupts_release(const sigset_t *before);
