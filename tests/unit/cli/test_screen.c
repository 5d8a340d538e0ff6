/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "screen.h"

#define LINES_MAX 200

static const struct screen_row examples[] = {
    {.pid = 30,
     .name = "quiet",
     .version = "8.0.11",
     .gc_known = true,
     .keywords = "0x0",
     .sessions = 0,
     .verdict = VERDICT_OFF},
    {.pid = 4194304,
     .name = "Contoso.Orders.Service.dll",
     .version = "10.0.0-rc.1.25451.107",
     .gc_known = true,
     .level = 5,
     .keywords = "0xffffffff",
     .sessions = 64,
     .verbose_seconds = 3155760000,
     .verdict = VERDICT_LEAKED},
    {.pid = 11,
     .name = "traced",
     .version = "9.0.0",
     .gc_known = true,
     .level = 5,
     .keywords = "0x1",
     .sessions = 1,
     .verbose_seconds = 65,
     .verdict = VERDICT_VERBOSE},
    {.pid = 10,
     .name = "traced",
     .version = "9.0.0",
     .gc_known = true,
     .level = 5,
     .keywords = "0x1",
     .sessions = 1,
     .verbose_seconds = 3600,
     .verdict = VERDICT_VERBOSE},
    {.pid = 12,
     .name = "info",
     .gc_known = true,
     .level = 4,
     .keywords = "0x8001",
     .sessions = -1,
     .verdict = VERDICT_INFORMATIONAL},
    {.pid = 13, .name = "", .sessions = -1, .verdict = VERDICT_UNKNOWN},
};

struct drawn {
    char *text;
    char *lines[LINES_MAX];
    size_t count;
};

/* Takes out the control sequences and cuts at line ends. */
static struct drawn draw(const struct screen *screen, unsigned columns, unsigned lines)
{
    struct drawn drawn = {.text = screen_render(screen, columns, lines)};
    char *to = drawn.text;

    assert_non_null(drawn.text);
    drawn.lines[drawn.count++] = to;
    for (const char *from = drawn.text; *from; from++) {
        if (*from == '\033') {
            from += 1 + strcspn(from, "ABCDEFGHJKmhl");
            from--;
        } else if (*from == '\n') {
            assert_true(drawn.count < LINES_MAX);
            *to++ = 0;
            drawn.lines[drawn.count++] = to;
        } else if (*from != '\r') {
            *to++ = *from;
        }
    }
    *to = 0;
    if (lines == 0)
        drawn.count--; /* after the last line's end */
    else if (!*drawn.lines[drawn.count - 1] && drawn.count > 3)
        drawn.count--; /* what is cleared below */
    return drawn;
}

static size_t width_of(const char *line)
{
    size_t width = 0;

    for (; *line; line++)
        width += ((unsigned char)*line & 0xc0) != 0x80;
    return width;
}

static struct screen make(struct screen_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rows[i] = examples[i % ARRAY_SIZE(examples)];
    return (struct screen){.rows = rows, .count = count, .interval_s = 2};
}

static void sorts(void **state)
{
    static const pid_t order[] = {4194304, 10, 11, 13, 12, 30};
    struct screen_row rows[ARRAY_SIZE(examples)];
    struct screen screen = make(rows, ARRAY_SIZE(rows)), none = {0};

    screen_sort(&screen);
    screen_sort(&none);
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        assert_int_equal(rows[i].pid, order[i]);
}

static void fits_eighty_columns(void **state)
{
    static const char *const expected[] = {
        "clrmon top: 6 .NET processes, 1 leaked, 2 verbose, 1 unknown; every 2 s, q quits",
        "",
        "PID     NAME         VERSION  LEVEL      KEYWORDS   SESSIONS VERBOSE-FOR VERDICT",
        "4194304 Contoso.Orde 10.0.0-r Verbose(5) 0xffffffff 64       36525d00h   leaked ",
        "10      traced       9.0.0    Verbose(5) 0x1        1        1h00m       verbose",
        "11      traced       9.0.0    Verbose(5) 0x1        1        1m05s       verbose",
        "13      -            -        -          -          -        -           unknown",
        "12      info         -        Info(4)    0x8001     -        -           info   ",
        "30      quiet        8.0.11   None(0)    0x0        0        -           off    ",
    };
    struct screen_row rows[ARRAY_SIZE(examples)];
    struct screen screen = make(rows, ARRAY_SIZE(rows));
    struct drawn drawn;

    screen_sort(&screen);
    drawn = draw(&screen, 80, 24);
    assert_int_equal(drawn.count, ARRAY_SIZE(expected));
    for (size_t i = 0; i < drawn.count; i++)
        assert_string_equal(drawn.lines[i], expected[i]);
    free(drawn.text);
}

/* PID, NAME and VERDICT at any width; the others as there is room. */
static void columns_give_way(void **state)
{
    static const struct {
        unsigned columns;
        bool has_waits;
        const char *head;
    } rows[] = {
        {20, true, "PID     NAME VERDICT"},
        {40, true, "PID     NAME          LEVEL      VERDICT"},
        {50, true, "PID     NAME            LEVEL      WAITS/s VERDICT"},
        {50, false, "PID     NAME                    LEVEL      VERDICT"},
        {80, true,
         "PID     NAME              LEVEL      SESSIONS VERBOSE-FOR WAITS/s MS/s   VERDICT"},
        {200, true,
         "PID     NAME                                     VERSION  LEVEL      KEYWORDS   SESSIONS "
         "VERBOSE-FOR WAITS/s MS/s   P99    WAITERS WORST LOCK                               OWNER"
         "                VERDICT"},
    };
    struct screen_row row = examples[1];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct screen screen = {.rows = &row, .count = 1, .has_waits = rows[i].has_waits};
        struct drawn drawn = draw(&screen, rows[i].columns, 24);

        assert_string_equal(drawn.lines[2], rows[i].head);
        assert_memory_equal(drawn.lines[3] + rows[i].columns - 7, "leaked ", 7);
        free(drawn.text);
    }
}

static void shows_waits(void **state)
{
    struct screen_row rows[] = {examples[0], examples[0]};
    struct screen screen = {.rows = rows, .count = 2, .has_waits = true};
    struct drawn drawn;

    rows[1].waits_known = true;
    rows[1].waits = 12.34;
    rows[1].wait_ms = 1500;
    rows[1].p99_ns = 1 << 20;
    rows[1].waiters = 3;
    strcpy(rows[1].lock, "OrderCache");
    strcpy(rows[1].owner, "4712 worker");
    screen_sort(&screen);
    drawn = draw(&screen, 150, 24);
    assert_non_null(strstr(drawn.lines[3], " 12.3    1500   <1.0ms 3       OrderCache "));
    assert_non_null(strstr(drawn.lines[3], " 4712 worker "));
    assert_non_null(strstr(drawn.lines[4], " -       -      -      -       -  "));
    free(drawn.text);
}

static void never_larger_than_the_terminal(void **state)
{
    static struct screen_row rows[150];
    struct screen screen = make(rows, ARRAY_SIZE(rows));

    reason_set(&screen.trouble, 0,
               "no clrmond listens on /run/clrmon/control.sock: is it running? "
               "And more words than fit into a line");
    for (unsigned columns = 1; columns <= 300; columns += 7)
        for (unsigned lines = 1; lines <= 160; lines++) {
            struct drawn drawn = draw(&screen, columns, lines);

            assert_true(drawn.count <= lines);
            for (size_t i = 0; i < drawn.count; i++)
                assert_true(width_of(drawn.lines[i]) <= (columns < 20 ? 20 : columns));
            free(drawn.text);
        }
}

static void counts_what_does_not_fit(void **state)
{
    static struct screen_row rows[30];
    struct screen screen = make(rows, ARRAY_SIZE(rows));
    struct drawn drawn = draw(&screen, 80, 24);

    assert_int_equal(drawn.count, 24);
    assert_string_equal(drawn.lines[23], "... and 10 more");
    free(drawn.text);
    drawn = draw(&screen, 80, 33); /* three lines of head */
    assert_int_equal(drawn.count, 33);
    assert_null(strstr(drawn.lines[32], "more"));
    free(drawn.text);
}

static void wide_terminals_show_the_name(void **state)
{
    struct screen_row rows[2];
    struct screen screen = make(rows, 2);
    struct drawn drawn = draw(&screen, 120, 24);

    assert_non_null(strstr(drawn.lines[4], " Contoso.Orders.Service.dll "));
    free(drawn.text);
}

static void cuts_between_characters(void **state)
{
    struct screen_row row = examples[0];
    struct screen screen = {.rows = &row, .count = 1};
    struct drawn drawn;

    strcpy(row.name, "\xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac\xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac"
                     "\xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac\xc3\xa4\xc3\xb6");
    drawn = draw(&screen, 80, 24);
    assert_int_equal(width_of(drawn.lines[3]), 80);
    assert_non_null(strstr(drawn.lines[3], "\xc3\xbc\xe2\x82\xac 8.0.11 "));
    free(drawn.text);
}

static void plain_for_a_file(void **state)
{
    static struct screen_row rows[100];
    struct screen screen = make(rows, ARRAY_SIZE(rows));
    _free_ char *text = screen_render(&screen, 80, 0);
    size_t lines = 0;

    assert_null(strchr(text, '\033'));
    assert_null(strstr(text, " \n"));
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 102);
}

static void draws_over_all(void **state)
{
    struct screen screen = {.interval_s = 5};
    _free_ char *text = screen_render(&screen, 80, 24);

    assert_memory_equal(text, "\033[H", 3);
    assert_non_null(strstr(text, "0 .NET processes; every 5 s"));
    assert_string_equal(text + strlen(text) - 3, "\033[J");
}

/* Whatever is written after the last column of a line, or the last line, spoils it. */
static void spoils_no_full_line(void **state)
{
    static struct screen_row rows[30];
    struct screen screen = make(rows, ARRAY_SIZE(rows));
    _free_ char *text = screen_render(&screen, 80, 24);
    char *end = text;

    assert_true(text[strlen(text) - 1] == 'e'); /* "more" */
    for (char *line = text + 3; end; line = end + 1) {
        end = strchr(line, '\n');
        assert_memory_equal(line, "\033[K", 3);
        if (end)
            *end = 0;
        assert_null(strstr(line + 3, "\033[K"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts),
        cmocka_unit_test(fits_eighty_columns),
        cmocka_unit_test(columns_give_way),
        cmocka_unit_test(shows_waits),
        cmocka_unit_test(never_larger_than_the_terminal),
        cmocka_unit_test(counts_what_does_not_fit),
        cmocka_unit_test(wide_terminals_show_the_name),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(plain_for_a_file),
        cmocka_unit_test(draws_over_all),
        cmocka_unit_test(spoils_no_full_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
