/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "health.h"

static json_t *at(json_t *object, const char *path)
{
    _free_ char *copy = strdup(path);
    char *rest = copy, *name;

    while ((name = strsep(&rest, "/")))
        object = json_is_array(object) ? json_array_get(object, (size_t)atoi(name))
                                       : json_object_get(object, name);
    assert_non_null(object);
    return object;
}

static void tells_all(void **state)
{
    static struct health health = {
        .started_us = 1000000,
        .watching = WATCHING_POLLING,
        .watching_why = {"no BPF: Operation not permitted"},
        .poll_ms = 5000,
        .counters = {.losses = {3, 4, 5}, .hits = {10, 20, 30, 40, 50, 60}},
        .records = 100,
        .cost_ns_per_hit = 2000,
        .events = 7,
        .history_dropped = 8,
        .history_trouble = {"the disk is full"},
        .history_bytes = UINT64_C(1) << 40,
        .auto_reset = true,
        .resets_under_way = 1,
        .resets = {11, 12, 13},
        .clients = 2,
        .client_drops = 9,
        .loop_longest_ns = 1500000,
        .resident_bytes = 20000000,
        .cpu_ns = 2500000000,
        .image_count = 2,
        .more_images = 1,
        .images = {{.number = 5,
                    .path = "/usr/lib/libcoreclr.so",
                    .build_id = "0123",
                    .version = "8.0.11",
                    .source = SOURCE_STRUCTURE,
                    .probes = 9,
                    .processes = 3,
                    .families = {[PROBES_CONTENTION] = {.probes = 3}}},
                   {.number = 6, .trouble = {"not an image"}}},
        .family_is_on = {[PROBES_GC] = true},
    };
    static const struct {
        const char *path, *text;
    } texts[] = {
        {"schema", "clrmon.status/1"},
        {"started", "1970-01-01T00:00:01.000000Z"},
        {"watching/by", "polling"},
        {"watching/reason", "no BPF: Operation not permitted"},
        {"images/0/path", "/usr/lib/libcoreclr.so"},
        {"images/0/version", "8.0.11"},
        {"images/0/build_id", "0123"},
        {"images/0/source", "structure"},
        {"images/1/trouble", "not an image"},
        {"history/trouble", "the disk is full"},
        {"auto_reset/setting", "leaked"},
    };
    static const struct {
        const char *path;
        double number;
    } numbers[] = {
        {"watching/poll_seconds", 5},
        {"images/0/number", 5},
        {"images/0/probes", 9},
        {"images/0/families/contention/probes", 3},
        {"images/0/processes", 3},
        {"more_images", 1},
        {"records/received", 100},
        {"records/lost/ring_full", 3},
        {"records/lost/read", 4},
        {"hits/gc_control", 10},
        {"hits/fork", 50},
        {"hits/lock_enter", 60},
        {"records/lost/waits_full", 5},
        {"cost/seconds", 0.00042},
        {"events", 7},
        {"history/bytes", 1099511627776},
        {"history/dropped", 8},
        {"auto_reset/under_way", 1},
        {"auto_reset/put_back", 11},
        {"auto_reset/refused", 12},
        {"auto_reset/failed", 13},
        {"clients/connected", 2},
        {"clients/dropped", 9},
        {"loop/longest_seconds", 0.0015},
        {"process/resident_bytes", 20000000},
        {"process/cpu_seconds", 2.5},
    };
    json_t *status = health_json(&health);

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_string_equal(json_string_value(at(status, texts[i].path)), texts[i].text);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        assert_float_equal(json_number_value(at(status, numbers[i].path)), numbers[i].number, 1e-9);
    assert_true(json_is_null(at(status, "images/0/trouble")));
    assert_true(json_is_true(at(status, "families/gc")));
    assert_true(json_is_false(at(status, "families/managed_locks")));
    assert_true(json_is_null(at(status, "images/1/path")));
    assert_true(json_number_value(at(status, "uptime_seconds")) > 1e9);
    json_decref(status);
}

/* Sixty-four images, as long as can be: an answer is one packet. */
static void fits_a_packet(void **state)
{
    static struct health health = {.image_count = HEALTH_IMAGES_MAX};
    json_t *status;

    for (size_t i = 0; i < HEALTH_IMAGES_MAX; i++) {
        struct health_image *image = &health.images[i];

        memset(image->path, '"', sizeof(image->path) - 1);
        memset(image->build_id, 'b', sizeof(image->build_id) - 1);
        memset(image->version, 'v', sizeof(image->version) - 1);
        memset(image->trouble.text, '\\', sizeof(image->trouble.text) - 1);
        for (size_t family = 0; family < PROBES_FAMILY_MAX; family++)
            image->families[family].trouble = image->trouble;
    }
    status = health_json(&health);
    assert_true(json_dumpb(status, NULL, 0, JSON_COMPACT) < 128 * 1024 - 100);
    json_decref(status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_all),
        cmocka_unit_test(fits_a_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
