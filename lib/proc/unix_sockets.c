/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/unix_sockets.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define DATAGRAM_MAX       (64u * 1024)
#define TIMEOUT_SECONDS    2
#define STATES_OF_INTEREST (1u << TCP_ESTABLISHED | 1u << TCP_LISTEN)

static struct unix_socket *add(struct unix_sockets *to)
{
    if (to->count == to->room) {
        size_t room = to->room ? to->room * 2 : 256;
        struct unix_socket *grown = reallocarray(to->entries, room, sizeof(*grown));

        if (!grown)
            return NULL;
        to->entries = grown;
        to->room = room;
    }
    to->entries[to->count] = (struct unix_socket){0};
    return &to->entries[to->count++];
}

static void take_name(const uint8_t *bytes, size_t length, struct unix_socket *out)
{
    size_t most = sizeof(out->name) - 1;

    length = length < most ? length : most;
    memcpy(out->name, bytes, length);
    out->name[length] = '\0';
    if (length > 0 && bytes[0] == '\0')
        out->name[0] = '@';
}

static int take_attributes(const uint8_t *bytes, size_t length, struct unix_socket *out)
{
    struct rtattr attribute;

    for (size_t at = 0; length - at >= sizeof(attribute); at += RTA_ALIGN(attribute.rta_len)) {
        const uint8_t *value = bytes + at + RTA_LENGTH(0);
        size_t value_length;
        struct unix_diag_rqlen queues;
        uint32_t peer;

        memcpy(&attribute, bytes + at, sizeof(attribute));
        if (attribute.rta_len < RTA_LENGTH(0) || attribute.rta_len > length - at)
            return -EBADMSG;
        value_length = attribute.rta_len - RTA_LENGTH(0);
        if (attribute.rta_type == UNIX_DIAG_NAME)
            take_name(value, value_length, out);
        if (attribute.rta_type == UNIX_DIAG_PEER && value_length == sizeof(peer)) {
            memcpy(&peer, value, sizeof(peer));
            out->peer = peer;
        }
        if (attribute.rta_type == UNIX_DIAG_RQLEN && value_length == sizeof(queues)) {
            memcpy(&queues, value, sizeof(queues));
            out->unread = out->listening ? 0 : queues.udiag_wqueue;
        }
        if (RTA_ALIGN(attribute.rta_len) > length - at)
            break;
    }
    return 0;
}

static int take_socket(const uint8_t *bytes, size_t length, struct unix_sockets *to)
{
    struct unix_diag_msg message;
    struct unix_socket *socket;

    if (length < sizeof(message))
        return -EBADMSG;
    memcpy(&message, bytes, sizeof(message));
    if (message.udiag_family != AF_UNIX || message.udiag_type != SOCK_STREAM)
        return 0;
    if (to->count == UNIX_SOCKETS_MAX)
        return -E2BIG;
    socket = add(to);
    if (!socket)
        return -ENOMEM;
    socket->inode = message.udiag_ino;
    socket->listening = message.udiag_state == TCP_LISTEN;
    return take_attributes(bytes + NLMSG_ALIGN(sizeof(message)),
                           length - NLMSG_ALIGN(sizeof(message)), socket);
}

static int take_error(const uint8_t *bytes, size_t length)
{
    int32_t error;

    if (length < sizeof(error))
        return -EBADMSG;
    memcpy(&error, bytes, sizeof(error));
    return error < 0 && error > -4096 ? error : -EBADMSG;
}

int unix_sockets_parse(const void *datagram, size_t length, struct unix_sockets *to)
{
    const uint8_t *bytes = datagram;
    struct nlmsghdr header;
    int error = 0;

    for (size_t at = 0; length - at >= sizeof(header); at += NLMSG_ALIGN(header.nlmsg_len)) {
        const uint8_t *body = bytes + at + NLMSG_HDRLEN;

        memcpy(&header, bytes + at, sizeof(header));
        if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > length - at)
            return -EBADMSG;
        if (header.nlmsg_type == NLMSG_DONE)
            return 1;
        if (header.nlmsg_type == NLMSG_ERROR)
            return take_error(body, header.nlmsg_len - NLMSG_HDRLEN);
        if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY)
            error = take_socket(body, header.nlmsg_len - NLMSG_HDRLEN, to);
        if (error < 0)
            return error;
        if (NLMSG_ALIGN(header.nlmsg_len) > length - at)
            break;
    }
    return 0;
}

struct opening {
    int network;
    int fd;
};

/* A thread of its own, so that whatever goes wrong nobody else is left in the other namespace. */
static void *open_netlink(void *argument)
{
    struct opening *opening = argument;

    opening->fd = -1;
    if (opening->network < 0 || setns(opening->network, CLONE_NEWNET) == 0)
        opening->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (opening->fd < 0)
        opening->fd = -errno;
    return NULL;
}

static int open_netlink_in(int network)
{
    struct opening opening = {.network = network};
    pthread_t thread;
    int error;

    if (network < 0) {
        open_netlink(&opening);
        return opening.fd;
    }
    error = pthread_create(&thread, NULL, open_netlink, &opening);
    if (error != 0)
        return -error;
    pthread_join(thread, NULL);
    return opening.fd;
}

static int ask(int fd)
{
    const struct timeval patience = {.tv_sec = TIMEOUT_SECONDS};
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    const struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } question = {
        .header = {.nlmsg_len = sizeof(question),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = AF_UNIX,
                    .udiag_states = STATES_OF_INTEREST,
                    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN},
    };

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        sendto(fd, &question, sizeof(question), 0, (const struct sockaddr *)&kernel,
               sizeof(kernel)) < 0)
        return -errno;
    return 0;
}

static int receive(int fd, void *room, struct unix_sockets *to)
{
    struct sockaddr_nl from = {0};
    socklen_t from_length = sizeof(from);
    ssize_t length;

    do {
        length =
            recvfrom(fd, room, DATAGRAM_MAX, MSG_TRUNC, (struct sockaddr *)&from, &from_length);
    } while (length < 0 && errno == EINTR);
    if (length < 0)
        return -errno;
    if ((size_t)length > DATAGRAM_MAX)
        return -EMSGSIZE;
    return from.nl_pid != 0 ? 0 : unix_sockets_parse(room, (size_t)length, to);
}

static int by_inode(const void *a, const void *b)
{
    const struct unix_socket *left = a, *right = b;

    return (left->inode > right->inode) - (left->inode < right->inode);
}

int unix_sockets_read(int network, struct unix_sockets *out, struct reason *why)
{
    struct unix_sockets sockets __attribute__((cleanup(unix_sockets_close))) = {0};
    _free_ void *room = malloc(DATAGRAM_MAX);
    _close_ int fd = open_netlink_in(network);
    int error = fd < 0 ? fd : room ? ask(fd) : -ENOMEM;

    *out = (struct unix_sockets){0};
    while (error == 0)
        error = receive(fd, room, &sockets);
    if (error == -EPERM)
        return reason_set(why, error, "its network namespace cannot be entered: be root");
    if (error < 0)
        return reason_set(why, error, "no unix socket diagnostics: %s", strerror(-error));
    if (sockets.count > 0)
        qsort(sockets.entries, sockets.count, sizeof(*sockets.entries), by_inode);
    *out = sockets;
    sockets = (struct unix_sockets){0};
    return 0;
}

void unix_sockets_close(struct unix_sockets *sockets)
{
    free(sockets->entries);
    *sockets = (struct unix_sockets){0};
}

const struct unix_socket *unix_sockets_find(const struct unix_sockets *sockets, uint64_t inode)
{
    const struct unix_socket key = {.inode = inode};

    if (sockets->count == 0)
        return NULL;
    return bsearch(&key, sockets->entries, sockets->count, sizeof(key), by_inode);
}
