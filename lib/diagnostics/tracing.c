/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnostics/tracing.h"

#include <poll.h>
#include <sys/socket.h>

#include "diagnostics/client.h"

#define PIECE_SIZE (64u * 1024)

struct stream {
    int fd;
    bool ended;
    tracing_taker *take;
    void *data;
    int error; /* of the taker: the rest is read and dropped */
    struct reason *why;
};

static void take_piece(struct stream *stream)
{
    uint8_t piece[PIECE_SIZE];
    ssize_t length = recv(stream->fd, piece, sizeof(piece), MSG_DONTWAIT);

    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0)
        stream->ended = true;
    else if (stream->error == 0)
        stream->error = stream->take(stream->data, piece, (size_t)length, stream->why);
}

/* Takes what comes next, if anything does before @deadline. True: @other is readable. */
static bool pump(struct stream *stream, int other, deadline_t deadline)
{
    struct pollfd waits[] = {{.fd = stream->ended ? -1 : stream->fd, .events = POLLIN},
                             {.fd = other, .events = POLLIN}};

    if (poll(waits, ARRAY_SIZE(waits), deadline_left_ms(deadline)) <= 0)
        return false;
    if (waits[0].revents)
        take_piece(stream);
    return waits[1].revents != 0;
}

static int too_late(int deadline_ms, struct reason *why)
{
    return reason_set(why, -ETIMEDOUT,
                      "the runtime has not ended the session within %d ms; its connection is "
                      "closed, so that it ends at its next event",
                      deadline_ms);
}

/* The runtime may answer only when all is written: the stream is read meanwhile. */
static int ask_meanwhile(struct stream *stream, const struct endpoint *endpoint,
                         const struct ipc_request *request, deadline_t deadline, struct reason *why)
{
    _client_answer_ struct client_answer answer = {.fd = -1};
    _close_ int fd = client_send(endpoint, request, deadline, why);
    bool answered = false;

    if (fd < 0)
        return fd;
    while (!answered && deadline_left_ms(deadline) > 0)
        answered = pump(stream, fd, deadline);
    return client_receive(fd, request->command, deadline, &answer, why);
}

/* Does it answer at all? 0, whatever it says. */
static int ping_meanwhile(struct stream *stream, const struct endpoint *endpoint,
                          deadline_t deadline, struct reason *why)
{
    struct ipc_request request;
    struct reason refusal;
    int error;

    ipc_format_plain(IPC_PROCESS_INFO, &request);
    error = ask_meanwhile(stream, endpoint, &request, deadline, &refusal);
    return error == 0 || error == -EOPNOTSUPP ? 0 : reason_set(why, error, "%s", refusal.text);
}

static int end(struct stream *stream, const struct endpoint *endpoint, uint64_t id, int deadline_ms,
               struct reason *why)
{
    deadline_t deadline = deadline_in_ms((uint64_t)deadline_ms);
    struct ipc_request request;
    int error = ping_meanwhile(stream, endpoint, deadline, why);

    if (error == 0) {
        ipc_format_stop(id, &request);
        error = ask_meanwhile(stream, endpoint, &request, deadline, why);
    }
    while (error == 0 && !stream->ended && deadline_left_ms(deadline) > 0)
        pump(stream, -1, deadline);
    if (stream->ended)
        return 0;
    return error == 0 || error == -ETIMEDOUT ? too_late(deadline_ms, why) : error;
}

int tracing_run(const struct endpoint *endpoint, const struct tracing *tracing, tracing_taker *take,
                void *data, struct tracing_result *out, struct reason *why)
{
    deadline_t begun = deadline_in_ms((uint64_t)tracing->deadline_ms);
    _close_ int fd = client_collect(endpoint, tracing->session, begun, &out->id, why);
    struct stream stream = {.fd = fd, .take = take, .data = data, .why = why};
    deadline_t over = deadline_in_ms(tracing->duration_ms);
    int error = 0;

    if (fd < 0)
        return fd;
    *out = (struct tracing_result){.id = out->id, .begin_ns = clock_monotonic_ns()};
    while (!stream.ended && stream.error == 0 && !out->interrupted && deadline_left_ms(over) > 0)
        out->interrupted = pump(&stream, tracing->interrupt, over);
    out->end_ns = clock_monotonic_ns();
    out->hung_up = stream.ended;
    if (!stream.ended)
        error = end(&stream, endpoint, out->id, tracing->deadline_ms, stream.error ? NULL : why);
    return stream.error < 0 ? stream.error : error;
}
