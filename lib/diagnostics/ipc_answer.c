/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnostics/ipc_answer.h"

#include <string.h>

#include "util/cursor.h"
#include "util/text.h"

#define SET_SERVER     0xff
#define RESPONSE_OK    0
#define RESPONSE_ERROR 0xff

int ipc_parse_header(const uint8_t header[static IPC_HEADER_SIZE], struct ipc_answer *out,
                     struct reason *why)
{
    struct cursor from = {.at = header + sizeof(IPC_MAGIC),
                          .left = IPC_HEADER_SIZE - sizeof(IPC_MAGIC)};
    uint16_t size;
    uint8_t set, response;

    if (memcmp(header, IPC_MAGIC, sizeof(IPC_MAGIC)) != 0)
        return reason_set(why, -EBADMSG, "what answers does not speak the diagnostics protocol");
    if (!cursor_u16(&from, &size) || size < IPC_HEADER_SIZE || !cursor_u8(&from, &set) ||
        !cursor_u8(&from, &response) || set != SET_SERVER ||
        (response != RESPONSE_OK && response != RESPONSE_ERROR))
        return reason_set(why, -EBADMSG, "the diagnostics server's answer makes no sense");
    *out = (struct ipc_answer){.is_error = response == RESPONSE_ERROR,
                               .payload_size = size - IPC_HEADER_SIZE};
    return 0;
}

static int explain_error(enum ipc_command command, uint32_t code, struct reason *why)
{
    static const struct {
        uint32_t code;
        int error;
        const char *text;
    } known[] = {
        {0x80131384, -EREMOTEIO, "bad encoding"},
        {0x80131385, -EOPNOTSUPP, "unknown command"},
        {0x80131386, -EREMOTEIO, "unknown protocol"},
        {0x80131387, -EREMOTEIO, "unknown error"},
        {0x80131515, -EOPNOTSUPP, "not supported"},
        {0x8013135b, -EAGAIN, "not yet available"},
        {0x80131371, -EAGAIN, "it is not started yet"},
        {0x80004005, -EREMOTEIO, "it failed"},
        {0x80070057, -EREMOTEIO, "invalid argument"},
    };
    const char *name = ipc_command_name(command);

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (known[i].code == code)
            return reason_set(why, known[i].error, "the runtime refuses %s: %s", name,
                              known[i].text);
    }
    return reason_set(why, -EREMOTEIO, "the runtime refuses %s with error 0x%x", name, code);
}

int ipc_parse_error(enum ipc_command command, const uint8_t *payload, size_t size,
                    struct reason *why)
{
    struct cursor from = {.at = payload, .left = size};
    uint32_t code;

    if (!cursor_u32(&from, &code))
        return reason_set(why, -EBADMSG, "the diagnostics server's error is cut off");
    return explain_error(command, code, why);
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

int ipc_parse_result(enum ipc_command command, const uint8_t *payload, size_t size,
                     struct reason *why)
{
    struct cursor from = {.at = payload, .left = size};
    uint32_t code;

    if (!cursor_u32(&from, &code))
        return cut_off(why);
    return code == 0 ? 0 : explain_error(command, code, why);
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

static bool take_info(struct cursor *from, struct ipc_process_info *out)
{
    return cursor_u64(from, &out->pid) && cursor_take(from, out->cookie, sizeof(out->cookie)) &&
           take_text(from, out->command_line, sizeof(out->command_line)) &&
           take_text(from, out->os, sizeof(out->os)) &&
           take_text(from, out->architecture, sizeof(out->architecture));
}

static bool take_info2(struct cursor *from, struct ipc_process_info *out)
{
    return take_info(from, out) && take_text(from, out->assembly, sizeof(out->assembly)) &&
           take_text(from, out->version, sizeof(out->version));
}

/* Later versions have the same fields first. */
static bool take_info3(struct cursor *from, struct ipc_process_info *out)
{
    uint32_t version;

    return cursor_u32(from, &version) && take_info2(from, out) &&
           take_text(from, out->rid, sizeof(out->rid));
}

int ipc_parse_process_info(enum ipc_command command, const uint8_t *payload, size_t size,
                           struct ipc_process_info *out, struct reason *why)
{
    struct cursor from = {.at = payload, .left = size};
    bool whole;

    *out = (struct ipc_process_info){0};
    if (command == IPC_PROCESS_INFO)
        whole = take_info(&from, out);
    else
        whole = command == IPC_PROCESS_INFO2 ? take_info2(&from, out) : take_info3(&from, out);
    return whole ? 0 : cut_off(why);
}

int ipc_parse_environment_size(const uint8_t *payload, size_t size, uint32_t *out,
                               struct reason *why)
{
    struct cursor from = {.at = payload, .left = size};

    if (!cursor_u32(&from, out))
        return cut_off(why);
    if (*out > 2 * ENVIRONMENT_BYTES_MAX)
        return reason_set(why, -E2BIG, "an environment of %u bytes is more than is read", *out);
    return 0;
}

/* A character of UTF-16 has at most 3 bytes of UTF-8 for each 2 of its own. */
static int add_entry(struct environment *to, struct cursor units, struct reason *why)
{
    size_t count = units.left / sizeof(uint16_t);
    _free_ uint16_t *copy = calloc(count + 1, sizeof(*copy));

    if (!copy)
        return reason_set(why, -ENOMEM, "no memory");
    memcpy(copy, units.at, units.left);
    to->length += text_from_utf16(copy, count, to->text + to->length, 3 * count + 1) + 1;
    return 0;
}

int ipc_parse_environment(const uint8_t *bytes, size_t size, struct environment *out,
                          struct reason *why)
{
    struct environment environment _cleanup_(environment_close) = {.text =
                                                                       calloc(1, 3 * size / 2 + 2)};
    struct cursor from = {.at = bytes, .left = size}, units;
    uint32_t count;
    int error = 0;

    if (!environment.text)
        return reason_set(why, -ENOMEM, "no memory");
    if (!cursor_u32(&from, &count))
        return cut_off(why);
    for (uint32_t i = 0; error == 0 && i < count; i++)
        error = take_units(&from, &units) ? add_entry(&environment, units, why) : cut_off(why);
    if (error < 0)
        return error;
    *out = environment;
    environment = (struct environment){0};
    return 0;
}
