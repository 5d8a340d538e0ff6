/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnostics/client.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "proc/threads.h"

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

int client_receive(int fd, enum ipc_command command, deadline_t deadline, struct client_answer *out,
                   struct reason *why)
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
        return ipc_parse_error(command, payload, answer.payload_size, why);
    *out =
        (struct client_answer){.fd = -1, .payload = TAKE_PTR(payload), .size = answer.payload_size};
    return 0;
}

void client_answer_close(struct client_answer *answer)
{
    cleanup_close(&answer->fd);
    free(answer->payload);
    *answer = (struct client_answer){.fd = -1};
}

static int ask(const struct endpoint *endpoint, const struct ipc_request *request,
               deadline_t deadline, struct client_answer *out, struct reason *why)
{
    _close_ int fd = client_send(endpoint, request, deadline, why);
    int error = fd < 0 ? fd : client_receive(fd, request->command, deadline, out, why);

    if (error < 0)
        return error;
    out->fd = TAKE_FD(fd);
    return 0;
}

static int ask_plain(const struct endpoint *endpoint, enum ipc_command command, deadline_t deadline,
                     struct client_answer *out, struct reason *why)
{
    struct ipc_request request;

    ipc_format_plain(command, &request);
    return ask(endpoint, &request, deadline, out, why);
}

static int ask_info(const struct endpoint *endpoint, enum ipc_command command, deadline_t deadline,
                    struct ipc_process_info *out, struct reason *why)
{
    _client_answer_ struct client_answer answer = {.fd = -1};
    int error = ask_plain(endpoint, command, deadline, &answer, why);

    return error < 0 ? error
                     : ipc_parse_process_info(command, answer.payload, answer.size, out, why);
}

int client_info(const struct endpoint *endpoint, deadline_t deadline, struct ipc_process_info *out,
                struct reason *why)
{
    static const enum ipc_command newest_first[] = {IPC_PROCESS_INFO3, IPC_PROCESS_INFO2,
                                                    IPC_PROCESS_INFO};
    int error = -EOPNOTSUPP;

    for (size_t i = 0; error == -EOPNOTSUPP && i < ARRAY_SIZE(newest_first); i++)
        error = ask_info(endpoint, newest_first[i], deadline, out, why);
    return error;
}

int client_environment(const struct endpoint *endpoint, deadline_t deadline,
                       struct environment *out, struct reason *why)
{
    _client_answer_ struct client_answer answer = {.fd = -1};
    _free_ uint8_t *bytes = NULL;
    uint32_t size;
    int error = ask_plain(endpoint, IPC_ENVIRONMENT, deadline, &answer, why);

    if (error == 0)
        error = ipc_parse_environment_size(answer.payload, answer.size, &size, why);
    if (error < 0)
        return error;
    bytes = malloc((size_t)size + 1);
    if (!bytes)
        return reason_set(why, -ENOMEM, "no memory");
    error = receive_all(answer.fd, bytes, size, deadline, why);
    return error < 0 ? error : ipc_parse_environment(bytes, size, out, why);
}

/* Does it answer at all? 0, whatever it says. What 3.1 does not survive if it is not there to
 * answer is sent only when it has just answered. */
static int ping(const struct endpoint *endpoint, deadline_t deadline, struct reason *why)
{
    _client_answer_ struct client_answer answer = {.fd = -1};
    struct reason refusal;
    int error = ask_plain(endpoint, IPC_PROCESS_INFO, deadline, &answer, &refusal);

    return error == 0 || error == -EOPNOTSUPP ? 0 : reason_set(why, error, "%s", refusal.text);
}

/* Only its server's thread is there. Not to be told before 6.0, without names, nor of many threads.
 */
static bool is_starting(pid_t pid)
{
    struct threads threads;

    return threads_read(pid, THREADS_MAX, &threads) == 0 && threads.count < THREADS_MAX &&
           threads_have(&threads, ".NET EventPipe") && !threads_have(&threads, ".NET Finalizer");
}

/* The server answers before: 8.0 then crashes at a perf map, and a session has no events. */
static int check_started(const struct endpoint *endpoint, struct reason *why)
{
    if (!is_starting(endpoint->process.pid))
        return 0;
    return reason_set(
        why, -EAGAIN,
        "the runtime is only starting, or waits for a diagnostics client to resume it "
        "(DOTNET_DefaultDiagnosticPortSuspend, DOTNET_DiagnosticPorts)");
}

int client_collect(const struct endpoint *endpoint, const struct ipc_session *session,
                   deadline_t deadline, uint64_t *id, struct reason *why)
{
    _client_answer_ struct client_answer answer = {.fd = -1};
    struct ipc_request request;
    int error = ipc_format_collect(session, &request);

    if (error < 0)
        return reason_set(why, error, "a session that no runtime takes");
    error = check_started(endpoint, why);
    if (error == 0)
        error = ping(endpoint, deadline, why);
    if (error == 0)
        error = ask(endpoint, &request, deadline, &answer, why);
    if (error == 0)
        error = ipc_parse_session(answer.payload, answer.size, id, why);
    return error < 0 ? error : TAKE_FD(answer.fd);
}

int client_stop(const struct endpoint *endpoint, uint64_t id, client_last_look *look, void *data,
                deadline_t deadline, struct reason *why)
{
    _client_answer_ struct client_answer answer = {.fd = -1};
    struct ipc_request request;
    uint64_t stopped;
    int error;

    ipc_format_stop(id, &request);
    error = ping(endpoint, deadline, why);
    if (error == 0 && look)
        error = look(data, why);
    if (error == 0)
        error = ask(endpoint, &request, deadline, &answer, why);
    if (error == 0)
        error = ipc_parse_session(answer.payload, answer.size, &stopped, why);
    if (error == 0 && stopped != id)
        error = reason_set(why, -EBADMSG, "the runtime has stopped another session");
    return error;
}

int client_perf_map(const struct endpoint *endpoint, enum ipc_perf_map kind, deadline_t deadline,
                    struct reason *why)
{
    _client_answer_ struct client_answer answer = {.fd = -1};
    struct ipc_request request;
    int error = check_started(endpoint, why);

    if (error < 0)
        return error;
    ipc_format_perf_map(kind, &request);
    error = ask(endpoint, &request, deadline, &answer, why);
    return error < 0 ? error : ipc_parse_result(request.command, answer.payload, answer.size, why);
}
