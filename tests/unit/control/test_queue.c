/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "control/queue.h"

static struct packet *make(uint64_t id)
{
    struct packet *packet = packet_new(&(struct control_answer){.type = CONTROL_END}, id);

    assert_non_null(packet);
    return packet;
}

static void keeps_order_and_bound(void **state)
{
    static struct queue queue;
    struct packet *more;
    uint64_t next = 1, expected = 1;

    assert_null(queue_pop(&queue));
    for (int round = 0; round < 3; round++) { /* the ring wraps */
        while (queue.count < QUEUE_PACKETS_MAX)
            assert_true(queue_push(&queue, make(next++)));
        more = make(0);
        assert_false(queue_push(&queue, more));
        packet_release(&more);
        for (int i = 0; i < 100; i++) {
            struct packet *packet = queue_pop(&queue);

            assert_int_equal(packet->id, expected++);
            packet_release(&packet);
        }
    }
    queue_clear(&queue);
    assert_int_equal(queue.count, 0);
    assert_int_equal(queue.bytes, 0);
}

static void bounds_bytes(void **state)
{
    static struct queue queue;
    _free_ char *text = calloc(1, 100001);
    struct control_answer answer = {.type = CONTROL_ITEM};
    struct packet *packet;
    size_t pushed = 0;

    memset(text, 'a', 100000);
    answer.item = json_pack("{s:s}", "text", text);
    while ((packet = packet_new(&answer, 0)) && queue_push(&queue, packet))
        pushed++;
    packet_release(&packet);
    assert_int_equal(pushed, QUEUE_BYTES_MAX / 100000);
    assert_true(queue.bytes <= QUEUE_BYTES_MAX);
    assert_true(queue_has_room(&queue, QUEUE_BYTES_MAX - queue.bytes));
    assert_false(queue_has_room(&queue, QUEUE_BYTES_MAX - queue.bytes + 1));
    queue_clear(&queue);
    json_decref(answer.item);
}

static void shares_packets(void **state)
{
    static struct queue first, second;
    struct packet *packet = make(7);

    assert_true(queue_push(&first, packet_take(packet)));
    assert_true(queue_push(&second, packet_take(packet)));
    packet_release(&packet);
    assert_null(packet);
    queue_clear(&first);
    assert_int_equal(queue_peek(&second)->id, 7);
    queue_clear(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_bound),
        cmocka_unit_test(bounds_bytes),
        cmocka_unit_test(shares_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
