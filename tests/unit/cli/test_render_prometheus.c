/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "render.h"

#include "../report/fixture.h"

static struct report report;

static char *rendered(struct report *const *reports, size_t count)
{
    FILE *before = stdout;
    char *text = NULL;
    size_t size;

    stdout = open_memstream(&text, &size);
    report_prometheus(reports, count);
    fclose(stdout);
    stdout = before;
    return text;
}

#define LABELS           "pid=\"2147483000\",name=\"dotnet\",version=\"10.0.14\",container=\"\""
#define HEAD(name, help) "# HELP " name " " help "\n# TYPE " name " gauge\n"
#define LEVEL            HEAD("clrmon_gc_event_level", "Level at which the GC fires events.")
#define ON                                                                                         \
    HEAD("clrmon_gc_verbose", "Whether GC or runtime events are on at the level asked about.")
#define LEFT                                                                                       \
    HEAD("clrmon_gc_verbosity_leaked", "Whether they are on though nobody alive asks for them.")
#define FAILED HEAD("clrmon_gc_check_failed", "Whether the process's state could not be told.")

static void expect(struct report *const *reports, size_t count, const char *golden)
{
    char *text = rendered(reports, count);

    assert_string_equal(text, golden);
    free(text);
}

static void verdicts(void **state)
{
    struct report failed, *const reports[] = {&report, &failed};

    fixture_verbose(&report);
    fixture_failed(&failed);
    expect(reports, 2,
           LEVEL "clrmon_gc_event_level{" LABELS ",provider=\"public\"} 5\n"
                 "clrmon_gc_event_level{" LABELS ",provider=\"private\"} 0\n" ON
                 "clrmon_gc_verbose{" LABELS "} 1\n" LEFT "clrmon_gc_verbosity_leaked{" LABELS
                 "} 0\n" FAILED
                 "clrmon_gc_check_failed{pid=\"4711\",name=\"\",version=\"\",container=\"\"} 1\n");
    expect(reports, 0, LEVEL ON LEFT FAILED);
    report.judgement.verdict = VERDICT_LEAKED;
    report.observation.gc_readable = false; /* the contexts tell */
    expect(reports, 1,
           LEVEL ON "clrmon_gc_verbose{" LABELS "} 1\n" LEFT "clrmon_gc_verbosity_leaked{" LABELS
                    "} 1\n" FAILED);
    report.judgement.verdict = VERDICT_INFORMATIONAL;
    expect(reports, 1,
           LEVEL ON "clrmon_gc_verbose{" LABELS "} 0\n" LEFT "clrmon_gc_verbosity_leaked{" LABELS
                    "} 0\n" FAILED);
    report.judgement.verdict = VERDICT_UNKNOWN;
    expect(reports, 1, LEVEL ON LEFT FAILED "clrmon_gc_check_failed{" LABELS "} 1\n");
}

static void strange_names(void **state)
{
    struct report *const reports[] = {&report};
    char *text;

    fixture_verbose(&report);
    strcpy(report.target.process.name, "a\"b\\c\nd}{,");
    strcpy(report.target.process.container, "\u00e4");
    text = rendered(reports, 1);
    assert_non_null(strstr(text, "name=\"a\\\"b\\\\c\\nd}{,\",version=\"10.0.14\",container="
                                 "\"\u00e4\"} 1\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(strange_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
