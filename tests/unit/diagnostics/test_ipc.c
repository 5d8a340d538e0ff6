/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "diagnostics/ipc.h"

#define HEADER(size, set, id) "DOTNET_IPC_V1\0" size "\0" set id "\0\0"
#define PROVIDER                                                                                   \
    "\1\0\0\0"                                                                                     \
    "\0\x40\0\0\0\0\0\0\4\0\0\0\3\0\0\0A\0b\0\0\0"
#define NO_ARGUMENTS "\0\0\0\0"

static const uint32_t event_ids[] = {81, 91};
static const struct ipc_provider plain = {.name = "Ab", .keywords = 0x4000, .level = 4};
static const struct ipc_provider argued = {
    .name = "Ab", .keywords = 0x4000, .level = 4, .arguments = "x"};
static const struct ipc_provider picked = {.name = "Ab",
                                           .keywords = 0x4000,
                                           .level = 4,
                                           .events = IPC_EVENTS_ONLY,
                                           .event_ids = event_ids,
                                           .event_id_count = 2};
static const struct ipc_provider dropped = {.name = "Ab",
                                            .keywords = 0x4000,
                                            .level = 4,
                                            .events = IPC_EVENTS_BUT,
                                            .event_ids = event_ids,
                                            .event_id_count = 1};

static struct ipc_session session_of(const struct ipc_provider *provider)
{
    return (struct ipc_session){.providers = provider, .provider_count = 1, .buffer_mb = 64};
}

static void check_request(const struct ipc_request *request, const char *bytes, size_t size)
{
    assert_int_equal(request->size, size);
    assert_memory_equal(request->bytes, bytes, size);
}

#define CHECK(request, bytes) check_request(request, bytes, sizeof(bytes) - 1)

static void requests(void **state)
{
    struct ipc_request request;

    ipc_format_stop(0x7f0012345678, &request);
    CHECK(&request, HEADER("\x1c", "\2", "\1") "\x78\x56\x34\x12\0\x7f\0\0");
    ipc_format_perf_map(IPC_PERF_MAP_PERFMAP, &request);
    CHECK(&request, HEADER("\x18", "\4", "\5") "\3\0\0\0");
    ipc_format_perf_map(IPC_PERF_MAP_OFF, &request);
    CHECK(&request, HEADER("\x14", "\4", "\6"));
    ipc_format_plain(IPC_PROCESS_INFO3, &request);
    CHECK(&request, HEADER("\x14", "\4", "\x8"));
    ipc_format_plain(IPC_ENVIRONMENT, &request);
    CHECK(&request, HEADER("\x14", "\4", "\2"));
}

/* Each by the oldest command that can say it. */
static void sessions(void **state)
{
    struct ipc_session session = session_of(&plain);
    struct ipc_request request;

    assert_int_equal(ipc_format_collect(&session, &request), 0);
    CHECK(&request, HEADER("\x3b", "\2", "\3") "\x40\0\0\0\1\0\0\0\0" PROVIDER NO_ARGUMENTS);
    session.rundown_keywords = IPC_RUNDOWN_DEFAULT;
    assert_int_equal(ipc_format_collect(&session, &request), 0);
    CHECK(&request, HEADER("\x3b", "\2", "\3") "\x40\0\0\0\1\0\0\0\1" PROVIDER NO_ARGUMENTS);
    session.without_stacks = true;
    assert_int_equal(ipc_format_collect(&session, &request), 0);
    CHECK(&request, HEADER("\x3c", "\2", "\4") "\x40\0\0\0\1\0\0\0\1\0" PROVIDER NO_ARGUMENTS);
    session.rundown_keywords = 0x20;
    assert_int_equal(ipc_format_collect(&session, &request), 0);
    CHECK(&request, HEADER("\x43", "\2",
                           "\5") "\x40\0\0\0\1\0\0\0\x20\0\0\0\0\0\0\0\0" PROVIDER NO_ARGUMENTS);

    session = session_of(&argued);
    assert_int_equal(ipc_format_collect(&session, &request), 0);
    CHECK(&request, HEADER("\x3f", "\2", "\3") "\x40\0\0\0\1\0\0\0\0" PROVIDER "\2\0\0\0x\0\0\0");
    assert_string_equal(ipc_command_name(request.command), "CollectTracing2");
}

static void chosen_events(void **state)
{
    struct ipc_session session = session_of(&picked);
    struct ipc_request request;

    assert_int_equal(ipc_format_collect(&session, &request), 0);
    CHECK(&request,
          HEADER("\x54", "\2",
                 "\6") "\0\0\0\0\x40\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1" PROVIDER NO_ARGUMENTS
                       "\1\2\0\0\0\x51\0\0\0\x5b\0\0\0");
    session = session_of(&dropped);
    assert_int_equal(ipc_format_collect(&session, &request), 0);
    CHECK(&request,
          HEADER("\x50", "\2",
                 "\6") "\0\0\0\0\x40\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1" PROVIDER NO_ARGUMENTS
                       "\0\1\0\0\0\x51\0\0\0");
}

/* A provider beside the one that chooses has all its events. */
static void some_that_choose(void **state)
{
    const struct ipc_provider both[] = {picked, plain};
    const struct ipc_session session = {.providers = both, .provider_count = 2, .buffer_mb = 64};
    struct ipc_request request;

    assert_int_equal(ipc_format_collect(&session, &request), 0);
    assert_string_equal(ipc_command_name(request.command), "CollectTracing5");
    assert_memory_equal(request.bytes + request.size - 5, "\0\0\0\0\0", 5);
}

static void sessions_that_nobody_takes(void **state)
{
    static char long_name[IPC_REQUEST_MAX];
    static uint32_t many_ids[IPC_REQUEST_MAX];
    static struct ipc_provider many[IPC_PROVIDERS_MAX + 1];
    const struct ipc_provider level = {.name = "Ab", .level = 6};
    const struct ipc_provider nameless = {.name = ""};
    const struct ipc_provider foreign = {.name = "\xc3\xa4"};
    const struct ipc_provider endless = {.name = long_name};
    const struct ipc_provider choosy = {.name = "Ab",
                                        .events = IPC_EVENTS_ONLY,
                                        .event_ids = many_ids,
                                        .event_id_count = IPC_REQUEST_MAX};
    const struct {
        struct ipc_session session;
        int error;
    } table[] = {
        {session_of(&level), -EINVAL},
        {session_of(&nameless), -EINVAL},
        {session_of(&foreign), -EINVAL},
        {session_of(&endless), -E2BIG},
        {session_of(&choosy), -E2BIG},
        {{.providers = &plain, .provider_count = 1}, -EINVAL},
        {{.providers = &plain, .buffer_mb = 1}, -EINVAL},
        {{.providers = many, .provider_count = ARRAY_SIZE(many), .buffer_mb = 1}, -E2BIG},
    };
    struct ipc_request request;

    memset(long_name, 'x', sizeof(long_name) - 1);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_int_equal(ipc_format_collect(&table[i].session, &request), table[i].error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(sessions),
        cmocka_unit_test(chosen_events),
        cmocka_unit_test(some_that_choose),
        cmocka_unit_test(sessions_that_nobody_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
