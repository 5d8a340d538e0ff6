/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "proc/unix_sockets.h"

struct attribute {
    uint16_t type;
    uint16_t length; /* of the value; the header is added */
    const void *value;
};

struct answer {
    uint8_t bytes[1024];
    size_t length;
};

static void put(struct answer *answer, const void *bytes, size_t length)
{
    memcpy(answer->bytes + answer->length, bytes, length);
    answer->length += NLMSG_ALIGN(length);
}

static size_t put_header(struct answer *answer, uint16_t type)
{
    size_t at = answer->length;
    struct nlmsghdr header = {.nlmsg_type = type};

    put(answer, &header, sizeof(header));
    return at;
}

static void end_message(struct answer *answer, size_t at)
{
    uint32_t length = (uint32_t)(answer->length - at);

    memcpy(answer->bytes + at, &length, sizeof(length));
}

static void put_socket(struct answer *answer, uint8_t type, uint8_t socket_state, uint32_t inode,
                       const struct attribute *attributes, size_t count)
{
    size_t at = put_header(answer, SOCK_DIAG_BY_FAMILY);
    struct unix_diag_msg message = {.udiag_family = AF_UNIX,
                                    .udiag_type = type,
                                    .udiag_state = socket_state,
                                    .udiag_ino = inode};

    put(answer, &message, sizeof(message));
    for (size_t i = 0; i < count; i++) {
        uint16_t header[2] = {(uint16_t)(attributes[i].length + 4), attributes[i].type};

        put(answer, header, sizeof(header));
        put(answer, attributes[i].value, attributes[i].length);
    }
    end_message(answer, at);
}

/* In memory of exactly that size, so that the sanitizer sees every byte read beyond it. */
static int parse(const void *bytes, size_t length, struct unix_sockets *to)
{
    _free_ void *exact = malloc(length ? length : 1);

    memcpy(exact, bytes, length);
    return unix_sockets_parse(exact, length, to);
}

static void sockets(void **state)
{
    static const char long_name[108] = {[0 ... 107] = 'y'};
    const uint32_t peer = 71, gone = 0;
    const struct attribute listener[] = {{UNIX_DIAG_NAME, 6, "/a/b\0x"}};
    const struct attribute accepted[] = {{UNIX_DIAG_NAME, 4, "/a/b"}, {UNIX_DIAG_PEER, 4, &peer}};
    const struct attribute closed[] = {{UNIX_DIAG_PEER, 4, &gone}};
    const struct attribute abstract[] = {{UNIX_DIAG_NAME, 4, "\0abc"}, {99, 2, "zz"}};
    const struct attribute odd[] = {{UNIX_DIAG_PEER, 3, "zzz"}, {UNIX_DIAG_NAME, 0, ""}};
    const struct attribute whole[] = {{UNIX_DIAG_NAME, 108, long_name}};
    struct unix_sockets found __attribute__((cleanup(unix_sockets_close))) = {0};
    struct answer answer = {0};

    put_socket(&answer, SOCK_STREAM, TCP_LISTEN, 1, listener, 1);
    put_socket(&answer, SOCK_STREAM, TCP_ESTABLISHED, 2, accepted, 2);
    put_socket(&answer, SOCK_DGRAM, TCP_ESTABLISHED, 3, accepted, 2);
    put_socket(&answer, SOCK_STREAM, TCP_ESTABLISHED, 4, closed, 1);
    put_socket(&answer, SOCK_STREAM, TCP_ESTABLISHED, 5, abstract, 2);
    put_socket(&answer, SOCK_STREAM, TCP_ESTABLISHED, UINT32_MAX, odd, 2);
    put_socket(&answer, SOCK_STREAM, TCP_ESTABLISHED, 6, whole, 1);
    assert_int_equal(parse(answer.bytes, answer.length, &found), 0);
    assert_int_equal(found.count, 6);
    assert_true(found.entries[0].listening);
    assert_string_equal(found.entries[0].name, "/a/b");
    assert_false(found.entries[1].listening);
    assert_int_equal(found.entries[1].peer, 71);
    assert_string_equal(found.entries[1].name, "/a/b");
    assert_int_equal(found.entries[2].peer, 0);
    assert_string_equal(found.entries[3].name, "@abc");
    assert_int_equal(found.entries[4].inode, UINT32_MAX);
    assert_int_equal(found.entries[4].peer, 0);
    assert_string_equal(found.entries[4].name, "");
    assert_int_equal(strlen(found.entries[5].name), 108);
}

/* What it has sent and the other end has not read; of a listener that is the length of its queue.
 */
static void unread(void **state)
{
    const struct unix_diag_rqlen lengths = {.udiag_rqueue = 7, .udiag_wqueue = UINT32_MAX};
    const struct attribute whole[] = {{UNIX_DIAG_RQLEN, sizeof(lengths), &lengths}};
    const struct attribute cut[] = {{UNIX_DIAG_RQLEN, 4, &lengths}};
    const struct attribute longer[] = {{UNIX_DIAG_RQLEN, 12, "123456789abc"}};
    struct unix_sockets found __attribute__((cleanup(unix_sockets_close))) = {0};
    struct answer answer = {0};

    put_socket(&answer, SOCK_STREAM, TCP_ESTABLISHED, 1, whole, 1);
    put_socket(&answer, SOCK_STREAM, TCP_LISTEN, 2, whole, 1);
    put_socket(&answer, SOCK_STREAM, TCP_ESTABLISHED, 3, cut, 1);
    put_socket(&answer, SOCK_STREAM, TCP_ESTABLISHED, 4, longer, 1);
    assert_int_equal(parse(answer.bytes, answer.length, &found), 0);
    assert_int_equal(found.count, 4);
    assert_int_equal(found.entries[0].unread, UINT32_MAX);
    for (size_t i = 1; i < found.count; i++)
        assert_int_equal(found.entries[i].unread, 0);
}

static void ends(void **state)
{
    struct unix_sockets found __attribute__((cleanup(unix_sockets_close))) = {0};
    const int32_t errors[] = {-ENOENT, 0, 1, INT32_MIN};
    const int expected[] = {-ENOENT, -EBADMSG, -EBADMSG, -EBADMSG};

    assert_int_equal(parse("", 0, &found), 0);
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        struct answer answer = {0};
        size_t at = put_header(&answer, NLMSG_ERROR);

        put(&answer, &errors[i], sizeof(errors[i]));
        end_message(&answer, at);
        assert_int_equal(parse(answer.bytes, answer.length, &found), expected[i]);
        assert_int_equal(parse(answer.bytes, answer.length - 4, &found), -EBADMSG);
    }
    {
        struct answer answer = {0};

        end_message(&answer, put_header(&answer, NLMSG_NOOP));
        end_message(&answer, put_header(&answer, NLMSG_DONE));
        assert_int_equal(parse(answer.bytes, answer.length, &found), 1);
    }
}

/* Every prefix, and every single byte changed: an answer or an error, and never a byte too far. */
static void crafted(void **state)
{
    const struct attribute attributes[] = {{UNIX_DIAG_NAME, 5, "/a/bc"},
                                           {UNIX_DIAG_PEER, 4, "1234"}};
    struct answer answer = {0};

    put_socket(&answer, SOCK_STREAM, TCP_ESTABLISHED, 2, attributes, 2);
    put_socket(&answer, SOCK_STREAM, TCP_LISTEN, 3, attributes, 1);
    for (size_t length = 0; length <= answer.length; length++) {
        struct unix_sockets found __attribute__((cleanup(unix_sockets_close))) = {0};
        int result = parse(answer.bytes, length, &found);

        assert_true(result == 0 || result == -EBADMSG);
    }
    for (size_t i = 0; i < answer.length; i++) {
        for (unsigned value = 0; value < 256; value++) {
            struct unix_sockets found __attribute__((cleanup(unix_sockets_close))) = {0};
            struct answer changed = answer;
            int result;

            changed.bytes[i] = (uint8_t)value;
            result = parse(changed.bytes, changed.length, &found);
            assert_true(result <= 1);
            assert_true(found.count <= 2);
        }
    }
}

static uint64_t inode_of(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    return status.st_ino;
}

static void asks_the_kernel(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), server;
    struct unix_sockets sockets_found;
    const struct unix_socket *found;
    struct reason why;

    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/clrmon-test-%d", getpid());
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    server = accept(listener, NULL, NULL);
    unlink(address.sun_path);

    if (unix_sockets_read(-1, &sockets_found, &why) < 0)
        skip(); /* a kernel without unix_diag */
    found = unix_sockets_find(&sockets_found, inode_of(listener));
    assert_true(found && found->listening);
    found = unix_sockets_find(&sockets_found, inode_of(server));
    assert_string_equal(found->name, address.sun_path);
    assert_int_equal(found->peer, inode_of(client));
    found = unix_sockets_find(&sockets_found, inode_of(client));
    assert_string_equal(found->name, "");
    assert_int_equal(found->peer, inode_of(server));
    assert_null(unix_sockets_find(&sockets_found, 0));
    unix_sockets_close(&sockets_found);
    unix_sockets_close(&sockets_found);
    assert_null(unix_sockets_find(&sockets_found, 1));
    close(listener), close(client), close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets), cmocka_unit_test(unread),          cmocka_unit_test(ends),
        cmocka_unit_test(crafted), cmocka_unit_test(asks_the_kernel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
