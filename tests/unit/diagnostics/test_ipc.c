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

static const struct ipc_provider plain = {.name = "Ab", .keywords = 0x4000, .level = 4};

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
    ipc_format_info(&request);
    CHECK(&request, HEADER("\x14", "\4", "\0"));
    assert_int_equal(ipc_format_collect(&session, &request), 0);
    CHECK(&request, HEADER("\x3b", "\2", "\3") "\x40\0\0\0\1\0\0\0\0" PROVIDER NO_FILTER);
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
        int error;
    } table[] = {
        {session_of(&level), -EINVAL},
        {session_of(&nameless), -EINVAL},
        {session_of(&foreign), -EINVAL},
        {session_of(&endless), -E2BIG},
        {{.providers = &plain, .provider_count = 1}, -EINVAL},
        {{.providers = &plain, .buffer_mb = 1}, -EINVAL},
        {{.providers = many, .provider_count = ARRAY_SIZE(many), .buffer_mb = 1}, -E2BIG},
    };
    struct ipc_request request;

    memset(long_name, 'x', sizeof(long_name) - 1);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_int_equal(ipc_format_collect(&table[i].session, &request), table[i].error);
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

static void session_ids(void **state)
{
    static const uint8_t bytes[] = {1, 2, 0, 0, 0, 0, 0, 0x80};
    uint64_t id;

    assert_int_equal(ipc_parse_session(bytes, 8, &id, NULL), 0);
    assert_int_equal(id, 0x8000000000000201);
    assert_int_equal(ipc_parse_session(bytes, 7, &id, NULL), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),    cmocka_unit_test(sessions_that_nobody_takes),
        cmocka_unit_test(headers),     cmocka_unit_test(errors),
        cmocka_unit_test(session_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
