/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupts.h"

void interrupts_hold(sigset_t *before)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGQUIT);
    sigprocmask(SIG_BLOCK, &signals, before);
}

void interrupts_release(const sigset_t *before)
{
    sigprocmask(SIG_SETMASK, before, NULL);
}
