/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diagnostics/nettrace.h"

#include "stream.h"

#define SEEN_MAX 32

static struct {
    size_t count;
    struct nettrace_event events[SEEN_MAX];
    uint64_t first_frame[SEEN_MAX];
    uint8_t first_byte[SEEN_MAX];
    char provider[SEEN_MAX][NETTRACE_PROVIDER_MAX];
    int answer;
} seen;

static int see(void *data, const struct nettrace_event *event, struct reason *why)
{
    size_t i = seen.count++;

    assert_true(i < SEEN_MAX);
    seen.events[i] = *event;
    seen.first_frame[i] = event->frame_count ? event->stack[0] : 0;
    seen.first_byte[i] = event->payload_size ? event->payload[0] : 0;
    strcpy(seen.provider[i], event->provider);
    return seen.answer ? reason_set(why, seen.answer, "enough") : 0;
}

static struct nettrace *begin_reading(void)
{
    struct nettrace *nettrace;

    memset(&seen, 0, sizeof(seen));
    assert_int_equal(nettrace_new(&nettrace, see, NULL), 0);
    return nettrace;
}

/* In pieces of @step bytes. */
static int push(struct nettrace *nettrace, const struct stream *stream, size_t step,
                struct reason *why)
{
    int error = 0;

    for (size_t at = 0; error == 0 && at < stream->size; at += step)
        error = nettrace_push(nettrace, stream->bytes + at,
                              stream->size - at < step ? stream->size - at : step, why);
    return error;
}

static const uint64_t stacks[] = {0x7f01, 0x7f02, 0x7f03};

static const struct built_event first = {
    .kind = 1, .sequence = 1, .stack = 5, .thread = 300, .time = 2000, .payload = "abc", .size = 3};
static const struct built_event second = {.kind = 2,
                                          .sequence = 2,
                                          .stack = 6,
                                          .thread = 300,
                                          .time = 1500,
                                          .payload = "defgh",
                                          .size = 5};
static const struct built_event none;

static void put_kinds_and_stacks(struct stream *to)
{
    begin_events(to, "MetadataBlock", true);
    put_kind(to, 1, "Provider-One", 81, 2);
    put_kind(to, 2, "Provider-Two", 91, 1);
    end_block(to);
    put_stack_header(to, 5, 2);
    put_stack(to, stacks, 2);
    put_stack(to, &stacks[2], 1);
    end_block(to);
}

static void whole_stream(struct stream *to, bool compressed)
{
    *to = (struct stream){0};
    put_start(to);
    put_trace(to, 4, 500000000, 8);
    put_kinds_and_stacks(to);
    begin_events(to, "EventBlock", compressed);
    if (compressed) {
        put_compressed(to, &first, &none);
        put_compressed(to, &second, &first);
        put(to, "\0\x01zyxwv", 7); /* all as before, one tick later */
    } else {
        put_plain(to, &first);
        put_plain(to, &second);
    }
    end_block(to);
    put(to, "\1", 1);
}

static void check_whole(bool compressed)
{
    assert_int_equal(seen.count, compressed ? 3 : 2);
    assert_string_equal(seen.provider[0], "Provider-One");
    assert_int_equal(seen.events[0].id, 81);
    assert_int_equal(seen.events[0].version, 2);
    assert_int_equal(seen.events[0].thread, 300);
    assert_int_equal(seen.events[0].time_ns, 4000);
    assert_int_equal(seen.events[0].payload_size, 3);
    assert_int_equal(seen.first_byte[0], 'a');
    assert_int_equal(seen.events[0].frame_count, 2);
    assert_int_equal(seen.first_frame[0], 0x7f01);
    assert_string_equal(seen.provider[1], "Provider-Two");
    assert_int_equal(seen.events[1].id, 91);
    assert_int_equal(seen.events[1].time_ns, 3000);
    assert_int_equal(seen.first_byte[1], 'd');
    assert_int_equal(seen.first_frame[1], 0x7f03);
    if (!compressed)
        return;
    assert_int_equal(seen.events[2].id, 91);
    assert_int_equal(seen.events[2].time_ns, 3002);
    assert_int_equal(seen.first_byte[2], 'z');
    assert_int_equal(seen.first_frame[2], 0x7f03);
}

static void events_of_a_stream(void **state)
{
    static const size_t steps[] = {STREAM_MAX, 1, 7, 64};
    static struct stream stream;

    for (size_t i = 0; i < 2 * ARRAY_SIZE(steps); i++) {
        struct nettrace *nettrace = begin_reading();

        whole_stream(&stream, i % 2);
        assert_int_equal(push(nettrace, &stream, steps[i / 2], NULL), 0);
        check_whole(i % 2);
        assert_true(nettrace_ended(nettrace));
        assert_int_equal(nettrace_counts(nettrace).lost, 0);
        assert_int_equal(nettrace_counts(nettrace).missing_stacks, 0);
        nettrace_free(&nettrace);
        assert_null(nettrace);
    }
}

/* Cut anywhere, there is no error and no end; what came whole has been seen. */
static void a_stream_that_stops(void **state)
{
    static struct stream stream;

    whole_stream(&stream, true);
    stream.size--;
    for (; stream.size > 0; stream.size--) {
        struct nettrace *nettrace = begin_reading();

        assert_int_equal(push(nettrace, &stream, STREAM_MAX, NULL), 0);
        assert_false(nettrace_ended(nettrace));
        nettrace_free(&nettrace);
    }
}

static void put_event(struct stream *to, uint32_t sequence, uint64_t thread, uint32_t stack)
{
    struct built_event event = first;

    event.sequence = sequence;
    event.thread = thread;
    event.stack = stack;
    begin_events(to, "EventBlock", false);
    put_plain(to, &event);
    end_block(to);
}

static void put_point(struct stream *to, uint64_t thread, uint32_t sequence)
{
    begin_block(to, "SPBlock");
    put_number(to, 5000, 8);
    put_number(to, 1, 4);
    put_number(to, thread, 8);
    put_number(to, sequence, 4);
    end_block(to);
}

static void gaps_are_lost_events(void **state)
{
    struct nettrace *nettrace = begin_reading();
    static struct stream stream;

    put_start(&stream);
    put_trace(&stream, 4, 1000000000, 8);
    put_kinds_and_stacks(&stream);
    put_event(&stream, 1, 300, 5);
    put_event(&stream, 4, 300, 5);  /* 2 and 3 */
    put_event(&stream, 3, 400, 6);  /* 1 and 2 of another */
    put_event(&stream, 1, 300, 99); /* a thread of the same number; an unknown stack */
    put_point(&stream, 300, 3);     /* 2 and 3 */
    put_point(&stream, 300, 2);     /* a lower bound: nothing */
    put_event(&stream, 4, 300, 5);  /* forgotten by the sequence point */
    put_event(&stream, 5, 300, 0);  /* none, which is none missing */
    assert_int_equal(push(nettrace, &stream, STREAM_MAX, NULL), 0);
    assert_int_equal(seen.count, 6);
    assert_int_equal(nettrace_counts(nettrace).events, 6);
    assert_int_equal(nettrace_counts(nettrace).lost, 6);
    assert_int_equal(nettrace_counts(nettrace).missing_stacks, 2);
    assert_int_equal(seen.events[4].frame_count, 0);
    nettrace_free(&nettrace);
}

static void stream_until_trace(struct stream *to)
{
    put_start(to);
    put_trace(to, 4, 1000000000, 8);
}

static void other_start(struct stream *to)
{
    put(to, "Nettrack", 8);
}

static void version_6(struct stream *to)
{
    put(to, "Nettrace\0\0\0\0\6\0\0\0", 16);
}

static void trace_of_version_6(struct stream *to)
{
    put_start(to);
    put_trace(to, 6, 1000000000, 8);
}

static void no_frequency(struct stream *to)
{
    put_start(to);
    put_trace(to, 4, 0, 8);
}

static void odd_pointers(struct stream *to)
{
    put_start(to);
    put_trace(to, 4, 1000000000, 5);
}

static void no_object(struct stream *to)
{
    stream_until_trace(to);
    put(to, "\7\7\7", 3);
}

static void unknown_object(struct stream *to)
{
    stream_until_trace(to);
    put_type(to, "Surprise", 2);
}

static void long_name(struct stream *to)
{
    stream_until_trace(to);
    put(to, "\5\5\1\2\0\0\0\2\0\0\0\xff\xff\xff\xff", 15);
}

static void block_before_trace(struct stream *to)
{
    put_start(to);
    put_type(to, "EventBlock", 2);
}

static void second_trace(struct stream *to)
{
    stream_until_trace(to);
    put_trace(to, 4, 1000000000, 8);
}

static void huge_block(struct stream *to)
{
    stream_until_trace(to);
    put_type(to, "EventBlock", 2);
    put_number(to, NETTRACE_BLOCK_MAX + 1, 4);
}

static void endless_block(struct stream *to)
{
    stream_until_trace(to);
    begin_events(to, "EventBlock", true);
    end_block(to);
    to->bytes[to->size - 1] = 5;
}

static void short_block(struct stream *to)
{
    stream_until_trace(to);
    begin_block(to, "EventBlock");
    put_number(to, 20, 2);
    end_block(to);
}

static void header_beyond_block(struct stream *to)
{
    stream_until_trace(to);
    begin_block(to, "EventBlock");
    put_number(to, 0xffff, 2);
    put_number(to, 1, 2);
    end_block(to);
}

static void event_beyond_block(struct stream *to)
{
    stream_until_trace(to);
    begin_events(to, "EventBlock", true);
    put(to, "\x80\0\x7f", 3);
    end_block(to);
}

static void endless_number(struct stream *to)
{
    stream_until_trace(to);
    begin_events(to, "EventBlock", true);
    put(to, "\1\xff\xff\xff\xff\x7f\0", 7);
    end_block(to);
}

static void plain_beyond_block(struct stream *to)
{
    stream_until_trace(to);
    begin_events(to, "EventBlock", false);
    put_plain(to, &first);
    end_block(to);
    to->bytes[(to->block + 7) / 4 * 4 + 20] = 0xff;
}

static void event_of_no_kind(struct stream *to)
{
    stream_until_trace(to);
    begin_events(to, "EventBlock", true);
    put_compressed(to, &first, &none);
    end_block(to);
}

static void kind_zero(struct stream *to)
{
    stream_until_trace(to);
    begin_events(to, "MetadataBlock", true);
    put_kind(to, 0, "Provider", 1, 1);
    end_block(to);
}

static void too_many_kinds(struct stream *to)
{
    stream_until_trace(to);
    begin_events(to, "MetadataBlock", true);
    put_kind(to, NETTRACE_KINDS_MAX, "Provider", 1, 1);
    end_block(to);
}

static void endless_provider(struct stream *to)
{
    stream_until_trace(to);
    begin_events(to, "MetadataBlock", true);
    put(to, "\x80\0\6\1\0\0\0xx", 9);
    end_block(to);
}

static void stack_beyond_block(struct stream *to)
{
    stream_until_trace(to);
    put_stack_header(to, 1, 2);
    put_stack(to, stacks, 2);
    end_block(to);
}

static void point_beyond_block(struct stream *to)
{
    stream_until_trace(to);
    begin_block(to, "SPBlock");
    put_number(to, 5000, 8);
    put_number(to, 0x10000000, 4);
    end_block(to);
}

static void more_after_the_end(struct stream *to)
{
    stream_until_trace(to);
    put(to, "\1\1", 2);
}

static void garbage_has_a_reason(void **state)
{
    static const struct {
        void (*build)(struct stream *to);
        int error;
        const char *text;
    } table[] = {
        {other_start, -EBADMSG, "no nettrace stream: another start at byte 0"},
        {version_6, -EPROTONOSUPPORT, "the stream is of format 6 or later"},
        {trace_of_version_6, -EPROTONOSUPPORT, "the stream is of format 6, and only 4 and 5"},
        {no_frequency, -EBADMSG, "a clock that stands still at byte 53"},
        {odd_pointers, -EBADMSG, "pointers of an odd size at byte 53"},
        {no_object, -EBADMSG, "no object at byte 102"},
        {unknown_object, -EBADMSG, "an object of an unknown type at byte 102"},
        {long_name, -EBADMSG, "an object of an unknown type at byte 102"},
        {block_before_trace, -EBADMSG, "an object out of its order at byte 32"},
        {second_trace, -EBADMSG, "an object out of its order at byte 102"},
        {huge_block, -EBADMSG, "a block of an impossible size at byte 128"},
        {endless_block, -EBADMSG, "an object without an end"},
        {short_block, -EBADMSG, "a block's header that is cut off at byte 132"},
        {header_beyond_block, -EBADMSG, "a block's header that is cut off at byte 132"},
        {event_beyond_block, -EBADMSG, "an event that is cut off at byte 152"},
        {endless_number, -EBADMSG, "an event that is cut off at byte 152"},
        {plain_beyond_block, -EBADMSG, "an event that is cut off at byte 152"},
        {event_of_no_kind, -EBADMSG, "an event of a kind that nothing describes"},
        {kind_zero, -EBADMSG, "metadata without a number"},
        {too_many_kinds, -E2BIG, "more than 65536 kinds of events"},
        {endless_provider, -EBADMSG, "metadata that is cut off"},
        {stack_beyond_block, -EBADMSG, "a stack that is cut off"},
        {point_beyond_block, -EBADMSG, "a sequence point that is cut off"},
        {more_after_the_end, -EBADMSG, "more after the end at byte 103"},
    };
    static struct stream stream;

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct nettrace *nettrace = begin_reading();
        struct reason why = {.text = ""}, again = {.text = ""};

        stream = (struct stream){0};
        table[i].build(&stream);
        assert_int_equal(push(nettrace, &stream, i % 2 ? 1 : STREAM_MAX, &why), table[i].error);
        if (!strstr(why.text, table[i].text))
            fail_msg("'%s' is not '%s'", why.text, table[i].text);
        assert_int_equal(nettrace_push(nettrace, "", 1, &again), table[i].error);
        assert_string_equal(again.text, why.text);
        nettrace_free(&nettrace);
    }
}

static void the_taker_ends_it(void **state)
{
    struct nettrace *nettrace = begin_reading();
    static struct stream stream;
    struct reason why;

    seen.answer = -ECANCELED;
    whole_stream(&stream, true);
    assert_int_equal(push(nettrace, &stream, STREAM_MAX, &why), -ECANCELED);
    assert_string_equal(why.text, "enough");
    assert_int_equal(seen.count, 1);
    nettrace_free(&nettrace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_a_stream),   cmocka_unit_test(a_stream_that_stops),
        cmocka_unit_test(gaps_are_lost_events), cmocka_unit_test(garbage_has_a_reason),
        cmocka_unit_test(the_taker_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
