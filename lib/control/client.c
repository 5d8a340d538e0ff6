/* SPDX-License-Identifier: Apache-2.0 */
#include "control/client.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static int explain_connect(int error, const char *path, struct reason *why)
{
    switch (error) {
    case ENOENT:
    case ECONNREFUSED:
        return reason_set(why, -ENOENT, "no clrmond listens on %.120s: is it running?", path);
    case EACCES:
    case EPERM:
        return reason_set(why, -EACCES, "no rights to %.100s: be root or in the group clrmon",
                          path);
    case EAGAIN:
        return reason_set(why, -ETIMEDOUT, "clrmond does not answer on %.120s", path);
    default:
        return reason_set(why, -error, "%.100s: %s", path, strerror(error));
    }
}

/* A Unix socket's connect() waits for room in the queue as long as a send may take. */
static int connect_within(int fd, const struct sockaddr_un *address, int deadline_ms)
{
    struct timeval limit = {.tv_sec = deadline_ms / 1000, .tv_usec = deadline_ms % 1000 * 1000};

    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return errno;
    return 0;
}

int control_connect(struct control_client *out, const char *path, int deadline_ms,
                    struct reason *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _close_ int fd = -1;
    int error;

    if (strlen(path) >= sizeof(address.sun_path))
        return reason_set(why, -ENAMETOOLONG, "a socket's path has at most %zu characters",
                          sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return reason_set(why, -errno, "no socket: %s", strerror(errno));
    error = connect_within(fd, &address, deadline_ms);
    if (error)
        return explain_connect(error, path, why);
    *out = (struct control_client){.buffer = malloc(CONTROL_ANSWER_MAX + 1), .fd = -1};
    if (!out->buffer)
        return reason_set(why, -ENOMEM, "no memory");
    out->fd = TAKE_FD(fd);
    return 0;
}

int control_ask(struct control_client *client, const struct control_request *request,
                struct reason *why)
{
    size_t size;
    _free_ char *packet = control_request_format(request, &size);

    if (!packet)
        return reason_set(why, -ENOMEM, "no memory");
    if (send(client->fd, packet, size, MSG_NOSIGNAL) >= 0)
        return 0;
    /* What it said before it hung up is still to be read. */
    if (errno == EPIPE || errno == ECONNRESET)
        return 0;
    return reason_set(why, errno == EAGAIN ? -ETIMEDOUT : -errno, "clrmond takes no request: %s",
                      errno == EAGAIN ? "no answer in time" : strerror(errno));
}

static int await(int fd, int deadline_ms, struct reason *why)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int r = poll(&wait, 1, deadline_ms);

    if (r < 0)
        return reason_set(why, -errno, "%s", strerror(errno));
    return r == 0
               ? reason_set(why, -ETIMEDOUT, "clrmond has not answered within %d ms", deadline_ms)
               : 0;
}

/* A daemon that hung up with our request unread gives that error first, then what it had said. */
static ssize_t receive(struct control_client *client)
{
    ssize_t size = -1;

    for (int tries = 0; size < 0 && tries < 2; tries++) {
        size = recv(client->fd, client->buffer, CONTROL_ANSWER_MAX + 1, MSG_DONTWAIT);
        if (size < 0 && errno != ECONNRESET)
            break;
    }
    return size;
}

int control_next(struct control_client *client, int deadline_ms, struct control_answer *out,
                 struct reason *why)
{
    struct control_answer answer;
    ssize_t size;
    int r = await(client->fd, deadline_ms, why);

    if (r < 0)
        return r;
    size = receive(client);
    if (size == 0 || (size < 0 && errno == ECONNRESET))
        return reason_set(why, -ECONNRESET, "clrmond has hung up");
    if (size < 0)
        return reason_set(why, -errno, "%s", strerror(errno));
    r = control_answer_parse(client->buffer, (size_t)size, &answer, why);
    if (r < 0)
        return r;
    if (answer.type == CONTROL_ERROR)
        return reason_set(why, -EREMOTEIO, "%s", answer.reason.text);
    *out = answer;
    return 0;
}

void control_close(struct control_client *client)
{
    cleanup_close(&client->fd);
    free(client->buffer);
    *client = (struct control_client){.fd = -1};
}
