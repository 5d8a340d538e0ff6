/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "control/protocol.h"

static int parse(const char *text, struct control_request *out, struct reason *why)
{
    return control_request_parse(text, strlen(text), out, why);
}

static void assert_same(const struct control_request *a, const struct control_request *b)
{
    assert_int_equal(a->verb, b->verb);
    assert_int_equal(a->pid, b->pid);
    assert_int_equal(a->since_us, b->since_us);
    assert_int_equal(a->until_us, b->until_us);
    assert_int_equal(a->limit, b->limit);
    assert_int_equal(a->follow, b->follow);
    assert_int_equal(a->top, b->top);
    assert_int_equal(a->bare, b->bare);
    assert_int_equal(a->min_wait_ns, b->min_wait_ns);
    assert_string_equal(a->family, b->family);
    assert_int_equal(a->on, b->on);
}

static void understands(void **state)
{
    static const struct {
        const char *text;
        struct control_request request;
    } rows[] = {
        {"{\"version\":1,\"verb\":\"status\"}", {.verb = CONTROL_STATUS}},
        {"{\"verb\":\"check\",\"version\":1}", {.verb = CONTROL_CHECK}},
        {"{\"version\":1,\"verb\":\"check\",\"pid\":2147483647}",
         {.verb = CONTROL_CHECK, .pid = INT_MAX}},
        {"{\"version\":1,\"verb\":\"events\",\"follow\":true,\"pid\":7,\"since_us\":5}",
         {.verb = CONTROL_EVENTS, .follow = true, .pid = 7, .since_us = 5}},
        {"{\"version\":1,\"verb\":\"events\",\"follow\":false}", {.verb = CONTROL_EVENTS}},
        {" { \"version\" : 1, \"verb\" : \"history\", \"since_us\" : 9223372036854775807,"
         "\"until_us\":2, \"limit\" : 3 } ",
         {.verb = CONTROL_HISTORY, .since_us = INT64_MAX, .until_us = 2, .limit = 3}},
        {"{\"version\":1,\"verb\":\"contention\"}", {.verb = CONTROL_CONTENTION}},
        {"{\"version\":1,\"verb\":\"contention\",\"pid\":7,\"top\":256,\"bare\":true}",
         {.verb = CONTROL_CONTENTION, .pid = 7, .top = 256, .bare = true}},
        {"{\"version\":1,\"verb\":\"contention\",\"follow\":true,\"min_wait_ns\":10000000000}",
         {.verb = CONTROL_CONTENTION, .follow = true, .min_wait_ns = 10000000000}},
        {"{\"version\":1,\"verb\":\"probes\"}", {.verb = CONTROL_PROBES}},
        {"{\"version\":1,\"verb\":\"probes\",\"family\":\"managed_locks\",\"on\":true}",
         {.verb = CONTROL_PROBES, .family = "managed_locks", .on = true}},
        {"{\"version\":1,\"verb\":\"probes\",\"family\":\"gc\",\"on\":false,\"pid\":3}",
         {.verb = CONTROL_PROBES, .family = "gc", .pid = 3}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct control_request request = {.pid = 99}, again;
        _free_ char *packet = NULL;
        size_t size;

        assert_int_equal(parse(rows[i].text, &request, NULL), 0);
        assert_same(&request, &rows[i].request);
        packet = control_request_format(&request, &size);
        assert_non_null(packet);
        assert_int_equal(control_request_parse(packet, size, &again, NULL), 0);
        assert_same(&again, &request);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text;
        int error;
    } rows[] = {
        {"", -EBADMSG},
        {"{", -EBADMSG},
        {"{\"version\":1,\"verb\":\"sta", -EBADMSG},
        {"[]", -EBADMSG},
        {"[{\"version\":1,\"verb\":\"status\"}]", -EBADMSG},
        {"null", -EBADMSG},
        {"\"status\"", -EBADMSG},
        {"1", -EBADMSG},
        {"{\"version\":1,\"verb\":\"status\"} x", -EBADMSG},
        {"{\"version\":1,\"verb\":\"status\"}{}", -EBADMSG},
        {"{\"version\":1,\"version\":1,\"verb\":\"status\"}", -EBADMSG},
        {"{\"version\":1,\"verb\":\"\xff\"}", -EBADMSG},
        {"{\"version\":1,\"verb\":\"sta\\u0000tus\"}", -EBADMSG},
        {"{\"version\":1,\"verb\":\"check\",\"pid\":99999999999999999999999}", -EBADMSG},
        {"{\"version\":1,\"verb\":\"check\",\"pid\":1e999}", -EBADMSG},
        {"{}", -EPROTO},
        {"{\"verb\":\"status\"}", -EPROTO},
        {"{\"version\":2,\"verb\":\"status\"}", -EPROTO},
        {"{\"version\":1.0,\"verb\":\"status\"}", -EPROTO},
        {"{\"version\":\"1\",\"verb\":\"status\"}", -EPROTO},
        {"{\"version\":true,\"verb\":\"status\"}", -EPROTO},
        {"{\"version\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"shutdown\"}", -EINVAL},
        {"{\"version\":1,\"verb\":\"\"}", -EINVAL},
        {"{\"version\":1,\"verb\":null}", -EINVAL},
        {"{\"version\":1,\"verb\":[\"status\"]}", -EINVAL},
        {"{\"version\":1,\"verb\":{\"verb\":\"status\"}}", -EINVAL},
        {"{\"version\":1,\"verb\":\"status\",\"pid\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"status\",\"follow\":true}", -EINVAL},
        {"{\"version\":1,\"verb\":\"history\",\"follow\":true}", -EINVAL},
        {"{\"version\":1,\"verb\":\"check\",\"since_us\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"check\",\"colour\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"check\",\"\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"check\",\"pid\":0}", -EINVAL},
        {"{\"version\":1,\"verb\":\"check\",\"pid\":-1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"check\",\"pid\":2147483648}", -EINVAL},
        {"{\"version\":1,\"verb\":\"check\",\"pid\":1.5}", -EINVAL},
        {"{\"version\":1,\"verb\":\"check\",\"pid\":\"1\"}", -EINVAL},
        {"{\"version\":1,\"verb\":\"check\",\"pid\":[1]}", -EINVAL},
        {"{\"version\":1,\"verb\":\"check\",\"pid\":null}", -EINVAL},
        {"{\"version\":1,\"verb\":\"events\",\"follow\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"events\",\"since_us\":-9223372036854775808}", -EINVAL},
        {"{\"version\":1,\"verb\":\"events\",\"limit\":0}", -EINVAL},
        {"{\"version\":1,\"verb\":\"events\",\"follow\":true,\"until_us\":5}", -EINVAL},
        {"{\"version\":1,\"verb\":\"events\",\"top\":5}", -EINVAL},
        {"{\"version\":1,\"verb\":\"contention\",\"top\":257}", -EINVAL},
        {"{\"version\":1,\"verb\":\"contention\",\"since_us\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"contention\",\"bare\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"contention\",\"min_wait_ns\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"contention\",\"follow\":true,\"top\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"contention\",\"follow\":true,\"bare\":true}", -EINVAL},
        {"{\"version\":1,\"verb\":\"contention\",\"family\":\"gc\",\"on\":true}", -EINVAL},
        {"{\"version\":1,\"verb\":\"probes\",\"family\":\"gc\"}", -EINVAL},
        {"{\"version\":1,\"verb\":\"probes\",\"on\":true}", -EINVAL},
        {"{\"version\":1,\"verb\":\"probes\",\"pid\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"probes\",\"family\":\"\",\"on\":true}", -EINVAL},
        {"{\"version\":1,\"verb\":\"probes\",\"family\":\"GC\",\"on\":true}", -EINVAL},
        {"{\"version\":1,\"verb\":\"probes\",\"family\":5,\"on\":true}", -EINVAL},
        {"{\"version\":1,\"verb\":\"probes\",\"family\":\"gc\",\"on\":1}", -EINVAL},
        {"{\"version\":1,\"verb\":\"probes\",\"family\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
         "\"on\":true}",
         -EINVAL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct control_request request, before;
        struct reason why = {""};

        memset(&request, 0x5a, sizeof(request));
        before = request;
        assert_int_equal(parse(rows[i].text, &request, &why), rows[i].error);
        assert_memory_equal(&request, &before, sizeof(request));
        assert_true(why.text[0]);
    }
}

static void bounds_length(void **state)
{
    char text[CONTROL_REQUEST_MAX + 1];
    struct control_request request;

    memset(text, ' ', sizeof(text));
    memcpy(text, "{\"version\":1,\"verb\":\"status\"}", 29);
    assert_int_equal(control_request_parse(text, CONTROL_REQUEST_MAX, &request, NULL), 0);
    assert_int_equal(control_request_parse(text, sizeof(text), &request, NULL), -EMSGSIZE);
    assert_int_equal(control_request_parse(NULL, SIZE_MAX, &request, NULL), -EMSGSIZE);
}

static void bears_depth_and_zeros(void **state)
{
    static const char with_zero[] = "{\"version\":1,\0\"verb\":\"status\"}";
    char text[CONTROL_REQUEST_MAX];
    struct control_request request;

    memset(text, '[', sizeof(text));
    assert_int_equal(control_request_parse(text, sizeof(text), &request, NULL), -EBADMSG);
    for (size_t i = 0; i + 5 <= sizeof(text); i += 5)
        memcpy(text + i, "{\"a\":", 5);
    assert_int_equal(control_request_parse(text, sizeof(text), &request, NULL), -EBADMSG);
    memset(text, 0, sizeof(text));
    assert_int_equal(control_request_parse(text, sizeof(text), &request, NULL), -EBADMSG);
    assert_int_equal(control_request_parse(with_zero, sizeof(with_zero) - 1, &request, NULL),
                     -EBADMSG);
}

static void assert_answer(const struct control_answer *answer, const char *text)
{
    size_t size;
    _free_ char *packet = control_answer_format(answer, &size);

    assert_non_null(packet);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(packet, text, size);
}

static void formats_answers(void **state)
{
    json_t *item = json_pack("{s:i}", "pid", 5);

    assert_answer(&(struct control_answer){.type = CONTROL_ITEM, .item = item},
                  "{\"version\":1,\"type\":\"item\",\"item\":{\"pid\":5}}");
    assert_answer(&(struct control_answer){.type = CONTROL_DROPPED, .count = 3},
                  "{\"version\":1,\"type\":\"dropped\",\"count\":3}");
    assert_answer(&(struct control_answer){.type = CONTROL_END},
                  "{\"version\":1,\"type\":\"end\"}");
    assert_answer(&(struct control_answer){.type = CONTROL_ERROR, .reason = {"why"}},
                  "{\"version\":1,\"type\":\"error\",\"reason\":\"why\"}");
    assert_int_equal(item->refcount, 1);
    json_decref(item);
}

static void bounds_answers(void **state)
{
    _free_ char *text = calloc(1, CONTROL_ANSWER_MAX + 1);
    struct control_answer answer = {.type = CONTROL_ITEM};
    size_t size;

    memset(text, 'a', CONTROL_ANSWER_MAX);
    answer.item = json_pack("{s:s}", "text", text);
    assert_null(control_answer_format(&answer, &size));
    assert_true(size > CONTROL_ANSWER_MAX);
    json_decref(answer.item);
}

static void parses_answers(void **state)
{
    static const struct {
        const char *text;
        int error;
        enum control_type type;
    } rows[] = {
        {"{\"version\":1,\"type\":\"end\"}", 0, CONTROL_END},
        {"{\"version\":1,\"type\":\"item\",\"item\":{}}", 0, CONTROL_ITEM},
        {"{\"version\":1,\"type\":\"dropped\",\"count\":1}", 0, CONTROL_DROPPED},
        {"{\"version\":1,\"type\":\"error\",\"reason\":\"\\u001b[2Jx\"}", 0, CONTROL_ERROR},
        {"{\"version\":1,\"type\":\"item\"}", -EBADMSG, 0},
        {"{\"version\":1,\"type\":\"item\",\"item\":[]}", -EBADMSG, 0},
        {"{\"version\":1,\"type\":\"dropped\",\"count\":-1}", -EBADMSG, 0},
        {"{\"version\":1,\"type\":\"dropped\",\"count\":\"1\"}", -EBADMSG, 0},
        {"{\"version\":1,\"type\":\"error\"}", -EBADMSG, 0},
        {"{\"version\":1,\"type\":\"news\"}", -EBADMSG, 0},
        {"{\"version\":1}", -EBADMSG, 0},
        {"{\"version\":2,\"type\":\"end\"}", -EPROTO, 0},
        {"end", -EBADMSG, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct control_answer answer = {0};

        assert_int_equal(control_answer_parse(rows[i].text, strlen(rows[i].text), &answer, NULL),
                         rows[i].error);
        if (rows[i].error == 0)
            assert_int_equal(answer.type, rows[i].type);
        assert_int_equal(answer.item != NULL, !rows[i].error && rows[i].type == CONTROL_ITEM);
        if (rows[i].error == 0 && answer.type == CONTROL_ERROR)
            assert_string_equal(answer.reason.text, "?[2Jx");
        json_decref(answer.item);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understands),     cmocka_unit_test(refuses),
        cmocka_unit_test(bounds_length),   cmocka_unit_test(bears_depth_and_zeros),
        cmocka_unit_test(formats_answers), cmocka_unit_test(bounds_answers),
        cmocka_unit_test(parses_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
