/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnostics/client.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

static int await(int fd, short events, deadline_t deadline, struct reason *why)
{
    struct pollfd wait = {.fd = fd, .events = events};
    int r;

    do {
        r = poll(&wait, 1, deadline_left_ms(deadline));
    } while (r < 0 && errno == EINTR);
    if (r < 0)
        return reason_set(why, -errno, "%s", strerror(errno));
    return r > 0 ? 0 : reason_set(why, -ETIMEDOUT, "the runtime does not answer in time");
}

static int hung_up(struct reason *why)
{
    return reason_set(why, -ECONNRESET, "the runtime has hung up");
}

static int send_all(int fd, const struct ipc_request *request, deadline_t deadline,
                    struct reason *why)
{
    size_t sent = 0;

    while (sent < request->size) {
        int error = await(fd, POLLOUT, deadline, why);
        ssize_t size;

        if (error < 0)
            return error;
        size = send(fd, request->bytes + sent, request->size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && errno != EAGAIN && errno != EINTR)
            return hung_up(why);
        sent += size > 0 ? (size_t)size : 0;
    }
    return 0;
}

static int receive_all(int fd, void *to, size_t size, deadline_t deadline, struct reason *why)
{
    size_t got = 0;

    while (got < size) {
        int error = await(fd, POLLIN, deadline, why);
        ssize_t more;

        if (error < 0)
            return error;
        more = recv(fd, (uint8_t *)to + got, size - got, MSG_DONTWAIT);
        if (more == 0 || (more < 0 && errno != EAGAIN && errno != EINTR))
            return hung_up(why);
        got += more > 0 ? (size_t)more : 0;
    }
    return 0;
}

int client_send(const struct endpoint *endpoint, const struct ipc_request *request,
                deadline_t deadline, struct reason *why)
{
    _close_ int fd = endpoint_connect(endpoint, deadline_left_ms(deadline), why);
    int error;

    if (fd < 0)
        return fd;
    error = send_all(fd, request, deadline, why);
    return error < 0 ? error : TAKE_FD(fd);
}

int client_receive(int fd, deadline_t deadline, struct client_answer *out, struct reason *why)
{
    uint8_t header[IPC_HEADER_SIZE];
    _free_ uint8_t *payload = NULL;
    struct ipc_answer answer;
    int error = receive_all(fd, header, sizeof(header), deadline, why);

    if (error < 0)
        return error;
    error = ipc_parse_header(header, &answer, why);
    if (error < 0)
        return error;
    payload = malloc(answer.payload_size + 1);
    if (!payload)
        return reason_set(why, -ENOMEM, "no memory");
    error = receive_all(fd, payload, answer.payload_size, deadline, why);
    if (error < 0)
        return error;
    if (answer.is_error)
        return ipc_parse_error(payload, answer.payload_size, why);
    *out =
        (struct client_answer){.fd = -1, .payload = TAKE_PTR(payload), .size = answer.payload_size};
    return 0;
}

int client_ask(const struct endpoint *endpoint, const struct ipc_request *request,
               deadline_t deadline, struct client_answer *out, struct reason *why)
{
    _close_ int fd = client_send(endpoint, request, deadline, why);
    int error = fd < 0 ? fd : client_receive(fd, deadline, out, why);

    if (error < 0)
        return error;
    out->fd = TAKE_FD(fd);
    return 0;
}

void client_answer_close(struct client_answer *answer)
{
    cleanup_close(&answer->fd);
    free(answer->payload);
    *answer = (struct client_answer){.fd = -1};
}

int client_ping(const struct endpoint *endpoint, deadline_t deadline, struct reason *why)
{
    _client_answer_ struct client_answer answer = {.fd = -1};
    struct ipc_request request;
    int error;

    ipc_format_info(&request);
    error = client_ask(endpoint, &request, deadline, &answer, why);
    return error == -EOPNOTSUPP ? 0 : error;
}
