/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proc/diagnostic_ports.h"

static void parse(void **state)
{
    static const struct {
        const char *text;
        size_t count;
        struct diagnostic_port ports[2];
        bool cut;
    } table[] = {
        {.text = NULL},
        {.text = ""},
        {.text = ";;"},
        {.text = ",suspend;,", .count = 1, .ports = {{"suspend", true, true}}},
        {"/diag/port.sock", 1, {{"/diag/port.sock", true, true}}, false},
        {"/a,nosuspend;/b,listen,NoSuspend", 2, {{"/a", true, false}, {"/b", false, false}}, false},
        {";;/a,,connect,,;", 1, {{"/a", true, true}}, false},
        {"/a,listen,connect,unknown, suspend,nosuspend", 1, {{"/a", true, false}}, false},
        {"/a b\n,listen", 1, {{"/a b\n", false, true}}, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct diagnostic_ports ports;

        diagnostic_ports_parse(table[i].text, &ports);
        assert_int_equal(ports.count, table[i].count);
        assert_int_equal(ports.cut, table[i].cut);
        for (size_t k = 0; k < ports.count; k++) {
            assert_string_equal(ports.entries[k].path, table[i].ports[k].path);
            assert_int_equal(ports.entries[k].connect, table[i].ports[k].connect);
            assert_int_equal(ports.entries[k].suspend, table[i].ports[k].suspend);
        }
    }
}

static void too_much_is_cut(void **state)
{
    struct diagnostic_ports ports;
    char path[UNIX_SOCKET_NAME_MAX + 1];

    diagnostic_ports_parse("1;2;3;4;5;6;7;8", &ports);
    assert_int_equal(ports.count, 8);
    assert_false(ports.cut);
    diagnostic_ports_parse("1;2;3;4;5;6;7;8;9;10", &ports);
    assert_int_equal(ports.count, 8);
    assert_true(ports.cut);

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    diagnostic_ports_parse(path, &ports);
    assert_int_equal(ports.count, 0);
    assert_true(ports.cut);
    path[sizeof(path) - 2] = '\0';
    diagnostic_ports_parse(path, &ports);
    assert_int_equal(ports.count, 1);
    assert_string_equal(ports.entries[0].path, path);
}

static void find(void **state)
{
    struct diagnostic_ports ports;

    diagnostic_ports_parse("/diag/port.sock;/x/port.sock,nosuspend;/l.sock,listen;/dir/", &ports);
    assert_ptr_equal(diagnostic_ports_find(&ports, "/x/port.sock"), &ports.entries[1]);
    assert_ptr_equal(diagnostic_ports_find(&ports, "port.sock"), &ports.entries[0]);
    assert_ptr_equal(diagnostic_ports_find(&ports, "/mnt/port.sock"), &ports.entries[0]);
    assert_null(diagnostic_ports_find(&ports, "/l.sock"));
    assert_null(diagnostic_ports_find(&ports, "/diag/port"));
    assert_null(diagnostic_ports_find(&ports, "/other/"));
    assert_null(diagnostic_ports_find(&ports, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse),
        cmocka_unit_test(too_much_is_cut),
        cmocka_unit_test(find),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
