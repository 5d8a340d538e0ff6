/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnostics/ipc.h"

#include <string.h>

#include "util/cursor.h"
#include "util/text.h"

#define LEVEL_MAX       5
#define FORMAT_NETTRACE 1
#define OUTPUT_STREAM   0

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

static const struct {
    const char *name;
    uint8_t set;
    uint8_t id;
} commands[] = {
    [IPC_STOP_TRACING] = {"StopTracing", SET_EVENTPIPE, 1},
    [IPC_COLLECT_TRACING] = {"CollectTracing", SET_EVENTPIPE, 2},
    [IPC_COLLECT_TRACING2] = {"CollectTracing2", SET_EVENTPIPE, 3},
    [IPC_COLLECT_TRACING3] = {"CollectTracing3", SET_EVENTPIPE, 4},
    [IPC_COLLECT_TRACING4] = {"CollectTracing4", SET_EVENTPIPE, 5},
    [IPC_COLLECT_TRACING5] = {"CollectTracing5", SET_EVENTPIPE, 6},
    [IPC_PROCESS_INFO] = {"ProcessInfo", SET_PROCESS, 0},
    [IPC_PROCESS_INFO2] = {"ProcessInfo2", SET_PROCESS, 4},
    [IPC_PROCESS_INFO3] = {"ProcessInfo3", SET_PROCESS, 8},
    [IPC_GET_ENVIRONMENT] = {"GetProcessEnvironment", SET_PROCESS, 2},
    [IPC_ENABLE_PERF_MAP] = {"EnablePerfMap", SET_PROCESS, 5},
    [IPC_DISABLE_PERF_MAP] = {"DisablePerfMap", SET_PROCESS, 6},
};

const char *ipc_command_name(enum ipc_command command)
{
    return commands[command].name;
}

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

static void begin(struct ipc_request *out, enum ipc_command command)
{
    out->size = 0;
    put(out, magic, sizeof(magic));
    put_u16(out, IPC_HEADER_SIZE);
    put_u8(out, commands[command].set);
    put_u8(out, commands[command].id);
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

static bool has_event_ids(const struct ipc_session *session)
{
    for (uint32_t i = 0; i < session->provider_count; i++) {
        if (session->providers[i].event_ids)
            return true;
    }
    return false;
}

enum ipc_command ipc_collect_command(const struct ipc_session *session)
{
    bool is_usual =
        session->rundown_keywords == 0 || session->rundown_keywords == IPC_RUNDOWN_DEFAULT;

    if (has_event_ids(session))
        return IPC_COLLECT_TRACING5;
    if (!is_usual)
        return IPC_COLLECT_TRACING4;
    return session->without_stacks ? IPC_COLLECT_TRACING3 : IPC_COLLECT_TRACING2;
}

static bool can_express(enum ipc_command command, const struct ipc_session *session)
{
    if (command == IPC_COLLECT_TRACING)
        return session->rundown_keywords == IPC_RUNDOWN_DEFAULT &&
               ipc_collect_command(session) == IPC_COLLECT_TRACING2;
    return command <= IPC_COLLECT_TRACING5 && command >= ipc_collect_command(session);
}

static bool put_provider(struct ipc_request *out, enum ipc_command command,
                         const struct ipc_provider *provider)
{
    if (provider->level > LEVEL_MAX || !provider->name[0])
        return false;
    put_u64(out, provider->keywords);
    put_u32(out, provider->level);
    if (!put_text(out, provider->name) || !put_text(out, provider->filter))
        return false;
    if (command != IPC_COLLECT_TRACING5)
        return true;
    put_u8(out, provider->event_ids != NULL); /* 1: these and no others; 0: all but these */
    put_u32(out, provider->event_ids ? provider->event_id_count : 0);
    for (uint32_t i = 0; provider->event_ids && i < provider->event_id_count; i++)
        put_u32(out, provider->event_ids[i]);
    return true;
}

static void put_session(struct ipc_request *out, enum ipc_command command,
                        const struct ipc_session *session)
{
    if (command == IPC_COLLECT_TRACING5)
        put_u32(out, OUTPUT_STREAM);
    put_u32(out, session->buffer_mb);
    put_u32(out, FORMAT_NETTRACE);
    if (command >= IPC_COLLECT_TRACING4)
        put_u64(out, session->rundown_keywords);
    else if (command >= IPC_COLLECT_TRACING2)
        put_u8(out, session->rundown_keywords != 0);
    if (command >= IPC_COLLECT_TRACING3)
        put_u8(out, !session->without_stacks);
    put_u32(out, session->provider_count);
}

int ipc_format_collect(enum ipc_command command, const struct ipc_session *session,
                       struct ipc_request *out)
{
    if (session->buffer_mb == 0 || session->provider_count == 0 || !can_express(command, session))
        return -EINVAL;
    if (session->provider_count > IPC_PROVIDERS_MAX)
        return -E2BIG;
    begin(out, command);
    put_session(out, command, session);
    for (uint32_t i = 0; i < session->provider_count; i++) {
        if (!put_provider(out, command, &session->providers[i]))
            return -EINVAL;
    }
    return end(out);
}

void ipc_format_stop(uint64_t session, struct ipc_request *out)
{
    begin(out, IPC_STOP_TRACING);
    put_u64(out, session);
    (void)!end(out);
}

void ipc_format_enable_perf_map(enum ipc_perf_map type, struct ipc_request *out)
{
    begin(out, IPC_ENABLE_PERF_MAP);
    put_u32(out, type);
    (void)!end(out);
}

void ipc_format_plain(enum ipc_command command, struct ipc_request *out)
{
    begin(out, command);
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

static int cut_off(struct reason *why)
{
    return reason_set(why, -EBADMSG, "the diagnostics server's answer is cut off");
}

int ipc_parse_session(const uint8_t *payload, size_t size, uint64_t *out, struct reason *why)
{
    struct cursor from = {.at = payload, .left = size};

    return cursor_u64(&from, out) ? 0 : cut_off(why);
}

/* The UTF-16 text that is next, without its NUL. */
static bool take_units(struct cursor *from, struct cursor *units)
{
    uint16_t last;
    uint32_t count;

    if (!cursor_u32(from, &count) || count > from->left / sizeof(last) ||
        !cursor_part(from, count * sizeof(last), units))
        return false;
    if (count == 0)
        return true;
    units->left -= sizeof(last);
    memcpy(&last, units->at + units->left, sizeof(last));
    return last == 0;
}

static bool take_text(struct cursor *from, char *to, size_t size)
{
    uint16_t copy[IPC_TEXT_MAX];
    struct cursor units;
    size_t count;

    if (!take_units(from, &units))
        return false;
    count = units.left / sizeof(*copy);
    count = count < ARRAY_SIZE(copy) ? count : ARRAY_SIZE(copy);
    memcpy(copy, units.at, count * sizeof(*copy));
    text_from_utf16(copy, count, to, size);
    text_printable(to);
    return true;
}

int ipc_parse_process_info(enum ipc_command command, const uint8_t *payload, size_t size,
                           struct ipc_process_info *out, struct reason *why)
{
    struct cursor from = {.at = payload, .left = size};
    uint32_t version;

    *out = (struct ipc_process_info){0};
    if ((command == IPC_PROCESS_INFO3 && !cursor_u32(&from, &version)) ||
        !cursor_u64(&from, &out->pid) || !cursor_take(&from, out->cookie, sizeof(out->cookie)) ||
        !take_text(&from, out->command_line, sizeof(out->command_line)) ||
        !take_text(&from, out->os, sizeof(out->os)) ||
        !take_text(&from, out->architecture, sizeof(out->architecture)))
        return cut_off(why);
    if (command != IPC_PROCESS_INFO && (!take_text(&from, out->assembly, sizeof(out->assembly)) ||
                                        !take_text(&from, out->version, sizeof(out->version))))
        return cut_off(why);
    if (command == IPC_PROCESS_INFO3 && !take_text(&from, out->rid, sizeof(out->rid)))
        return cut_off(why);
    return 0;
}

int ipc_parse_environment_size(const uint8_t *payload, size_t size, uint32_t *out,
                               struct reason *why)
{
    struct cursor from = {.at = payload, .left = size};

    if (!cursor_u32(&from, out))
        return cut_off(why);
    if (*out > 2 * ENVIRONMENT_BYTES_MAX)
        return reason_set(why, -EBADMSG, "an environment of %u bytes makes no sense", *out);
    return 0;
}

/* A character of UTF-16 has at most 3 bytes of UTF-8 for each 2 of its own. */
static size_t add_entry(struct environment *to, struct cursor units)
{
    size_t count = units.left / sizeof(uint16_t);
    _free_ uint16_t *copy = calloc(count + 1, sizeof(*copy));

    if (!copy)
        return 0;
    memcpy(copy, units.at, units.left);
    to->length += text_from_utf16(copy, count, to->text + to->length, 3 * count + 1) + 1;
    return to->length;
}

int ipc_parse_environment(const uint8_t *bytes, size_t size, struct environment *out,
                          struct reason *why)
{
    struct environment environment
        __attribute__((cleanup(environment_close))) = {.text = calloc(1, 3 * size / 2 + 2)};
    struct cursor from = {.at = bytes, .left = size}, units;
    uint32_t count;

    if (!environment.text)
        return reason_set(why, -ENOMEM, "no memory");
    if (!cursor_u32(&from, &count))
        return cut_off(why);
    for (uint32_t i = 0; i < count; i++) {
        if (!take_units(&from, &units))
            return cut_off(why);
        if (!add_entry(&environment, units))
            return reason_set(why, -ENOMEM, "no memory");
    }
    environment.text[environment.length] = '\0';
    *out = environment;
    environment = (struct environment){0};
    return 0;
}
