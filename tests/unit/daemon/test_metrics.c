/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "metrics.h"
#include "util/text.h"

#define SECOND 1000000000ULL

static struct observation seen; /* too large for a stack */
static struct judgement judged;

static void ignore(void *context, const struct event *event)
{
}

static struct stored_process *add(struct store *store, pid_t pid, const char *name,
                                  const char *version, enum verdict verdict)
{
    struct target target = {.process.pid = pid, .process.start_time = 1};
    struct stored_process *stored = NULL;

    text_copy(target.process.name, sizeof(target.process.name), name);
    text_copy(target.runtime.version, sizeof(target.runtime.version), version);
    judged.verdict = verdict;
    assert_int_equal(store_observe(store, &target, &seen, &judged, false, 5 * SECOND, &stored), 0);
    return stored;
}

static char *render(const struct store *store, uint64_t now, enum exposition_format format)
{
    static const struct health nothing;
    char *text = NULL;
    size_t size = 0;

    assert_int_equal(
        metrics_render(&(struct metrics_source){.store = store, .health = &nothing, .now = now},
                       format, &text, &size, NULL),
        0);
    assert_int_equal(strlen(text), size);
    return text;
}

/* Every number that can be mixed up with another one is its own. */
static void fill(struct health *health)
{
    *health = (struct health){
        .started_us = 1764000000123456,
        .watching = WATCHING_POLLING,
        .counters = {.losses = {2, 3, 5}, .hits = {5, 7, 11, 13, 17, 19}},
        .records = 19,
        .cost_ns_per_hit = 1000,
        .events = 23,
        .history_dropped = 29,
        .resets = {59, 61, 67},
        .history_bytes = 31,
        .clients = 37,
        .client_drops = 41,
        .loop_longest_ns = 43,
        .resident_bytes = 47,
        .cpu_ns = 53 * SECOND,
        .images = {{.probes = 3}, {.probes = 4, .trouble = {"no"}}, {.probes = 5}},
        .image_count = 3,
        .more_images = 2,
        .family_is_on = {[PROBES_CONTENTION] = true},
    };
}

static void fill_store(struct store *store)
{
    struct stored_process *stored = add(store, 4711, "dot\"net\\", "8.0.11", VERDICT_LEAKED);

    memset(stored->process.container, 'a', sizeof(stored->process.container) - 1);
    stored->gc_known = true;
    stored->gc_stale = false;
    stored->gc = (struct gc_state){{5, 0x1}, {4, 0x80000000}};
    stored->sessions_known = true;
    stored->sessions = 2;
    stored->oldest_session_us = 1795501800250000;
    stored->verbose_ns = SECOND / 2;
    for (size_t i = 0; i < CAUSE_MAX; i++)
        stored->changes[i] = 100 + i;
    stored->events = calloc(1, sizeof(*stored->events));
    assert_non_null(stored->events);
    *stored->events = (struct event_counts){.items = {{0, 67}, {81, 71}}, .count = 2, .total = 138};
    add(store, 12, "x", "", VERDICT_UNKNOWN);
}

/* In order of pid; the first's probes are off, the last is none that is known. */
static const struct contention contentions[] = {
    {.pid = 12},
    {.pid = 4711,
     .is_on = true,
     .sum = {12, 18 * SECOND + 5},
     .waiters = 61,
     .histogram = {[0] = 1, [4] = 2, [10] = 3, [11] = 2, [24] = 1, [31] = 3}},
    {.pid = 4712, .is_on = true, .sum = {5, 5}},
};

/* In tests/, where CMake runs it. The last sample has the version of the build. */
static void read_golden(char *text, size_t size)
{
    _fclose_ FILE *file = fopen("unit/daemon/metrics.txt", "re");

    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    assert_true(feof(file));
}

static void whole_text(void **state)
{
    struct store *store = NULL;
    struct health health;
    _free_ char *text = NULL;
    char golden[32768], *last;
    size_t size = 0;

    fill(&health);
    read_golden(golden, sizeof(golden));
    assert_int_equal(store_new(&store, ignore, NULL), 0);
    fill_store(store);
    assert_int_equal(metrics_render(&(struct metrics_source){.store = store,
                                                             .health = &health,
                                                             .contentions = contentions,
                                                             .contention_count = 3,
                                                             .now = 8 * SECOND},
                                    EXPOSITION_TEXT, &text, &size, NULL),
                     0);
    store_free(&store);
    last = strstr(text, "clrmon_build_info{");
    assert_non_null(last);
    assert_string_equal(last, "clrmon_build_info{version=\"" CLRMON_VERSION "\"} 1\n");
    *last = '\0';
    assert_string_equal(text, golden);
}

static void skip_heads(const char **line)
{
    while (**line == '#')
        *line = strchr(*line, '\n') + 1;
}

static void both_formats_have_the_same_samples(void **state)
{
    struct store *store = NULL;
    _free_ char *text = NULL, *openmetrics = NULL;
    const char *a, *b;

    assert_int_equal(store_new(&store, ignore, NULL), 0);
    fill_store(store);
    a = text = render(store, 0, EXPOSITION_TEXT);
    b = openmetrics = render(store, 0, EXPOSITION_OPENMETRICS);
    for (skip_heads(&a), skip_heads(&b); *a; skip_heads(&a), skip_heads(&b)) {
        size_t length = strcspn(a, "\n") + 1;

        assert_memory_equal(a, b, length);
        a += length;
        b += length;
    }
    assert_string_equal(b, "");
    assert_true(text_ends_with(openmetrics, "\n# EOF\n"));
    store_free(&store);
}

static void series_end_with_their_process(void **state)
{
    struct store *store = NULL;
    _free_ char *with = NULL, *without = NULL;

    assert_int_equal(store_new(&store, ignore, NULL), 0);
    add(store, 1, "a", "10.0.0", VERDICT_OFF);
    add(store, 2, "b", "10.0.0", VERDICT_VERBOSE);
    with = render(store, 6 * SECOND, EXPOSITION_TEXT);
    assert_non_null(strstr(with, "{pid=\"2\""));
    assert_non_null(strstr(with, "clrmon_processes{runtime=\"10.0\"} 2\n"));
    assert_non_null(strstr(with, "clrmon_gc_verbose_seconds_total{pid=\"2\",name=\"b\","
                                 "version=\"10.0.0\",container=\"\"} 1.000000000\n"));
    store_remove(store, store_find(store, 2), 6 * SECOND);
    without = render(store, 6 * SECOND, EXPOSITION_TEXT);
    assert_null(strstr(without, "{pid=\"2\""));
    assert_non_null(strstr(without, "{pid=\"1\""));
    assert_non_null(strstr(without, "clrmon_processes{runtime=\"10.0\"} 1\n"));
    store_free(&store);
}

static void runtimes(void **state)
{
    static const char *const versions[] = {
        "8.0.1", "8.0.2", "10.0.0-preview.1", "3.1", "", "8", "8.x", "x.8", "\"\n"};
    static const char *const expected[] = {"\"8.0\"} 2\n", "\"10.0\"} 1\n", "\"3.1\"} 1\n",
                                           "\"unknown\"} 5\n"};
    struct store *store = NULL;
    _free_ char *text = NULL;

    assert_int_equal(store_new(&store, ignore, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
        add(store, (pid_t)i + 1, "x", versions[i], VERDICT_OFF);
    text = render(store, 0, EXPOSITION_TEXT);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        char line[64];

        snprintf(line, sizeof(line), "\nclrmon_processes{runtime=%s", expected[i]);
        assert_non_null(strstr(text, line));
    }
    store_free(&store);
}

/* A target chooses the folder of its runtime, and so its version. */
static void runtimes_are_bounded(void **state)
{
    struct store *store = NULL;
    _free_ char *text = NULL;
    size_t count = 0;

    assert_int_equal(store_new(&store, ignore, NULL), 0);
    for (int i = 0; i < 100; i++) {
        char version[16];

        snprintf(version, sizeof(version), "9.%d", i);
        add(store, i + 1, "x", version, VERDICT_OFF);
    }
    text = render(store, 0, EXPOSITION_TEXT);
    for (const char *at = text; (at = strstr(at, "\nclrmon_processes{")); at++)
        count++;
    assert_int_equal(count, 32);
    assert_non_null(strstr(text, "\nclrmon_processes{runtime=\"other\"} 69\n"));
    store_free(&store);
}

static void too_many_processes(void **state)
{
    static const struct health nothing;
    struct store *store = NULL;
    struct reason why = {""};
    char *text = NULL;
    size_t size = 0;

    assert_int_equal(store_new(&store, ignore, NULL), 0);
    for (pid_t pid = 20000; pid > 0; pid--)
        add(store, pid, "x", "8.0.1", VERDICT_OFF);
    assert_int_equal(metrics_render(&(struct metrics_source){.store = store, .health = &nothing},
                                    EXPOSITION_TEXT, &text, &size, &why),
                     -EFBIG);
    assert_null(text);
    assert_string_equal(why.text, "the metrics of 20000 processes take more than 16 MiB");
    store_free(&store);
}

/* promtool finds what Prometheus would not take, and what is not named as is the custom. */
static void promtool_is_content(void **state)
{
    static const struct health nothing;
    struct store *store = NULL;
    _free_ char *text = NULL;
    size_t size = 0;
    char output[512] = "";
    char file[] = "/tmp/clrmon-metrics.XXXXXX", command[96];
    FILE *pipe;

    if (system("command -v promtool >/dev/null") != 0)
        skip();
    assert_int_equal(store_new(&store, ignore, NULL), 0);
    fill_store(store);
    assert_int_equal(metrics_render(&(struct metrics_source){.store = store,
                                                             .health = &nothing,
                                                             .contentions = contentions,
                                                             .contention_count = 3},
                                    EXPOSITION_TEXT, &text, &size, NULL),
                     0);
    store_free(&store);

    {
        _close_ int fd = mkstemp(file);

        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    }
    snprintf(command, sizeof(command), "promtool check metrics <%s 2>&1", file);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    output[fread(output, 1, sizeof(output) - 1, pipe)] = '\0';
    unlink(file);
    assert_string_equal(output, "");
    assert_int_equal(pclose(pipe), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_text),
        cmocka_unit_test(both_formats_have_the_same_samples),
        cmocka_unit_test(series_end_with_their_process),
        cmocka_unit_test(runtimes),
        cmocka_unit_test(runtimes_are_bounded),
        cmocka_unit_test(too_many_processes),
        cmocka_unit_test(promtool_is_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
