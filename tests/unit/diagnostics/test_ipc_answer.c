/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "diagnostics/ipc_answer.h"

#define HEADER(size, set, id) "DOTNET_IPC_V1\0" size "\0" set id "\0\0"

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
        {0x80131385, 4, -EOPNOTSUPP, "the runtime refuses EnablePerfMap: unknown command"},
        {0x80131384, 4, -EREMOTEIO, "the runtime refuses EnablePerfMap: bad encoding"},
        {0x8013135b, 4, -EAGAIN, "the runtime refuses EnablePerfMap: not yet available"},
        {0x80131371, 4, -EAGAIN, "the runtime refuses EnablePerfMap: it is not started yet"},
        {0x12345678, 4, -EREMOTEIO, "the runtime refuses EnablePerfMap with error 0x12345678"},
        {0x80131385, 3, -EBADMSG, "the diagnostics server's error is cut off"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why;

        assert_int_equal(ipc_parse_error(IPC_ENABLE_PERF_MAP, (const uint8_t *)&table[i].code,
                                         table[i].size, &why),
                         table[i].error);
        assert_string_equal(why.text, table[i].text);
    }
}

/* A failure may also come as an answer. */
static void results(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 0x57, 0, 0x07, 0x80};
    struct reason why = {.text = ""};

    assert_int_equal(ipc_parse_result(IPC_DISABLE_PERF_MAP, bytes, 4, &why), 0);
    assert_string_equal(why.text, "");
    assert_int_equal(ipc_parse_result(IPC_DISABLE_PERF_MAP, bytes + 4, 4, &why), -EREMOTEIO);
    assert_string_equal(why.text, "the runtime refuses DisablePerfMap: invalid argument");
    assert_int_equal(ipc_parse_result(IPC_DISABLE_PERF_MAP, bytes, 3, NULL), -EBADMSG);
}

static void session_ids(void **state)
{
    static const uint8_t bytes[] = {1, 2, 0, 0, 0, 0, 0, 0x80};
    uint64_t id;

    assert_int_equal(ipc_parse_session(bytes, 8, &id, NULL), 0);
    assert_int_equal(id, 0x8000000000000201);
    assert_int_equal(ipc_parse_session(bytes, 7, &id, NULL), -EBADMSG);
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

/* What is longer than its room is cut, at a character's boundary. */
static void long_texts(void **state)
{
    static uint8_t bytes[24 + 4 + 2 * IPC_TEXT_MAX + 2 + 4 + 4];
    static struct ipc_process_info out;
    const uint32_t count = IPC_TEXT_MAX + 1;

    memcpy(bytes + 24, &count, sizeof(count));
    for (size_t i = 0; i < IPC_TEXT_MAX; i++)
        bytes[28 + 2 * i] = 0xe4;
    assert_int_equal(ipc_parse_process_info(IPC_PROCESS_INFO, bytes, sizeof(bytes), &out, NULL), 0);
    assert_int_equal(strlen(out.command_line), IPC_TEXT_MAX - 2);
    assert_string_equal(out.os, "");
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
                     -E2BIG);
    assert_int_equal(ipc_parse_environment_size((const uint8_t *)"\0\0\0", 3, &size, NULL),
                     -EBADMSG);
}

/* A count that the bytes belie ends the reading, and takes no memory. */
static void environments_that_lie(void **state)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0};
    struct environment environment = {0};

    assert_int_equal(ipc_parse_environment(bytes, sizeof(bytes), &environment, NULL), -EBADMSG);
    assert_null(environment.text);
    assert_int_equal(ipc_parse_environment(bytes + 4, 4, &environment, NULL), 0);
    assert_int_equal(environment.length, 0);
    environment_close(&environment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(errors),
        cmocka_unit_test(results),
        cmocka_unit_test(session_ids),
        cmocka_unit_test(process_info),
        cmocka_unit_test(texts_that_lie),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(environments),
        cmocka_unit_test(environments_that_lie),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
