/* SPDX-License-Identifier: Apache-2.0 */
#include "util/interrupts.h"

void interrupts_set(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
    sigaddset(signals, SIGQUIT);
}

void interrupts_hold(sigset_t *before)
{
    sigset_t signals;

    interrupts_set(&signals);
    sigprocmask(SIG_BLOCK, &signals, before);
}

void interrupts_release(const sigset_t *before)
{
    sigprocmask(SIG_SETMASK, before, NULL);
}
