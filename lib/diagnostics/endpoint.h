/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "proc/environment.h"
#include "proc/process.h"
#include "util/reason.h"

#define ENDPOINT_NAME_MAX 96

/*
 * The socket at which a process's runtime takes diagnostics requests (dotnet/runtime,
 * src/native/eventpipe/ds-ipc-pal-socket.c, ds-rt.h): "dotnet-diagnostic-PID-TIME-socket" with the
 * pid as the process sees itself and its start time, in its TMPDIR (else /tmp), of its own mount
 * namespace. With a TMPDIR that leaves no room for it in a socket's address there is none.
 *
 * The ports of DOTNET_DiagnosticPorts come in addition, and are no help: there the runtime is the
 * one that connects, to whoever listens at that path, and CoreCLR ignores one that is to "listen".
 * None of them is abstract: to CoreCLR '@' is a letter of a path like any other.
 */
struct endpoint {
    struct process process;
    char name[ENDPOINT_NAME_MAX];
    int fd; /* of the socket's file (O_PATH): it stays the one that was checked */
};

/*
 * Finds it and checks that it is a socket of the process's user or of root; no symbolic link is
 * followed to it, and those on the way stay inside the process's own root. -ENOENT: there is none,
 * and why, as far as the environment tells; -EPERM: it is not what it should be; -EACCES, -ESRCH.
 */
_must_check_ int endpoint_open(const struct process *process, struct endpoint *out,
                               struct reason *why);
void endpoint_close(struct endpoint *endpoint);
#define _endpoint_ _cleanup_(endpoint_close)

/*
 * A connection (a non-blocking descriptor, close-on-exec), or a negative errno: -ETIMEDOUT when the
 * queue of the listener stays full, -ECONNREFUSED when nobody listens any more, -EPERM when who
 * listens is not the process.
 */
_must_check_ int endpoint_connect(const struct endpoint *endpoint, int deadline_ms,
                                  struct reason *why);

/* Pure. The directory of the sockets for a TMPDIR (NULL, "": not set), absolute or not. */
const char *endpoint_directory(const char *tmpdir);

/* Pure. Do these settings leave the runtime without diagnostics? Says which in @why. */
bool endpoint_is_off(const struct environment *environment, struct reason *why);
