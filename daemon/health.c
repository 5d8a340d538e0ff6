/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <time.h>

#include "util/text.h"
#include "util/timestamp.h"

#define FAMILY_TROUBLE_MAX 128 /* a packet has room for those of all images */

static const char *const watching_names[] = {
    [WATCHING_PROBES] = "probes",
    [WATCHING_POLLING] = "polling",
};

const char *const health_loss_names[ABI_LOSS_MAX] = {
    [ABI_LOSS_RING_FULL] = "ring_full",
    [ABI_LOSS_READ] = "read",
    [ABI_LOSS_WAITS_FULL] = "waits_full",
    [ABI_LOSS_UNPAIRED] = "unpaired",
    [ABI_LOSS_ABANDONED] = "abandoned",
    [ABI_LOSS_WAITERS] = "waiters",
    [ABI_LOSS_PROCESSES] = "processes",
    [ABI_LOSS_STACK] = "stack",
    [ABI_LOSS_SUMS] = "sums",
    [ABI_LOSS_OWNER] = "owner",
};

const char *const health_hit_names[ABI_HIT_MAX] = {
    [ABI_HIT_GC_CONTROL] = "gc_control",
    [ABI_HIT_PROVIDER] = "provider",
    [ABI_HIT_EXEC] = "exec",
    [ABI_HIT_EXIT] = "exit",
    [ABI_HIT_FORK] = "fork",
    [ABI_HIT_LOCK_ENTER] = "lock_enter",
    [ABI_HIT_LOCK_EXIT] = "lock_exit",
    [ABI_HIT_WAIT_ENTER] = "wait_enter",
    [ABI_HIT_WAIT_EXIT] = "wait_exit",
    [ABI_HIT_EVENT_WRITE] = "event_write",
};

const char *watching_name(enum watching watching)
{
    return watching_names[watching];
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *encode_time(int64_t time_us)
{
    char text[TIMESTAMP_TEXT_MAX];

    timestamp_format(time_us, text);
    return json_string(text);
}

static json_t *encode_counts(const char *const *names, const abi_u64 *counts, size_t count)
{
    json_t *all = json_object();

    for (size_t i = 0; i < count; i++)
        json_object_set_new(all, names[i], json_integer((json_int_t)counts[i]));
    return all;
}

/* Those that the image's own "probes" and "trouble" do not tell of. */
static json_t *encode_families_of(const struct health_image *image)
{
    json_t *all = json_object();

    for (enum probe_family i = PROBES_GC + 1; i < PROBES_FAMILY_MAX; i++) {
        char trouble[FAMILY_TROUBLE_MAX];

        text_copy(trouble, sizeof(trouble), image->families[i].trouble.text);
        text_printable(trouble);
        json_object_set_new(all, probe_family_name(i),
                            json_pack("{s:i, s:o}", "probes", (int)image->families[i].probes,
                                      "trouble", text_or_null(trouble)));
    }
    return all;
}

static json_t *encode_families(const struct health *health)
{
    json_t *all = json_object();

    for (enum probe_family i = 0; i < PROBES_FAMILY_MAX; i++)
        json_object_set_new(all, probe_family_name(i), json_boolean(health->family_is_on[i]));
    return all;
}

static json_t *encode_image(const struct health_image *image)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:s, s:i, s:i, s:o, s:o}", "number",
                     (json_int_t)image->number, "path", text_or_null(image->path), "version",
                     text_or_null(image->version), "build_id", text_or_null(image->build_id),
                     "source", source_name(image->source), "probes", (int)image->probes,
                     "processes", (int)image->processes, "trouble",
                     text_or_null(image->trouble.text), "families", encode_families_of(image));
}

static json_t *encode_images(const struct health *health)
{
    json_t *all = json_array();

    for (size_t i = 0; i < health->image_count; i++)
        json_array_append_new(all, encode_image(&health->images[i]));
    return all;
}

static json_t *encode_cost(const struct health *health)
{
    uint64_t hits = 0;

    for (size_t i = 0; i < ABI_HIT_MAX; i++)
        hits += health->counters.hits[i];
    return json_pack("{s:f, s:f}", "seconds_per_hit", (double)health->cost_ns_per_hit / 1e9,
                     "seconds", (double)hits * (double)health->cost_ns_per_hit / 1e9);
}

static json_t *encode_resets(const struct health *health)
{
    json_t *all = json_pack("{s:s, s:i}", "setting", health->auto_reset ? "leaked" : "off",
                            "under_way", (int)health->resets_under_way);

    for (enum reset_outcome i = 0; i < OUTCOME_MAX; i++)
        json_object_set_new(all, reset_outcome_name(i),
                            json_integer((json_int_t)health->resets[i]));
    return all;
}

static void encode_time_and_uptime(json_t *to, int64_t started_us)
{
    struct timespec now;
    int64_t now_us;

    clock_gettime(CLOCK_REALTIME, &now);
    now_us = now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
    json_object_set_new(to, "time", encode_time(now_us));
    json_object_set_new(to, "started", encode_time(started_us));
    json_object_set_new(to, "uptime_seconds",
                        json_real(now_us > started_us ? (double)(now_us - started_us) / 1e6 : 0));
}

json_t *health_json(const struct health *health)
{
    const struct abi_counters *counters = &health->counters;
    json_t *status =
        json_pack("{s:s, s:s}", "schema", "clrmon.status/1", "version", CLRMON_VERSION);

    encode_time_and_uptime(status, health->started_us);
    json_object_set_new(status, "watching",
                        json_pack("{s:s, s:o, s:f}", "by", watching_name(health->watching),
                                  "reason", text_or_null(health->watching_why.text), "poll_seconds",
                                  (double)health->poll_ms / 1e3));
    json_object_set_new(status, "families", encode_families(health));
    json_object_set_new(status, "images", encode_images(health));
    json_object_set_new(status, "more_images", json_integer((json_int_t)health->more_images));
    json_object_set_new(
        status, "records",
        json_pack("{s:I, s:o}", "received", (json_int_t)health->records, "lost",
                  encode_counts(health_loss_names, counters->losses, ABI_LOSS_MAX)));
    json_object_set_new(status, "hits",
                        encode_counts(health_hit_names, counters->hits, ABI_HIT_MAX));
    json_object_set_new(status, "cost", encode_cost(health));
    json_object_set_new(status, "events", json_integer((json_int_t)health->events));
    json_object_set_new(status, "history",
                        json_pack("{s:I, s:I, s:o}", "bytes", (json_int_t)health->history_bytes,
                                  "dropped", (json_int_t)health->history_dropped, "trouble",
                                  text_or_null(health->history_trouble.text)));
    json_object_set_new(status, "auto_reset", encode_resets(health));
    json_object_set_new(status, "clients",
                        json_pack("{s:I, s:I}", "connected", (json_int_t)health->clients, "dropped",
                                  (json_int_t)health->client_drops));
    json_object_set_new(
        status, "loop",
        json_pack("{s:f}", "longest_seconds", (double)health->loop_longest_ns / 1e9));
    json_object_set_new(status, "process",
                        json_pack("{s:I, s:f}", "resident_bytes",
                                  (json_int_t)health->resident_bytes, "cpu_seconds",
                                  (double)health->cpu_ns / 1e9));
    return status;
}
