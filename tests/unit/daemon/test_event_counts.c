/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event_counts.h"
#include "util/clock.h"

#define SECOND (1000 * NS_PER_MS)

static const struct event_table table = {0x9000, 5, {{91, 1}, {81, 1}, {81, 2}, {0, 0}, {999, 0}}};
static const uint64_t events[] = {0x100, 0x200, 0x300, 0x400, 0x500};

/* Versions are one event; what no variable means, or one of which the id is not known, is other. */
static void named(void **state)
{
    static const struct event_sum sums[] = {{0x300, 5}, {0x200, 2}, {0x100, 7},
                                            {0x400, 1}, {0x500, 3}, {0x600, 10}};
    static const struct event_count expected[] = {{0, 11}, {81, 7}, {91, 7}, {999, 3}};
    struct event_counts counts = {0};

    event_counts_take(&counts, &table, events, sums, ARRAY_SIZE(sums), SECOND);
    assert_int_equal(counts.total, 28);
    assert_int_equal(counts.count, ARRAY_SIZE(expected));
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_int_equal(counts.items[i].id, expected[i].id);
        assert_int_equal(counts.items[i].written, expected[i].written);
    }
}

static void names(void **state)
{
    assert_string_equal(event_count_name(0), "other");
    assert_string_equal(event_count_name(81), "ContentionStart");
    assert_string_equal(event_count_name(9999), "event 9999");
}

/* All that there can be, of distinct ids, and one more. */
static void full(void **state)
{
    static struct event_table all = {.count = EVENTS_MAX};
    static uint64_t addresses[EVENTS_MAX];
    static struct event_sum sums[EVENTS_MAX + 1];
    static struct event_counts counts;

    for (uint16_t i = 0; i < EVENTS_MAX; i++) {
        all.items[i].id = (uint16_t)(EVENTS_MAX - i);
        addresses[i] = 0x1000 + i;
        sums[i] = (struct event_sum){addresses[i], 1};
    }
    sums[EVENTS_MAX] = (struct event_sum){1, 1};
    event_counts_take(&counts, &all, addresses, sums, EVENTS_MAX + 1, SECOND);
    assert_int_equal(counts.count, EVENT_COUNTS_MAX);
    assert_int_equal(counts.total, EVENT_COUNTS_MAX);
    for (uint16_t i = 0; i < EVENT_COUNTS_MAX; i++)
        assert_int_equal(counts.items[i].id, i);
}

static void take(struct event_counts *counts, uint64_t written, uint64_t now)
{
    struct event_sum sum = {0x100, written};

    event_counts_take(counts, &table, events, &sum, 1, now);
}

static void rate(void **state)
{
    struct event_counts counts = {0};

    take(&counts, 10, 5 * SECOND);
    assert_false(counts.rate_known);
    take(&counts, 20, 5 * SECOND + 1); /* too soon to say */
    assert_false(counts.rate_known);
    take(&counts, 510, 10 * SECOND);
    assert_true(counts.rate_known);
    assert_float_equal(counts.per_second, 100, 1e-9);
    take(&counts, 9999, 10 * SECOND + 1);
    assert_float_equal(counts.per_second, 100, 1e-9);
    assert_int_equal(counts.total, 9999);
    take(&counts, 9999, 20 * SECOND);
    assert_float_equal(counts.per_second, 948.9, 1e-9);
    take(&counts, 5, 21 * SECOND); /* counted anew: another program, or the family was off */
    assert_false(counts.rate_known);
    take(&counts, 25, 23 * SECOND);
    assert_float_equal(counts.per_second, 10, 1e-9);
    event_counts_pause(&counts);
    assert_false(counts.rate_known);
    take(&counts, 1000, 60 * SECOND);
    assert_false(counts.rate_known);
    assert_int_equal(counts.total, 1000);
}

static void json(void **state)
{
    struct event_counts counts = {0};
    json_t *json;

    take(&counts, 1000, SECOND);
    json = event_counts_json(&counts);
    assert_int_equal(json_integer_value(json_object_get(json, "total")), 1000);
    assert_float_equal(json_real_value(json_object_get(json, "cost_seconds")),
                       (double)event_counts_cost_ns(1000) / 1e9, 1e-12);
    assert_true(json_is_null(json_object_get(json, "per_second")));
    assert_true(json_is_null(json_object_get(json, "cost_share")));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(json, "events"), "ContentionStop")),
        1000);
    json_decref(json);
    take(&counts, 2000, 2 * SECOND);
    json = event_counts_json(&counts);
    assert_float_equal(json_real_value(json_object_get(json, "per_second")), 1000, 1e-9);
    assert_float_equal(json_real_value(json_object_get(json, "cost_share")),
                       (double)event_counts_cost_ns(1000) / 1e9, 1e-12);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named), cmocka_unit_test(names), cmocka_unit_test(full),
        cmocka_unit_test(rate),  cmocka_unit_test(json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
