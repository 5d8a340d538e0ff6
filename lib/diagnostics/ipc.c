/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnostics/ipc.h"

#include <errno.h>
#include <string.h>

#include "diagnostics/ipc_answer.h"

#define LEVEL_MAX       5
#define FORMAT_NETTRACE 1
#define OUTPUT_STREAM   0

static const struct {
    const char *name;
    uint8_t set;
    uint8_t id;
} commands[] = {
    [IPC_STOP_TRACING] = {"StopTracing", 2, 1},
    [IPC_COLLECT_TRACING2] = {"CollectTracing2", 2, 3},
    [IPC_COLLECT_TRACING3] = {"CollectTracing3", 2, 4},
    [IPC_COLLECT_TRACING4] = {"CollectTracing4", 2, 5},
    [IPC_COLLECT_TRACING5] = {"CollectTracing5", 2, 6},
    [IPC_PROCESS_INFO] = {"ProcessInfo", 4, 0},
    [IPC_PROCESS_INFO2] = {"ProcessInfo2", 4, 4},
    [IPC_PROCESS_INFO3] = {"ProcessInfo3", 4, 8},
    [IPC_ENVIRONMENT] = {"ProcessEnvironment", 4, 2},
    [IPC_ENABLE_PERF_MAP] = {"EnablePerfMap", 4, 5},
    [IPC_DISABLE_PERF_MAP] = {"DisablePerfMap", 4, 6},
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
    out->command = command;
    out->size = 0;
    put(out, IPC_MAGIC, sizeof(IPC_MAGIC));
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
    memcpy(out->bytes + sizeof(IPC_MAGIC), &size, sizeof(size));
    return 0;
}

static bool picks_events(const struct ipc_session *session)
{
    for (uint32_t i = 0; i < session->provider_count; i++) {
        if (session->providers[i].events != IPC_EVENTS_ALL)
            return true;
    }
    return false;
}

static enum ipc_command collect_command(const struct ipc_session *session)
{
    if (picks_events(session))
        return IPC_COLLECT_TRACING5;
    if (session->rundown_keywords != 0 && session->rundown_keywords != IPC_RUNDOWN_DEFAULT)
        return IPC_COLLECT_TRACING4;
    return session->without_stacks ? IPC_COLLECT_TRACING3 : IPC_COLLECT_TRACING2;
}

/* All but none are all. */
static void put_events(struct ipc_request *out, const struct ipc_provider *provider)
{
    uint32_t count = provider->events != IPC_EVENTS_ALL ? provider->event_id_count : 0;

    put_u8(out, provider->events == IPC_EVENTS_ONLY);
    put_u32(out, count);
    for (uint32_t i = 0; i < count && out->size <= sizeof(out->bytes); i++)
        put_u32(out, provider->event_ids[i]);
}

static bool put_provider(struct ipc_request *out, const struct ipc_provider *provider)
{
    if (provider->level > LEVEL_MAX || !provider->name[0])
        return false;
    put_u64(out, provider->keywords);
    put_u32(out, provider->level);
    if (!put_text(out, provider->name) || !put_text(out, provider->arguments))
        return false;
    if (out->command >= IPC_COLLECT_TRACING5)
        put_events(out, provider);
    return true;
}

static void put_session(struct ipc_request *out, const struct ipc_session *session)
{
    if (out->command >= IPC_COLLECT_TRACING5)
        put_u32(out, OUTPUT_STREAM);
    put_u32(out, session->buffer_mb);
    put_u32(out, FORMAT_NETTRACE);
    if (out->command >= IPC_COLLECT_TRACING4)
        put_u64(out, session->rundown_keywords);
    else
        put_u8(out, session->rundown_keywords != 0);
    if (out->command >= IPC_COLLECT_TRACING3)
        put_u8(out, !session->without_stacks);
    put_u32(out, session->provider_count);
}

int ipc_format_collect(const struct ipc_session *session, struct ipc_request *out)
{
    if (session->buffer_mb == 0 || session->provider_count == 0)
        return -EINVAL;
    if (session->provider_count > IPC_PROVIDERS_MAX)
        return -E2BIG;
    begin(out, collect_command(session));
    put_session(out, session);
    for (uint32_t i = 0; i < session->provider_count; i++) {
        if (!put_provider(out, &session->providers[i]))
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

void ipc_format_perf_map(enum ipc_perf_map kind, struct ipc_request *out)
{
    begin(out, kind == IPC_PERF_MAP_OFF ? IPC_DISABLE_PERF_MAP : IPC_ENABLE_PERF_MAP);
    if (kind != IPC_PERF_MAP_OFF)
        put_u32(out, kind);
    (void)!end(out);
}

void ipc_format_plain(enum ipc_command command, struct ipc_request *out)
{
    begin(out, command);
}
