/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>

#include "proc/socket_owners.h"

static void link_table(void **state)
{
    static const struct {
        const char *text;
        uint64_t inode;
    } table[] = {
        {"socket:[123]", 123},
        {"socket:[18446744073709551615]", UINT64_MAX},
        {"socket:[18446744073709551616]", 0},
        {"socket:[99999999999999999999999999999]", 0},
        {"socket:[]", 0},
        {"socket:[12", 0},
        {"socket:[12]3]", 12},
        {"socket:[-1]", 0},
        {"socket:[1 (deleted)", 0},
        {"pipe:[123]", 0},
        {"/tmp/socket:[123]", 0},
        {"", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_int_equal(socket_owners_parse_link(table[i].text), table[i].inode);
}

static void find(void **state)
{
    struct socket_owner entries[] = {{1, 10}, {5, 20}, {5, 30}, {9, 40}};
    const struct socket_owners owners = {.entries = entries, .count = ARRAY_SIZE(entries)};
    const struct socket_owners none = {0};

    assert_int_equal(socket_owners_find(&owners, 0), 0);
    assert_int_equal(socket_owners_find(&owners, 1), 10);
    assert_int_equal(socket_owners_find(&owners, 5), 20);
    assert_int_equal(socket_owners_find(&owners, 9), 40);
    assert_int_equal(socket_owners_find(&owners, 10), 0);
    assert_int_equal(socket_owners_find(&none, 1), 0);
}

static void finds_itself(void **state)
{
    struct socket_owners owners;
    struct reason why;
    struct stat status;
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fstat(pair[0], &status);
    assert_int_equal(socket_owners_read(&owners, &why), 0);
    assert_int_equal(socket_owners_find(&owners, status.st_ino), getpid());
    socket_owners_close(&owners);
    socket_owners_close(&owners);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_table),
        cmocka_unit_test(find),
        cmocka_unit_test(finds_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
