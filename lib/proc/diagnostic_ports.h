/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"

#define DIAGNOSTIC_PORTS_MAX 8
#define UNIX_SOCKET_NAME_MAX 109 /* sun_path and a NUL */

/*
 * DOTNET_DiagnosticPorts: "path[,tag]...[;path[,tag]...]...", where a tag is suspend or nosuspend,
 * connect or listen, in any case, and an unknown tag is passed over. Without tags it is connect and
 * suspend (dotnet/runtime, src/native/eventpipe/ds-ipc.c, ds_ipc_stream_factory_configure). CoreCLR
 * ignores a port to listen at: that is always the default one.
 */
struct diagnostic_port {
    char path[UNIX_SOCKET_NAME_MAX];
    bool connect;
    bool suspend;
};

struct diagnostic_ports {
    struct diagnostic_port entries[DIAGNOSTIC_PORTS_MAX];
    size_t count;
    bool cut; /* more ports, or a path longer than a socket's address may be */
};

/* @text may be NULL: no ports. */
void diagnostic_ports_parse(const char *text, struct diagnostic_ports *out);

/*
 * The port to connect to whose path is @socket_name, or else has its file name: the listener may
 * have bound the socket by another path (a relative one, another mount namespace). NULL: none.
 */
const struct diagnostic_port *diagnostic_ports_find(const struct diagnostic_ports *ports,
                                                    const char *socket_name);
