/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "render.h"

#include "../report/fixture.h"

static struct report report;

static char *rendered(struct report *const *reports, size_t count, unsigned hidden, bool wide)
{
    struct summary summary = {.processes = count, .hidden = hidden};
    FILE *before = stdout;
    char *text = NULL;
    size_t size;

    stdout = open_memstream(&text, &size);
    report_table(reports, count, &summary, wide);
    fclose(stdout);
    stdout = before;
    return text;
}

static void expect(struct report *const *reports, size_t count, unsigned hidden, bool wide,
                   const char *golden)
{
    char *text = rendered(reports, count, hidden, wide);

    assert_string_equal(text, golden);
    free(text);
}

#define TITLE "PID     NAME                     VERSION   GC LEVEL         KEYWORDS   VERDICT\n"
#define ROW   "2147483000 dotnet app.dll           10.0.14   Verbose(5)       0x8001     verbose\n"
#define REASONS                                                                                    \
    "        the GC's public events (Microsoft-Windows-DotNETRuntime) are at\n"                    \
    "        Verbose(5), keywords 0x8001 (GC, Exception)\n"                                        \
    "        the runtime's own events (Microsoft-Windows-DotNETRuntime) are at\n"                  \
    "        Verbose(5), keywords 0x8001 (GC, Exception)\n"                                        \
    "        session 0 (IPC stream) asks for\n"                                                    \
    "        Microsoft-Windows-DotNETRuntime:0x8001:5, client dotnet-trace (pid 77)\n"

static void rows(void **state)
{
    struct report failed, *const reports[] = {&report, &failed};

    fixture_verbose(&report);
    fixture_failed(&failed);
    expect(reports, 2, 0, false,
           TITLE ROW REASONS
           "4711    -                        -         -                -          unknown\n"
           "        cannot read /proc/4711: Permission denied\n");
    expect(NULL, 0, 0, false, "");
    expect(NULL, 0, 3, false,
           geteuid() ? "3 process(es) could not be looked at: no rights (try as root)\n"
                     : "3 process(es) could not be looked at: no rights\n");
    report.observation.gc_readable = false;
    report.judgement = (struct judgement){.verdict = VERDICT_OFF};
    report.target.process.command[0] = 0;
    report.pid = 7;
    expect(reports, 1, 0, false,
           TITLE "7       dotnet                   10.0.14   -                -          off\n");
}

static void wide(void **state)
{
    struct report *const reports[] = {&report};

    fixture_verbose(&report);
    report.target.process.namespace_pid = 1;
    strcpy(report.target.process.container, "0123456789abcdef");
    expect(reports, 1, 0, true,
           TITLE ROW "        self-contained, x86_64, musl, build id abcd\n"
                     "        pid 1 where it runs, container 0123456789ab\n"
                     "        GC public                  Verbose(5)       0x8001 GC, Exception\n"
                     "        GC private                 None(0)          0x0\n"
                     "        GC state found by          structure\n"
                     "        Runtime, EventPipe         Verbose(5)       0x8001 GC, Exception\n"
                     "        Stress, LTTng (off)        None(0)          0x0\n"
                     "        EventPipe sessions mask    0x1\n"
                     "        diagnostics client         dotnet-trace (pid 77)\n" REASONS);
}

static void every_line_fits(void **state)
{
    struct report *const reports[] = {&report};
    char *text, *save = NULL;

    fixture_verbose(&report);
    report.pid = report.target.process.pid = 4194304;
    memset(report.target.process.command, 'c', sizeof(report.target.process.command) - 1);
    report.observation.gc.public = (struct event_set){5, UINT32_MAX};
    memset(report.judgement.reasons[0], 'x', REASON_MAX - 1); /* one word */
    memset(report.judgement.reasons[1], ' ', REASON_MAX - 1);
    text = rendered(reports, 1, 0, true);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (strlen(line) > 80)
            fail_msg("%zu columns: %s", strlen(line), line);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(wide),
        cmocka_unit_test(every_line_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
