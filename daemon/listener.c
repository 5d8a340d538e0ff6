/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "util/number.h"
#include "util/text.h"

#define BACKLOG 64

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
};

/* Cuts "ADDR:PORT" and "[ADDR]:PORT" in two. */
static int split_address(char *text, const char **host, uint64_t *port)
{
    char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;

    if (length == 0 || number_decimal(colon + 1, UINT16_MAX, port) < 0)
        return -EINVAL;
    *colon = '\0';
    *host = text;
    if (text[0] != '[')
        return AF_INET;
    if (text[length - 1] != ']')
        return -EINVAL;
    text[length - 1] = '\0';
    *host = text + 1;
    return AF_INET6;
}

static int parse_address(const char *listen_text, union address *out, struct reason *why)
{
    char text[LISTENER_TEXT_MAX];
    const char *host = NULL;
    uint64_t port = 0;
    int family;
    void *to;

    text_copy(text, sizeof(text), listen_text);
    family = split_address(text, &host, &port);
    memset(out, 0, sizeof(*out));
    to = family == AF_INET6 ? (void *)&out->v6.sin6_addr : (void *)&out->v4.sin_addr;
    if (strlen(listen_text) >= sizeof(text) || family < 0 || inet_pton(family, host, to) != 1)
        return reason_set(why, -EINVAL,
                          "\"%.64s\" is no address to listen on: \"127.0.0.1:9464\" and "
                          "\"[::1]:9464\" are",
                          listen_text);
    out->any.sa_family = (sa_family_t)family;
    if (family == AF_INET6)
        out->v6.sin6_port = htons((uint16_t)port);
    else
        out->v4.sin_port = htons((uint16_t)port);
    return 0;
}

static int listen_failed(int error, const char *listen_text, struct reason *why)
{
    static const struct {
        int error;
        const char *text;
    } reasons[] = {
        {EADDRINUSE, "the port is in use, perhaps by another clrmond"},
        {EADDRNOTAVAIL, "this host has no such address"},
        {EACCES, "ports below 1024 need CAP_NET_BIND_SERVICE"},
        {EAFNOSUPPORT, "this host has no IPv6"},
    };
    const char *text = strerrordesc_np(error);

    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        text = reasons[i].error == error ? reasons[i].text : text;
    return reason_set(why, -error, "cannot listen on %s: %s", listen_text, text);
}

int listener_open(const char *listen_text, int *out, struct reason *why)
{
    union address address;
    _close_ int fd = -1;
    int r = parse_address(listen_text, &address, why);

    if (r < 0)
        return r;
    fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
        bind(fd, &address.any,
             address.any.sa_family == AF_INET6 ? sizeof(address.v6) : sizeof(address.v4)) < 0 ||
        listen(fd, BACKLOG) < 0)
        return listen_failed(errno, listen_text, why);
    *out = TAKE_FD(fd);
    return 0;
}

int listener_inherit(int fd, struct reason *why)
{
    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
        return reason_set(why, -EINVAL, "the inherited descriptor %d is no listening socket", fd);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        return reason_set(why, -errno, "the inherited descriptor %d: %m", fd);
    return 0;
}

void listener_address(int fd, char text[static LISTENER_TEXT_MAX])
{
    union address address = {0};
    socklen_t size = sizeof(address);
    char host[INET6_ADDRSTRLEN];

    strcpy(text, "?");
    if (getsockname(fd, &address.any, &size) < 0)
        return;
    if (address.any.sa_family == AF_INET &&
        inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host)))
        snprintf(text, LISTENER_TEXT_MAX, "%s:%u", host, ntohs(address.v4.sin_port));
    if (address.any.sa_family == AF_INET6 &&
        inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host)))
        snprintf(text, LISTENER_TEXT_MAX, "[%s]:%u", host, ntohs(address.v6.sin6_port));
}
