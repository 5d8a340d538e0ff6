/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/peers.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "proc/procfs.h"
#include "proc/socket_owners.h"
#include "proc/unix_sockets.h"
#include "util/text.h"

#define NETWORKS_MAX 1024

struct network {
    dev_t device;
    ino_t inode;
    int error; /* of reading it, so that it is tried once */
    struct reason why;
    struct unix_sockets sockets;
};

struct peers {
    struct network *networks;
    size_t network_count;
    struct socket_owners owners;
    bool owners_read;
};

int peers_open(struct peers **out, struct reason *why)
{
    *out = calloc(1, sizeof(**out));
    return *out ? 0 : reason_set(why, -ENOMEM, "no memory");
}

void peers_close(struct peers **peers)
{
    if (!*peers)
        return;
    for (size_t i = 0; i < (*peers)->network_count; i++)
        unix_sockets_close(&(*peers)->networks[i].sockets);
    socket_owners_close(&(*peers)->owners);
    free((*peers)->networks);
    free(*peers);
    *peers = NULL;
}

static bool is_own_network(const struct stat *status)
{
    struct stat own;

    return stat("/proc/self/ns/net", &own) == 0 && own.st_dev == status->st_dev &&
           own.st_ino == status->st_ino;
}

static struct network *add_network(struct peers *peers, int fd, const struct stat *status)
{
    struct network *grown, *network;

    if (peers->network_count == NETWORKS_MAX)
        return NULL;
    grown = reallocarray(peers->networks, peers->network_count + 1, sizeof(*grown));
    if (!grown)
        return NULL;
    peers->networks = grown;
    network = &grown[peers->network_count++];
    *network = (struct network){.device = status->st_dev, .inode = status->st_ino};
    network->error =
        unix_sockets_read(is_own_network(status) ? -1 : fd, &network->sockets, &network->why);
    return network;
}

static const struct network *find_network(const struct peers *peers, const struct stat *status)
{
    for (size_t i = 0; i < peers->network_count; i++) {
        const struct network *network = &peers->networks[i];

        if (network->device == status->st_dev && network->inode == status->st_ino)
            return network;
    }
    return NULL;
}

static int network_of(struct peers *peers, pid_t pid, const struct network **out,
                      struct reason *why)
{
    _close_ int fd = procfs_open(pid, "ns/net", O_RDONLY);
    struct stat status;

    if (fd < 0)
        return procfs_reason(pid, fd, why);
    if (fstat(fd, &status) < 0)
        return procfs_reason(pid, -errno, why);
    *out = find_network(peers, &status);
    if (!*out)
        *out = add_network(peers, fd, &status);
    if (!*out)
        return reason_set(why, -E2BIG, "more than %d network namespaces", NETWORKS_MAX);
    return (*out)->error ? reason_set(why, (*out)->error, "%s", (*out)->why.text) : 0;
}

/* Without rights or memory for the walk nobody owns anything, and that is how it is counted. */
static pid_t owner_of(struct peers *peers, uint64_t inode)
{
    if (!peers->owners_read) {
        peers->owners_read = true;
        if (socket_owners_read(&peers->owners, NULL) < 0)
            return 0;
    }
    return socket_owners_find(&peers->owners, inode);
}

/* @own: the runtime's own end. */
static void add_connection(struct diagnostics *out, const struct unix_socket *own, enum far_end far)
{
    if (out->connection_count == CONNECTIONS_MAX)
        out->connections_cut = true;
    else
        out->connections[out->connection_count++] =
            (struct diagnostics_connection){own->inode, far, out->peer_count, own->unread};
}

static struct peer peer_of(pid_t pid, uint64_t socket, bool reverse)
{
    struct peer peer = {.pid = pid, .socket = socket, .reverse = reverse};
    struct process process;

    (void)!process_read(pid, &process, NULL); /* ended by now: what could be learnt */
    text_copy(peer.name, sizeof(peer.name), process.name);
    text_copy(peer.command, sizeof(peer.command),
              process.command[0] ? process.command : process.name);
    peer.start_time = process.start_time;
    peer.uid = process.uid;
    peer.state = process.state;
    text_copy(peer.container, sizeof(peer.container), process.container);
    return peer;
}

/* @far: inode of the other end. */
static void add_peer(struct peers *peers, const struct unix_socket *own, uint64_t far, bool reverse,
                     struct diagnostics *out)
{
    pid_t pid = owner_of(peers, far);

    if (pid == 0 || out->peer_count == PEERS_MAX) {
        out->unknown++;
        add_connection(out, own, FAR_UNSEEN);
        return;
    }
    add_connection(out, own, FAR_PEER);
    out->peers[out->peer_count++] = peer_of(pid, far, reverse);
}

/* "dotnet-diagnostic-PID-" and "dotnet-diagnostic-PID-TIME-socket": no one else has the latter. */
struct own_name {
    char start[64];
    char full[96];
};

static struct own_name own_name(const struct process *process)
{
    struct own_name name;

    snprintf(name.start, sizeof(name.start), "dotnet-diagnostic-%d-", process->namespace_pid);
    snprintf(name.full, sizeof(name.full), "%s%" PRIu64 "-socket", name.start, process->start_time);
    return name;
}

static void take_own_port(struct peers *peers, const struct process *process,
                          const struct own_name *own, const struct unix_socket *socket,
                          struct diagnostics *out)
{
    const char *name = text_file_name(socket->name);
    bool sure = socket->listening && strcmp(name, own->full) == 0;

    if (!text_starts_with(name, own->start) ||
        (!sure && owner_of(peers, socket->inode) != process->pid))
        return;
    if (socket->listening) {
        out->listening = true;
        text_copy(out->path, sizeof(out->path), socket->name);
        text_printable(out->path);
    } else if (socket->peer == 0) {
        out->closed++;
        add_connection(out, socket, FAR_CLOSED);
    } else {
        add_peer(peers, socket, socket->peer, false, out);
    }
}

/* The listener's end carries the name, and the process owns the other. When the former is closed,
 * no name is left. */
static void take_reverse_ports(struct peers *peers, const struct process *process,
                               const struct unix_sockets *sockets,
                               const struct diagnostic_ports *ports, struct diagnostics *out)
{
    for (size_t i = 0; i < sockets->count; i++) {
        const struct unix_socket *socket = &sockets->entries[i];
        const struct unix_socket *own = unix_sockets_find(sockets, socket->peer);

        if (socket->listening)
            continue;
        if (own && diagnostic_ports_find(ports, socket->name) &&
            owner_of(peers, own->inode) == process->pid)
            add_peer(peers, own, socket->inode, true, out);
        else if (socket->peer == 0 && !socket->name[0] &&
                 owner_of(peers, socket->inode) == process->pid)
            add_connection(out, socket, FAR_CLOSED);
    }
}

int peers_of(struct peers *peers, const struct process *process,
             const struct diagnostic_ports *ports, struct diagnostics *out, struct reason *why)
{
    const struct own_name own = own_name(process);
    const struct network *network;
    int error;

    *out = (struct diagnostics){0};
    if (ports && ports->count > 0) /* who listens for a container is most often in our own */
        network_of(peers, getpid(), &network, NULL);
    error = network_of(peers, process->pid, &network, why);
    if (error < 0)
        return error;
    for (size_t i = 0; i < network->sockets.count; i++)
        take_own_port(peers, process, &own, &network->sockets.entries[i], out);
    for (size_t i = 0; ports && ports->count > 0 && i < peers->network_count; i++)
        take_reverse_ports(peers, process, &peers->networks[i].sockets, ports, out);
    return 0;
}

const struct diagnostics_connection *diagnostics_find(const struct diagnostics *diagnostics,
                                                      uint64_t socket)
{
    for (size_t i = 0; i < diagnostics->connection_count; i++)
        if (diagnostics->connections[i].socket == socket)
            return &diagnostics->connections[i];
    return NULL;
}
