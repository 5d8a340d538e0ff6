/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "contention/contention_json.h"

#include "example.h"

static char *text_of(const struct contention *contention)
{
    json_t *json = contention_json(contention);
    char *text = json_dumps(json, JSON_COMPACT);

    assert_non_null(text);
    json_decref(json);
    return text;
}

static void encodes(void **state)
{
    static const char expected[] =
        "{\"pid\":4711,\"name\":\"orders\",\"source\":\"usdt\",\"on\":true,"
        "\"why\":\"managed locks are not watched\",\"since_ns\":5,\"now_ns\":2000000005,"
        "\"since_s\":2.0,\"waiters\":2,\"longest_wait_ns\":3000000,\"unpaired\":1,"
        "\"histogram\":[{\"le_ns\":8192,\"count\":4},{\"le_ns\":16384,\"count\":0},"
        "{\"le_ns\":32768,\"count\":5}";
    static const char tail[] =
        "{\"le_ns\":null,\"count\":1}],"
        "\"other\":{\"locks\":{\"waits\":3,\"wait_ns\":9000000},"
        "\"stacks\":{\"waits\":0,\"wait_ns\":0},\"owners\":{\"waits\":0,\"wait_ns\":0},"
        "\"threads\":{\"waits\":0,\"wait_ns\":0}},\"waits\":10,\"wait_ns\":70000000,"
        "\"locks\":[{\"address\":\"0xffff800000001000\",\"type\":\"System.Object\","
        "\"owner_tid\":12,\"owner_name\":\"worker\",\"managed\":true,\"waiters\":2,"
        "\"longest_ns\":20000000,\"waits\":6,\"wait_ns\":60000000},"
        "{\"address\":\"0x10\",\"type\":null,\"owner_tid\":null,\"owner_name\":null,"
        "\"managed\":false,\"waiters\":0,\"longest_ns\":null,\"waits\":1,\"wait_ns\":1000000}],"
        "\"stacks\":[{\"id\":\"0x7\",\"frames\":[\"Program.\xc3\x9c"
        "0\",\"Program.\xc3\x9c"
        "1\"],\"complete\":true,\"managed\":false,\"longest_ns\":null,\"waits\":9,"
        "\"wait_ns\":69000000}],"
        "\"owners\":[{\"tid\":12,\"name\":\"worker\",\"waits\":6,\"wait_ns\":60000000},"
        "{\"tid\":null,\"name\":null,\"waits\":1,\"wait_ns\":1000000}],"
        "\"threads\":[{\"tid\":13,\"name\":null,\"waits\":10,\"wait_ns\":70000000}]}";
    _contention_ struct contention made = example();
    _free_ char *text = text_of(&made);

    assert_memory_equal(text, expected, strlen(expected));
    assert_string_equal(strstr(text, "{\"le_ns\":null"), tail);
}

static void says_the_same_again(void **state)
{
    _contention_ struct contention made = example(), again = {0}, nothing = {.pid = 1};
    _contention_ struct contention nothing_again = {0};
    _free_ char *first = text_of(&made), *second = NULL;
    json_t *json = json_loads(first, 0, NULL);

    assert_int_equal(contention_from_json(json, &again, NULL), 0);
    json_decref(json);
    second = text_of(&again);
    assert_string_equal(first, second);
    json = contention_json(&nothing);
    assert_int_equal(contention_from_json(json, &nothing_again, NULL), 0);
    assert_int_equal(nothing_again.pid, 1);
    json_decref(json);
}

static void large_numbers(void **state)
{
    _contention_ struct contention made = {
        .pid = 1, .sum = {UINT64_MAX, INT64_MAX}, .now_ns = UINT64_MAX};
    _contention_ struct contention again = {0};
    json_t *json = contention_json(&made);

    assert_int_equal(contention_from_json(json, &again, NULL), 0);
    assert_true(again.sum.waits == INT64_MAX && again.sum.wait_ns == INT64_MAX);
    json_decref(json);
}

/* Each row breaks one thing of what is good. */
static void refuses(void **state)
{
    static const struct {
        const char *list; /* NULL: the process itself */
        const char *field;
        const char *value;
    } rows[] = {
        {NULL, "pid", "-1"},
        {NULL, "pid", "2147483648"},
        {NULL, "pid", "1.5"},
        {NULL, "pid", "null"},
        {NULL, "name", "5"},
        {NULL, "source", "\"gossip\""},
        {NULL, "source", "null"},
        {NULL, "on", "1"},
        {NULL, "why", "[]"},
        {NULL, "since_ns", "2000000006"},
        {NULL, "now_ns", "-1"},
        {NULL, "waits", "\"10\""},
        {NULL, "wait_ns", "null"},
        {NULL, "waiters", "4294967296"},
        {NULL, "unpaired", "true"},
        {NULL, "histogram", "{}"},
        {NULL, "histogram", "[5]"},
        {NULL, "histogram", "[{\"le_ns\":8193,\"count\":1}]"},
        {NULL, "histogram", "[{\"le_ns\":8192,\"count\":-1}]"},
        {NULL, "histogram", "[{\"le_ns\":8192}]"},
        {NULL, "histogram", "[{\"count\":1}]"},
        {NULL, "locks", "{}"},
        {NULL, "stacks", "null"},
        {NULL, "owners", "[[]]"},
        {NULL, "other", "{\"locks\":{\"waits\":0,\"wait_ns\":0}}"},
        {"locks", "address", "\"12x\""},
        {"locks", "address", "18"},
        {"locks", "address", "\"0x10000000000000000\""},
        {"locks", "owner_tid", "-5"},
        {"locks", "type", "7"},
        {"locks", "managed", "null"},
        {"locks", "waits", "-1"},
        {"stacks", "id", "7"},
        {"stacks", "frames", "\"main\""},
        {"stacks", "frames", "[\"main\",null]"},
        {"stacks", "complete", "0"},
        {"threads", "name", "{}"},
        {"threads", "wait_ns", "1e3"},
    };
    _contention_ struct contention made = example();

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *json = contention_json(&made);
        json_t *object =
            rows[i].list ? json_array_get(json_object_get(json, rows[i].list), 0) : json;
        struct contention out, before;
        struct reason why = {""};

        memset(&out, 0x5a, sizeof(out));
        before = out;
        json_object_set_new(object, rows[i].field,
                            json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        assert_int_equal(contention_from_json(json, &out, &why), -EBADMSG);
        assert_memory_equal(&out, &before, sizeof(out));
        assert_non_null(strstr(why.text, "contention: "));
        json_decref(json);
    }
    assert_int_equal(contention_from_json(NULL, &made, NULL), -EBADMSG);
}

static void bounds_lists_and_texts(void **state)
{
    _contention_ struct contention made = example(), again = {0};
    json_t *json = contention_json(&made), *threads = json_object_get(json, "threads");
    json_t *stack = json_array_get(json_object_get(json, "stacks"), 0);
    char text[400];

    memset(text, 'a', sizeof(text));
    memcpy(text, "\033[2J", 4);
    text[sizeof(text) - 1] = 0;
    json_object_set_new(json, "name", json_string(text));
    json_array_set_new(json_object_get(stack, "frames"), 0, json_string(text));
    while (json_array_size(threads) < CONTENTION_LINES_MAX)
        json_array_append(threads, json_array_get(threads, 0));
    assert_int_equal(contention_from_json(json, &again, NULL), 0);
    assert_int_equal(strlen(again.name), CONTENTION_NAME_MAX - 1);
    assert_memory_equal(again.name, "?[2Jaaa", 7);
    assert_int_equal(strlen(again.lists[CONTENTION_BY_STACK].items[0].frames[0].text),
                     FRAME_TEXT_MAX - 1);
    assert_int_equal(again.lists[CONTENTION_BY_THREAD].count, CONTENTION_LINES_MAX);
    contention_free(&again);
    json_array_append(threads, json_array_get(threads, 0));
    assert_int_equal(contention_from_json(json, &again, NULL), -EBADMSG);
    json_array_remove(threads, 0);
    while (json_array_size(json_object_get(stack, "frames")) <= CONTENTION_FRAMES_MAX)
        json_array_append_new(json_object_get(stack, "frames"), json_string("x"));
    assert_int_equal(contention_from_json(json, &again, NULL), -EBADMSG);
    json_decref(json);
}

/* Whatever room there is: nothing is lost, nothing is there twice, and the order stays. */
static void in_parts(void **state)
{
    static const size_t rooms[] = {0, 1000, 3000, 40000, SIZE_MAX};
    _contention_ struct contention made = example();
    _free_ char *whole = NULL;

    for (size_t i = 0; i < 40; i++)
        add(&made, CONTENTION_BY_STACK,
            with_frames((struct contended){.key = 100 + i, .sum = {1, MS}}, 64, "Frame"));
    whole = text_of(&made);
    for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
        struct contention_place place = {0};
        struct contention again = {0};
        _free_ char *text = NULL;
        unsigned parts = 0;
        json_t *json;

        for (; (json = contention_part(&made, &place, rooms[i])); parts++) {
            _contention_ struct contention part = {0};

            if (rooms[i] >= 40000)
                assert_true(json_dumpb(json, NULL, 0, JSON_COMPACT) <= rooms[i]);
            assert_int_equal(contention_from_json(json, parts ? &part : &again, NULL), 0);
            if (parts)
                assert_int_equal(contention_append(&again, &part), 0);
            json_decref(json);
        }
        assert_true(rooms[i] == SIZE_MAX ? parts == 1 : parts > 0);
        assert_true(rooms[i] > 0 || parts == 46); /* a line each */
        text = text_of(&again);
        assert_string_equal(text, whole);
        contention_free(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes),
        cmocka_unit_test(says_the_same_again),
        cmocka_unit_test(large_numbers),
        cmocka_unit_test(refuses),
        cmocka_unit_test(bounds_lists_and_texts),
        cmocka_unit_test(in_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
