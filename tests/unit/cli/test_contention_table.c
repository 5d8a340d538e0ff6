/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "contention_table.h"

#define MS UINT64_C(1000000)

static struct frame frames[] = {{.text = "Monitor.Enter(…)"}, {.text = "Contoso.Cache.Get(…)"}};

static struct contended locks[] = {
    {.key = 0x7f1200001000,
     .tid = 4712,
     .thread = ".NET TP Worker",
     .type = "Contoso.Orders.OrderCache",
     .waiters = 3,
     .sum = {30, 600 * MS},
     .longest_ns = 80 * MS},
    {.key = 0x7f1200002000, .type = "System.Object", .sum = {10, 20 * MS}},
};
static struct contended stacks[] = {
    {.key = 1,
     .frames = frames,
     .frame_count = 2,
     .complete = true,
     .sum = {39, 610 * MS},
     .longest_ns = 80 * MS},
    {.key = 2, .frames = frames, .frame_count = 1, .managed = true, .sum = {1, 10 * MS}},
};
static struct contended owners[] = {
    {.tid = 4712, .thread = ".NET TP Worker", .sum = {30, 600 * MS}}, {.sum = {10, 20 * MS}}};

static const struct contention examples[] = {
    {.pid = 4711,
     .name = "orders.dll",
     .since_ns = 0,
     .now_ns = 2000 * MS,
     .sum = {42, 621 * MS},
     .waiters = 3,
     .longest_wait_ns = 12 * MS,
     .histogram = {[12] = 40, [17] = 2},
     .lists = {[CONTENTION_BY_LOCK] = {locks, 2, {2, MS}},
               [CONTENTION_BY_STACK] = {stacks, 2, {2, MS}},
               [CONTENTION_BY_OWNER] = {owners, 2, {0, 0}}},
     .is_on = true},
    {.pid = 5000,
     .name = "quiet",
     .now_ns = 2000 * MS,
     .is_on = true,
     .why = "managed locks are "
            "not watched"},
    {.pid = 5001, .name = "off", .why = "switched off"},
    {.pid = 5002, .name = "off", .why = "switched off"},
    {.pid = 5003, .name = "off", .why = "switched off"},
    {.pid = 5004, .name = "off", .why = "switched off"},
};

static void assert_printed(const struct contention *all, size_t count,
                           const struct contention_view *view, const char *expected)
{
    _free_ char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    contention_print(out, all, count, view);
    fclose(out);
    assert_string_equal(text, expected);
}

static void by_process(void **state)
{
    assert_printed(
        examples, ARRAY_SIZE(examples),
        &(struct contention_view){.table = TABLE_PROCESS, .columns = 80},
        "PID     NAME       WAITS/s MS/s   P99    WAITERS LONGEST WORST LOCK OWNER\n"
        "4711    orders.dll 21.0    310.5  <134ms 3       12ms    OrderCache 4712 .NET TP\n"
        "nobody waits in 1 other process\n"
        "5000: managed locks are not watched\n"
        "5001, 5002, 5003 and 1 more: switched off\n");
}

static void narrow(void **state)
{
    assert_printed(examples, 1, &(struct contention_view){.table = TABLE_PROCESS, .columns = 40},
                   "PID     NAME      WAITS/s MS/s   WAITERS\n"
                   "4711    orders.dl 21.0    310.5  3\n");
    assert_printed(examples, 1, &(struct contention_view){.table = TABLE_PROCESS, .columns = 1},
                   "PID     NAME WAITS/s MS/s\n"
                   "4711    orde 21.0    310.5\n");
}

static void what_is_selected(void **state)
{
    assert_printed(examples + 1, 2,
                   &(struct contention_view){.table = TABLE_PROCESS, .columns = 80, .idle = true},
                   "PID     NAME  WAITS/s MS/s   P99    WAITERS LONGEST WORST LOCK OWNER\n"
                   "5000    quiet 0.0     0.0    -      0       -       -          -\n"
                   "5001    off   -       -      -      -       -       -          -\n"
                   "5000: managed locks are not watched\n"
                   "5001: switched off\n");
}

static void total(void **state)
{
    assert_printed(
        examples, 1,
        &(struct contention_view){.table = TABLE_PROCESS, .columns = 80, .total = true},
        "PID     NAME       WAITS   WAITED P99    WAITERS LONGEST WORST LOCK OWNER\n"
        "4711    orders.dll 42      621ms  <134ms 3       12ms    OrderCache 4712 .NET TP\n");
}

static void by_lock(void **state)
{
    assert_printed(examples, 1, &(struct contention_view){.table = TABLE_LOCK, .columns = 120},
                   "PID     NAME       WAITS/s MS/s   WAITERS LONGEST LOCK           TYPE    "
                   "                  OWNER\n"
                   "4711    orders.dll 15.0    300.0  3       80ms    0x7f1200001000 "
                   "Contoso.Orders.OrderCache 4712 .NET TP Worker\n"
                   "4711    orders.dll 5.0     10.0   0       -       0x7f1200002000 "
                   "System.Object             unknown\n"
                   "4711    orders.dll 1.0     0.5    other\n");
}

static void by_stack(void **state)
{
    assert_printed(examples, 1, &(struct contention_view){.table = TABLE_STACK, .columns = 80},
                   "PID     NAME       WAITS/s MS/s   LONGEST KIND\n"
                   "4711    orders.dll 19.5    305.0  80ms    Monitor\n"
                   "        Monitor.Enter(…)\n"
                   "        Contoso.Cache.Get(…)\n"
                   "4711    orders.dll 0.5     5.0    -       System.Threading.Lock\n"
                   "        Monitor.Enter(…)\n"
                   "        ...\n"
                   "4711    orders.dll 1.0     0.5    other\n");
}

static void by_owner(void **state)
{
    assert_printed(examples, 1, &(struct contention_view){.table = TABLE_OWNER, .columns = 80},
                   "PID     NAME       WAITS/s MS/s   OWNER    THREAD\n"
                   "4711    orders.dll 15.0    300.0  4712     .NET TP Worker\n"
                   "4711    orders.dll 5.0     10.0   unknown  -\n");
    assert_printed(examples, 1, &(struct contention_view){.table = TABLE_THREAD, .columns = 80},
                   "PID     NAME WAITS/s MS/s   TID      THREAD\n");
}

/* What is large needs no decimals, and what is not there no room. */
static void large(void **state)
{
    struct contended lock = {.key = 0x10,
                             .type = "Contoso.Orders.Caches.TheCacheOfAllOrders",
                             .sum = {1009, 14345 * MS}};
    const struct contention process = {
        .pid = 7,
        .name = "a",
        .now_ns = 1000 * MS,
        .sum = {1009, 14345 * MS},
        .lists = {[CONTENTION_BY_LOCK] = {&lock, 1, {0, 0}}},
        .is_on = true,
    };

    assert_printed(
        &process, 1, &(struct contention_view){.table = TABLE_LOCK, .columns = 80},
        "PID     NAME WAITS/s MS/s   WAITERS LONGEST LOCK TYPE                    OWNER\n"
        "7       a    1009    14345  0       -       0x10 Contoso.Orders.Caches.T "
        "unknown\n");
}

static void names(void **state)
{
    static const struct {
        const char *type;
        const char *text;
    } rows[] = {
        {"Contoso.Cache", "Cache"},
        {"Contoso.Outer+Inner", "Inner"},
        {"System.Collections.Generic.List<System.String>", "List<System.String>"},
        {"Cache", "Cache"},
        {"System.Object", "0x10"},
        {"", "0x10"},
        {"A.", "A."},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct contended lock = {.key = 16};
        char text[CONTENDED_TEXT_MAX];

        strcpy(lock.type, rows[i].type);
        contended_lock(&lock, text);
        assert_string_equal(text, rows[i].text);
    }
    assert_int_equal(contention_table_of_name("process"), TABLE_PROCESS);
    assert_int_equal(contention_table_of_name("thread"), TABLE_THREAD);
    assert_int_equal(contention_table_of_name("colour"), TABLE_MAX);
}

/* Nobody's wait is over yet. */
static void the_worst_lock(void **state)
{
    struct contended lines[] = {{.key = 1, .waiters = 1}, {.key = 2, .waiters = 5}};
    struct contention process = {.lists = {[CONTENTION_BY_LOCK] = {.items = lines, .count = 2}}};

    assert_int_equal(contention_worst(&process)->key, 2);
    lines[0].sum.wait_ns = 1;
    assert_int_equal(contention_worst(&process)->key, 1);
    process.lists[CONTENTION_BY_LOCK].count = 0;
    assert_null(contention_worst(&process));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_process),
        cmocka_unit_test(narrow),
        cmocka_unit_test(what_is_selected),
        cmocka_unit_test(total),
        cmocka_unit_test(by_lock),
        cmocka_unit_test(by_stack),
        cmocka_unit_test(by_owner),
        cmocka_unit_test(names),
        cmocka_unit_test(large),
        cmocka_unit_test(the_worst_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
