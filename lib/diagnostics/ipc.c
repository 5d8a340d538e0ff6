/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnostics/ipc.h"

#include <string.h>

#include "util/cursor.h"

#define LEVEL_MAX       5
#define FORMAT_NETTRACE 1
#define WITHOUT_RUNDOWN 0

enum command_set {
    SET_EVENTPIPE = 2,
    SET_PROCESS = 4,
    SET_SERVER = 0xff,
};

enum server_response {
    RESPONSE_OK = 0,
    RESPONSE_ERROR = 0xff,
};

static const uint8_t magic[14] = "DOTNET_IPC_V1";

struct command {
    uint8_t set, id;
};

static const struct command stop_tracing = {SET_EVENTPIPE, 1};
static const struct command collect_tracing_2 = {SET_EVENTPIPE, 3};
static const struct command process_info = {SET_PROCESS, 0};

/* What does not fit is counted all the same, and refused at the end. */
static void put(struct ipc_request *to, const void *bytes, size_t size)
{
    if (to->size + size <= sizeof(to->bytes))
        memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void put_u8(struct ipc_request *to, uint8_t value)
{
    put(to, &value, sizeof(value));
}

static void put_u16(struct ipc_request *to, uint16_t value)
{
    put(to, &value, sizeof(value));
}

static void put_u32(struct ipc_request *to, uint32_t value)
{
    put(to, &value, sizeof(value));
}

static void put_u64(struct ipc_request *to, uint64_t value)
{
    put(to, &value, sizeof(value));
}

/* UTF-16 with its NUL, which the count before it includes; no text at all is a count of 0. */
static bool put_text(struct ipc_request *to, const char *text)
{
    size_t length = text ? strlen(text) + 1 : 0;

    if (length > IPC_REQUEST_MAX)
        length = IPC_REQUEST_MAX;
    put_u32(to, (uint32_t)length);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] > 0x7f)
            return false;
        put_u16(to, (uint8_t)text[i]);
    }
    return true;
}

static void begin(struct ipc_request *out, struct command command)
{
    out->size = 0;
    put(out, magic, sizeof(magic));
    put_u16(out, IPC_HEADER_SIZE);
    put_u8(out, command.set);
    put_u8(out, command.id);
    put_u16(out, 0);
}

static int end(struct ipc_request *out)
{
    uint16_t size = (uint16_t)out->size;

    if (out->size > sizeof(out->bytes))
        return -E2BIG;
    memcpy(out->bytes + sizeof(magic), &size, sizeof(size));
    return 0;
}

static bool put_provider(struct ipc_request *out, const struct ipc_provider *provider)
{
    if (provider->level > LEVEL_MAX || !provider->name[0])
        return false;
    put_u64(out, provider->keywords);
    put_u32(out, provider->level);
    return put_text(out, provider->name) && put_text(out, NULL); /* no filter */
}

int ipc_format_collect(const struct ipc_session *session, struct ipc_request *out)
{
    if (session->buffer_mb == 0 || session->provider_count == 0)
        return -EINVAL;
    if (session->provider_count > IPC_PROVIDERS_MAX)
        return -E2BIG;
    begin(out, collect_tracing_2);
    put_u32(out, session->buffer_mb);
    put_u32(out, FORMAT_NETTRACE);
    put_u8(out, WITHOUT_RUNDOWN);
    put_u32(out, session->provider_count);
    for (uint32_t i = 0; i < session->provider_count; i++) {
        if (!put_provider(out, &session->providers[i]))
            return -EINVAL;
    }
    return end(out);
}

void ipc_format_stop(uint64_t session, struct ipc_request *out)
{
    begin(out, stop_tracing);
    put_u64(out, session);
    (void)!end(out);
}

void ipc_format_info(struct ipc_request *out)
{
    begin(out, process_info);
}

int ipc_parse_header(const uint8_t header[static IPC_HEADER_SIZE], struct ipc_answer *out,
                     struct reason *why)
{
    struct cursor from = {.at = header + sizeof(magic), .left = IPC_HEADER_SIZE - sizeof(magic)};
    uint16_t size;
    uint8_t set, response;

    if (memcmp(header, magic, sizeof(magic)) != 0)
        return reason_set(why, -EBADMSG, "what answers does not speak the diagnostics protocol");
    if (!cursor_u16(&from, &size) || size < IPC_HEADER_SIZE || !cursor_u8(&from, &set) ||
        !cursor_u8(&from, &response) || set != SET_SERVER ||
        (response != RESPONSE_OK && response != RESPONSE_ERROR))
        return reason_set(why, -EBADMSG, "the diagnostics server's answer makes no sense");
    *out = (struct ipc_answer){.is_error = response == RESPONSE_ERROR,
                               .payload_size = size - IPC_HEADER_SIZE};
    return 0;
}

int ipc_parse_error(const uint8_t *payload, size_t size, struct reason *why)
{
    static const struct {
        uint32_t code;
        int error;
        const char *text;
    } known[] = {
        {0x80131384, -EREMOTEIO, "bad encoding"},     {0x80131385, -EOPNOTSUPP, "unknown command"},
        {0x80131386, -EREMOTEIO, "unknown protocol"}, {0x80131387, -EREMOTEIO, "unknown error"},
        {0x80131515, -EOPNOTSUPP, "not supported"},   {0x8013135b, -EAGAIN, "not yet available"},
        {0x80004005, -EREMOTEIO, "it failed"},        {0x80070057, -EREMOTEIO, "invalid argument"},
    };
    struct cursor from = {.at = payload, .left = size};
    uint32_t code;

    if (!cursor_u32(&from, &code))
        return reason_set(why, -EBADMSG, "the diagnostics server's error is cut off");
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (known[i].code == code)
            return reason_set(why, known[i].error, "the runtime refuses: %s", known[i].text);
    }
    return reason_set(why, -EREMOTEIO, "the runtime refuses with error 0x%x", code);
}

int ipc_parse_session(const uint8_t *payload, size_t size, uint64_t *out, struct reason *why)
{
    struct cursor from = {.at = payload, .left = size};

    return cursor_u64(&from, out)
               ? 0
               : reason_set(why, -EBADMSG, "the diagnostics server's answer is cut off");
}
