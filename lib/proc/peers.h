/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc/diagnostic_ports.h"
#include "proc/process.h"

#define PEERS_MAX 64 /* the runtime has no more sessions */

/* A process at the other end of a connection to a runtime's diagnostics server. */
struct peer {
    pid_t pid; /* as seen from here; may be the target itself */
    char name[PROCESS_NAME_MAX];
    char command[2 * PROCESS_FILE_MAX]; /* for people: "dotnet dotnet-trace.dll" */
    uint64_t socket;                    /* inode of its end */
    bool reverse;                       /* it listens, and the runtime connected to it */
    uint64_t start_time;                /* as in struct process; 0: it had ended by then */
    uid_t uid;
    char state; /* as in struct process */
    char container[PROCESS_CONTAINER_MAX];
};

/* By a signal or a debugger: it reads nothing. */
static inline bool peer_is_stopped(const struct peer *peer)
{
    return peer->state == 'T' || peer->state == 't';
}

enum far_end {
    FAR_PEER,   /* one of the peers has it */
    FAR_UNSEEN, /* nobody that we can see has it, or there are too many peers */
    FAR_CLOSED, /* it is closed, or its process has ended */
};

/* A connection to a runtime's diagnostics server, by the runtime's own end. */
struct diagnostics_connection {
    uint64_t socket; /* inode of that */
    enum far_end far;
    size_t peer;     /* FAR_PEER: which one */
    uint32_t unread; /* what the runtime has written and the far end not read (unix_sockets.h) */
};

#define CONNECTIONS_MAX 128

/*
 * What the sockets say about one runtime's diagnostics. A connection to the runtime's own port
 * lasts as long as one command does, which for a session is until it ends. A reverse one proves
 * less: the runtime keeps one open to each port it connects to, waiting for a command.
 */
struct diagnostics {
    bool listening;
    char path[UNIX_SOCKET_NAME_MAX]; /* of its own port, in its mount namespace; printable */
    struct peer peers[PEERS_MAX];
    size_t peer_count;
    unsigned unknown; /* connections whose other end nobody that we can see has open, or too many */
    unsigned closed;  /* connections that the client has closed and the runtime has not yet */
    /* Each of these; and for a runtime with reverse ports also any nameless socket of its whose
     * other end is closed: that may have been a connection to one of them, and is not counted. */
    struct diagnostics_connection connections[CONNECTIONS_MAX];
    size_t connection_count;
    bool connections_cut; /* there are more */
};

/* The connection whose own end has the inode @socket; NULL: none. */
const struct diagnostics_connection *diagnostics_find(const struct diagnostics *diagnostics,
                                                      uint64_t socket);

/*
 * A snapshot for one run, taken as questions come: the sockets of a network namespace at the first
 * question about a process in it, the owners of all sockets at the first connection found. So 200
 * processes cost one walk over /proc, and none where nobody is connected.
 */
struct peers;

_must_check_ int peers_open(struct peers **out, struct reason *why);
void peers_close(struct peers **peers);

/*
 * The diagnostics of @process. @ports: its DOTNET_DiagnosticPorts, or NULL. -ESRCH, -EACCES: no
 * such process, no rights; -EPERM: its network namespace is another one and cannot be entered.
 *
 * The names that count are "dotnet-diagnostic-PID-TIME-socket" with the process's own pid as it
 * sees it (and its start time, or it owns the socket), at its own end; or that of one of @ports, at
 * the other end. A process that itself traces others is not its own client by that.
 */
_must_check_ int peers_of(struct peers *peers, const struct process *process,
                          const struct diagnostic_ports *ports, struct diagnostics *out,
                          struct reason *why);
