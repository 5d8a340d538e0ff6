/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "diagnostics/ipc.h"

#define HEADER(size, set, id) "DOTNET_IPC_V1\0" size "\0" set id "\0\0"
#define PROVIDER                                                                                   \
    "\1\0\0\0"                                                                                     \
    "\0\x40\0\0\0\0\0\0\4\0\0\0\3\0\0\0A\0b\0\0\0"
#define NO_FILTER "\0\0\0\0"

static const uint32_t event_ids[] = {81, 91};
static const struct ipc_provider plain = {.name = "Ab", .keywords = 0x4000, .level = 4};
static const struct ipc_provider filtered = {
    .name = "Ab", .keywords = 0x4000, .level = 4, .filter = "x"};
static const struct ipc_provider picked = {
    .name = "Ab", .keywords = 0x4000, .level = 4, .event_ids = event_ids, .event_id_count = 2};

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
    struct ipc_session session = session_of(&plain);
    struct ipc_request request;

    ipc_format_stop(0x7f0012345678, &request);
    CHECK(&request, HEADER("\x1c", "\2", "\1") "\x78\x56\x34\x12\0\x7f\0\0");
    ipc_format_enable_perf_map(IPC_PERF_MAP_PERFMAP, &request);
    CHECK(&request, HEADER("\x18", "\4", "\5") "\3\0\0\0");
    ipc_format_plain(IPC_PROCESS_INFO3, &request);
    CHECK(&request, HEADER("\x14", "\4", "\x8"));

    assert_int_equal(ipc_format_collect(IPC_COLLECT_TRACING2, &session, &request), 0);
    CHECK(&request, HEADER("\x3b", "\2", "\3") "\x40\0\0\0\1\0\0\0\0" PROVIDER NO_FILTER);
    assert_int_equal(ipc_format_collect(IPC_COLLECT_TRACING4, &session, &request), 0);
    CHECK(&request,
          HEADER("\x43", "\2", "\5") "\x40\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1" PROVIDER NO_FILTER);
    session.without_stacks = true;
    assert_int_equal(ipc_format_collect(IPC_COLLECT_TRACING3, &session, &request), 0);
    CHECK(&request, HEADER("\x3c", "\2", "\4") "\x40\0\0\0\1\0\0\0\0\0" PROVIDER NO_FILTER);

    session = session_of(&filtered);
    session.rundown_keywords = IPC_RUNDOWN_DEFAULT;
    assert_int_equal(ipc_format_collect(IPC_COLLECT_TRACING, &session, &request), 0);
    CHECK(&request, HEADER("\x3e", "\2", "\2") "\x40\0\0\0\1\0\0\0" PROVIDER "\2\0\0\0x\0\0\0");

    session = session_of(&picked);
    assert_int_equal(ipc_format_collect(IPC_COLLECT_TRACING5, &session, &request), 0);
    CHECK(&request, HEADER("\x54", "\2",
                           "\6") "\0\0\0\0\x40\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1" PROVIDER NO_FILTER
                                 "\1\2\0\0\0\x51\0\0\0\x5b\0\0\0");
}

static void the_oldest_command_that_can(void **state)
{
    static const struct {
        const struct ipc_provider *provider;
        uint64_t rundown_keywords;
        bool without_stacks;
        enum ipc_command expected;
    } table[] = {
        {&plain, 0, false, IPC_COLLECT_TRACING2},
        {&plain, IPC_RUNDOWN_DEFAULT, false, IPC_COLLECT_TRACING2},
        {&plain, 0, true, IPC_COLLECT_TRACING3},
        {&plain, 0x20, true, IPC_COLLECT_TRACING4},
        {&picked, 0, false, IPC_COLLECT_TRACING5},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct ipc_session session = session_of(table[i].provider);

        session.rundown_keywords = table[i].rundown_keywords;
        session.without_stacks = table[i].without_stacks;
        assert_int_equal(ipc_collect_command(&session), table[i].expected);
    }
    assert_string_equal(ipc_command_name(IPC_COLLECT_TRACING5), "CollectTracing5");
}

static void sessions_that_nobody_takes(void **state)
{
    static char long_name[IPC_REQUEST_MAX];
    static struct ipc_provider many[IPC_PROVIDERS_MAX + 1];
    const struct ipc_provider level = {.name = "Ab", .level = 6};
    const struct ipc_provider nameless = {.name = ""};
    const struct ipc_provider foreign = {.name = "\xc3\xa4"};
    const struct ipc_provider endless = {.name = long_name};
    const struct {
        struct ipc_session session;
        enum ipc_command command;
        int error;
    } table[] = {
        {session_of(&level), IPC_COLLECT_TRACING2, -EINVAL},
        {session_of(&nameless), IPC_COLLECT_TRACING2, -EINVAL},
        {session_of(&foreign), IPC_COLLECT_TRACING2, -EINVAL},
        {session_of(&endless), IPC_COLLECT_TRACING2, -E2BIG},
        {session_of(&picked), IPC_COLLECT_TRACING4, -EINVAL},
        {session_of(&plain), IPC_COLLECT_TRACING, -EINVAL},
        {session_of(&plain), IPC_PROCESS_INFO, -EINVAL},
        {{.providers = &plain, .provider_count = 1}, IPC_COLLECT_TRACING2, -EINVAL},
        {{.providers = &plain, .buffer_mb = 1}, IPC_COLLECT_TRACING2, -EINVAL},
        {{.providers = many, .provider_count = ARRAY_SIZE(many), .buffer_mb = 1},
         IPC_COLLECT_TRACING2,
         -E2BIG},
    };
    struct ipc_request request;

    memset(long_name, 'x', sizeof(long_name) - 1);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_int_equal(ipc_format_collect(table[i].command, &table[i].session, &request),
                         table[i].error);
}

static void headers(void **state)
{
    static const struct {
        char bytes[IPC_HEADER_SIZE + 1];
        int error;
        struct ipc_answer answer;
    } table[] = {
        {HEADER("\x1c", "\xff", "\0"), 0, {.is_error = false, .payload_size = 8}},
        {HEADER("\x18", "\xff", "\xff"), 0, {.is_error = true, .payload_size = 4}},
        {HEADER("\x14", "\xff", "\0"), 0, {.is_error = false, .payload_size = 0}},
        {HEADER("\x13", "\xff", "\0"), -EBADMSG, {0}},
        {HEADER("\x1c", "\2", "\0"), -EBADMSG, {0}},
        {HEADER("\x1c", "\xff", "\1"), -EBADMSG, {0}},
        {"DOTNET_IPC_V2\0\x1c\0\xff\0\0", -EBADMSG, {0}},
        {"HTTP/1.1 400 Bad Req", -EBADMSG, {0}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct ipc_answer answer = {0};
        struct reason why = {.text = ""};

        assert_int_equal(ipc_parse_header((const uint8_t *)table[i].bytes, &answer, &why),
                         table[i].error);
        assert_int_equal(answer.is_error, table[i].answer.is_error);
        assert_int_equal(answer.payload_size, table[i].answer.payload_size);
        assert_int_equal(why.text[0] != '\0', table[i].error < 0);
    }
}

static void errors(void **state)
{
    static const struct {
        uint32_t code;
        size_t size;
        int error;
        const char *text;
    } table[] = {
        {0x80131385, 4, -EOPNOTSUPP, "the runtime refuses: unknown command"},
        {0x80131384, 4, -EREMOTEIO, "the runtime refuses: bad encoding"},
        {0x8013135b, 4, -EAGAIN, "the runtime refuses: not yet available"},
        {0x12345678, 4, -EREMOTEIO, "the runtime refuses with error 0x12345678"},
        {0x80131385, 3, -EBADMSG, "the diagnostics server's error is cut off"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why;

        assert_int_equal(ipc_parse_error((const uint8_t *)&table[i].code, table[i].size, &why),
                         table[i].error);
        assert_string_equal(why.text, table[i].text);
    }
}

static const char info[] = "\1\0\0\0" /* version */
                           "\x67\x12\0\0\0\0\0\0"
                           "0123456789abcdef"
                           "\4\0\0\0a\0\n\0c\0\0\0"
                           "\2\0\0\0L\0\0\0"
                           "\4\0\0\0x\0006\0004\0\0\0"
                           "\2\0\0\0w\0\0\0"
                           "\2\0\0\0009\0\0\0"
                           "\2\0\0\0r\0\0\0";

static void process_info(void **state)
{
    static const struct {
        enum ipc_command command;
        size_t skip, size;
        const char *version, *rid;
    } table[] = {
        {IPC_PROCESS_INFO3, 0, sizeof(info) - 1, "9", "r"},
        {IPC_PROCESS_INFO2, 4, sizeof(info) - 1 - 4 - 8, "9", ""},
        {IPC_PROCESS_INFO, 4, sizeof(info) - 1 - 4 - 24, "", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        const uint8_t *bytes = (const uint8_t *)info + table[i].skip;
        struct ipc_process_info out;

        assert_int_equal(ipc_parse_process_info(table[i].command, bytes, table[i].size, &out, NULL),
                         0);
        assert_int_equal(out.pid, 0x1267);
        assert_string_equal(out.command_line, "a?c");
        assert_string_equal(out.os, "L");
        assert_string_equal(out.architecture, "x64");
        assert_string_equal(out.version, table[i].version);
        assert_string_equal(out.rid, table[i].rid);
        for (size_t size = 0; size < table[i].size; size++)
            assert_int_equal(ipc_parse_process_info(table[i].command, bytes, size, &out, NULL),
                             -EBADMSG);
    }
}

static void texts_that_lie(void **state)
{
    static const char texts[][9] = {"\xff\xff\xff\xff", "\0\0\0\x80", "\2\0\0\0a\0b\0"};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        uint8_t bytes[24 + 8] = {0};
        struct ipc_process_info out;

        memcpy(bytes + 24, texts[i], 8);
        assert_int_equal(ipc_parse_process_info(IPC_PROCESS_INFO, bytes, sizeof(bytes), &out, NULL),
                         -EBADMSG);
    }
}

static void session_ids(void **state)
{
    static const uint8_t bytes[] = {1, 2, 0, 0, 0, 0, 0, 0x80};
    uint64_t id;

    assert_int_equal(ipc_parse_session(bytes, 8, &id, NULL), 0);
    assert_int_equal(id, 0x8000000000000201);
    assert_int_equal(ipc_parse_session(bytes, 7, &id, NULL), -EBADMSG);
}

static void environments(void **state)
{
    static const char bytes[] = "\2\0\0\0\5\0\0\0A\0=\0\xe4\0\xac\x20\0\0\4\0\0\0B\0=\0c\0\0\0";
    struct environment environment;
    uint32_t size;

    assert_int_equal(
        ipc_parse_environment((const uint8_t *)bytes, sizeof(bytes) - 1, &environment, NULL), 0);
    assert_string_equal(environment_get(&environment, "A"), "\xc3\xa4\xe2\x82\xac");
    assert_string_equal(environment_get(&environment, "B"), "c");
    environment_close(&environment);
    for (size_t i = 0; i < sizeof(bytes) - 1; i++)
        assert_int_equal(ipc_parse_environment((const uint8_t *)bytes, i, &environment, NULL),
                         -EBADMSG);
    assert_int_equal(ipc_parse_environment_size((const uint8_t *)"\x20\0\0\0\0\0", 6, &size, NULL),
                     0);
    assert_int_equal(size, 32);
    assert_int_equal(ipc_parse_environment_size((const uint8_t *)"\0\0\0\1", 4, &size, NULL),
                     -EBADMSG);
    assert_int_equal(ipc_parse_environment_size((const uint8_t *)"\0\0\0", 3, &size, NULL),
                     -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(the_oldest_command_that_can),
        cmocka_unit_test(sessions_that_nobody_takes),
        cmocka_unit_test(headers),
        cmocka_unit_test(errors),
        cmocka_unit_test(process_info),
        cmocka_unit_test(texts_that_lie),
        cmocka_unit_test(session_ids),
        cmocka_unit_test(environments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
