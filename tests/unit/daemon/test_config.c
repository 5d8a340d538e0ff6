/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"

#define FIELD(name) #name, offsetof(struct config, name)

static void defaults(void **state)
{
    struct config config;

    config_defaults(&config);
    assert_string_equal(config.socket, "/run/clrmon/control.sock");
    assert_string_equal(config.group, "clrmon");
    assert_string_equal(config.listen, "127.0.0.1:9464");
    assert_string_equal(config.state_dir, "/var/lib/clrmon");
    assert_string_equal(config.cache_dir, "/var/cache/clrmon");
    assert_int_equal(config.grace_ms, 10000);
    assert_int_equal(config.poll_ms, 5000);
    assert_int_equal(config.recheck_ms, 60000);
    assert_int_equal(config.history_age_s, 30 * 86400);
    assert_int_equal(config.history_bytes, 256 << 20);
    assert_true(config.probes);
    assert_true(config.contention);
    assert_false(config.managed_locks);
    assert_false(config.events);
    assert_int_equal(config.min_wait_ns, 10000000);
    assert_false(config.auto_reset);
    assert_int_equal(config.auto_reset_interval_ms, 600000);
}

static void numbers(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
        const char *value;
        uint64_t expected; /* UINT64_MAX: refused */
    } table[] = {
        {"grace", offsetof(struct config, grace_ms), "250ms", 250},
        {"grace", offsetof(struct config, grace_ms), "0", 0},
        {"grace", offsetof(struct config, grace_ms), "7", 7000},
        {"grace", offsetof(struct config, grace_ms), "7s", 7000},
        {"grace", offsetof(struct config, grace_ms), "5m", 300000},
        {"grace", offsetof(struct config, grace_ms), "1h", 3600000},
        {"grace", offsetof(struct config, grace_ms), "3600001ms", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "2h", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "s", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "-1", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "1.5s", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "1 s", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "1S", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "1sec", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "1s1s", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "18446744073709551615", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "18446744073709552s", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "000000000000000000000000001", UINT64_MAX},
        {"grace", offsetof(struct config, grace_ms), "1500us", 1},
        {"min_wait", offsetof(struct config, min_wait_ns), "1us", 1000},
        {"min_wait", offsetof(struct config, min_wait_ns), "2ms", 2000000},
        {"min_wait", offsetof(struct config, min_wait_ns), "1h", 3600000000000},
        {"min_wait", offsetof(struct config, min_wait_ns), "0", UINT64_MAX},
        {"min_wait", offsetof(struct config, min_wait_ns), "2h", UINT64_MAX},
        {"min_wait", offsetof(struct config, min_wait_ns), "1ns", UINT64_MAX},
        {"poll_interval", offsetof(struct config, poll_ms), "100ms", 100},
        {"poll_interval", offsetof(struct config, poll_ms), "99ms", UINT64_MAX},
        {"recheck_interval", offsetof(struct config, recheck_ms), "1d", 86400000},
        {"recheck_interval", offsetof(struct config, recheck_ms), "0", UINT64_MAX},
        {"auto_reset_interval", offsetof(struct config, auto_reset_interval_ms), "1m", 60000},
        {"auto_reset_interval", offsetof(struct config, auto_reset_interval_ms), "59s", UINT64_MAX},
        {"auto_reset_interval", offsetof(struct config, auto_reset_interval_ms), "1d", 86400000},
        {"auto_reset_interval", offsetof(struct config, auto_reset_interval_ms), "25h", UINT64_MAX},
        {"history_max_age", offsetof(struct config, history_age_s), "30d", 30 * 86400},
        {"history_max_age", offsetof(struct config, history_age_s), "90", 90},
        {"history_max_age", offsetof(struct config, history_age_s), "61500ms", 61},
        {"history_max_age", offsetof(struct config, history_age_s), "59s", UINT64_MAX},
        {"history_max_age", offsetof(struct config, history_age_s), "3651d", UINT64_MAX},
        {"history_max_size", offsetof(struct config, history_bytes), "1G", 1 << 30},
        {"history_max_size", offsetof(struct config, history_bytes), "4M", 4 << 20},
        {"history_max_size", offsetof(struct config, history_bytes), "5000K", 5120000},
        {"history_max_size", offsetof(struct config, history_bytes), "4194304", 4 << 20},
        {"history_max_size", offsetof(struct config, history_bytes), "4194303", UINT64_MAX},
        {"history_max_size", offsetof(struct config, history_bytes), "1T", 1ull << 40},
        {"history_max_size", offsetof(struct config, history_bytes), "16777216T", UINT64_MAX},
        {"history_max_size", offsetof(struct config, history_bytes), "4m", UINT64_MAX},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};
        struct config config;
        const uint64_t *field = (void *)((char *)&config + table[i].offset);
        uint64_t before, expected = table[i].expected;
        int r;

        config_defaults(&config);
        before = *field;
        r = config_set(&config, table[i].name, table[i].value, &why);
        assert_int_equal(r, expected == UINT64_MAX ? -EINVAL : 0);
        assert_int_equal(*field, expected == UINT64_MAX ? before : expected);
        if (r < 0)
            assert_non_null(strstr(why.text, table[i].name));
    }
}

static void texts(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
        const char *value;
        const char *expected; /* NULL: refused */
    } table[] = {
        {FIELD(socket), "/tmp/s", "/tmp/s"},
        {FIELD(socket), "tmp/s", NULL},
        {FIELD(socket), "", NULL},
        {FIELD(socket), "/a\nb", NULL},
        {FIELD(state_dir), "/a b#c", "/a b#c"},
        {FIELD(cache_dir), "/\x7f", NULL},
        {FIELD(group), "adm", "adm"},
        {FIELD(group), "", NULL},
        {FIELD(group), "a b", NULL},
        {FIELD(group), "-a", NULL},
        {FIELD(listen), "", ""},
        {FIELD(listen), "off", ""},
        {FIELD(listen), "0.0.0.0:9464", "0.0.0.0:9464"},
        {FIELD(listen), "[::1]:0", "[::1]:0"},
        {FIELD(listen), "[::1]:65536", NULL},
        {FIELD(listen), "::1:9464", NULL},
        {FIELD(listen), "[127.0.0.1]:1", NULL},
        {FIELD(listen), "[:1", NULL},
        {FIELD(listen), "[]:1", NULL},
        {FIELD(listen), "[:", NULL},
        {FIELD(listen), ":9464", NULL},
        {FIELD(listen), "9464", NULL},
        {FIELD(listen), "127.0.0.1:", NULL},
        {FIELD(listen), "localhost:9464", NULL},
        {FIELD(listen), "127.0.0.1:+1", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};
        struct config config, before;
        int r;

        config_defaults(&config);
        before = config;
        r = config_set(&config, table[i].name, table[i].value, &why);
        assert_int_equal(r, table[i].expected ? 0 : -EINVAL);
        if (table[i].expected)
            assert_string_equal((char *)&config + table[i].offset, table[i].expected);
        else
            assert_memory_equal(&config, &before, sizeof(config));
    }
}

static void texts_that_just_fit(void **state)
{
    struct config config;
    char path[PATH_MAX + 1] = "/";

    config_defaults(&config);
    memset(path + 1, 'a', 106);
    assert_int_equal(config_set(&config, "socket", path, NULL), 0);
    path[107] = 'a';
    assert_int_equal(config_set(&config, "socket", path, NULL), -EINVAL);
    assert_int_equal(strlen(config.socket), 107);
    memset(path + 1, 'a', PATH_MAX - 2);
    assert_int_equal(config_set(&config, "state_dir", path, NULL), 0);
    path[PATH_MAX - 1] = 'a';
    assert_int_equal(config_set(&config, "state_dir", path, NULL), -EINVAL);
    memset(path, '1', 100);
    strcpy(path + 100, ":1");
    assert_int_equal(config_set(&config, "listen", path, NULL), -EINVAL);
}

static void a_whole_text(void **state)
{
    struct reason why = {""};
    struct config config;

    config_defaults(&config);
    assert_int_equal(config_parse(&config, "", &why), 0);
    assert_int_equal(config_parse(&config,
                                  "# a comment\r\n"
                                  "\n"
                                  "  grace=1s   # of grace\n"
                                  "\tprobes\t= no\r\n"
                                  "#group = root\n"
                                  "listen = \"\"\n"
                                  "grace = 2s\n"
                                  "cache_dir = \"/with room\"\n"
                                  "auto_reset = leaked\n"
                                  "socket = /s#1 #2",
                                  &why),
                     0);
    assert_int_equal(config.grace_ms, 2000);
    assert_false(config.probes);
    assert_true(config.auto_reset);
    assert_string_equal(config.group, "clrmon");
    assert_string_equal(config.listen, "");
    assert_string_equal(config.cache_dir, "/with room");
    assert_string_equal(config.socket, "/s#1");
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } table[] = {
        {"\ngrace = soon\n", "line 2: grace: 'soon' is not a duration of 0s to 1h, such as 10s"},
        {"graze = 1s", "line 1: 'graze': there is no such setting"},
        {"Grace = 1s", "line 1: 'Grace': there is no such setting"},
        {"\n\n\n[daemon]", "line 4: '[daemon]': 'name = value' is wanted"},
        {"= 1", "line 1: '': there is no such setting"},
        {"probes = maybe", "line 1: probes: 'maybe' is not yes or no"},
        {"probes =", "line 1: probes: '' is not yes or no"},
        {"auto_reset = yes", "line 1: auto_reset: 'yes' is not off or leaked"},
        {"\x1b[2J\xff = 1", "line 1: '?[2J?': there is no such setting"},
        {"state_dir = \"/a #b\"", "line 1: state_dir: '\"/a' is not an absolute path"},
        {"probes = yes\ngrace = 1s = 2s", "line 2: grace: '1s = 2s' is not a duration of 0s to 1h, "
                                          "such as 10s"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};
        struct config config, before;

        config_defaults(&config);
        before = config;
        assert_int_equal(config_parse(&config, table[i].text, &why), -EINVAL);
        assert_string_equal(why.text, table[i].expected);
        assert_memory_equal(&config, &before, sizeof(config));
    }
}

static void write_file(const char *path, const void *data, size_t size)
{
    _close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
}

static void files(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        size_t padding; /* so many '#' before it */
        int result;
        const char *said;
    } table[] = {
        {"", 0, 0, 0, ""},
        {"\ngrace = 3s", 11, 0, 0, ""},
        {"\ngrace = 3s", 11, 65536 - 11, 0, ""},
        {"\ngrace = 3s", 11, 65536 - 10, -EFBIG, "larger than 64 KiB"},
        {"\n\ngrace\0 = 3s", 13, 0, -EINVAL, "line 3: a NUL byte"},
        {"\0", 1, 0, -EINVAL, "line 1: a NUL byte"},
        {"\nwhat", 5, 0, -EINVAL, "line 2: 'what'"},
    };
    char path[] = "/tmp/clrmon-config.XXXXXX";

    close(mkstemp(path));
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _free_ char *text = malloc(table[i].padding + table[i].size + 1);
        struct reason why = {""};
        struct config config;

        memset(text, '#', table[i].padding);
        memcpy(text + table[i].padding, table[i].text, table[i].size);
        write_file(path, text, table[i].padding + table[i].size);
        config_defaults(&config);
        assert_int_equal(config_read(&config, path, &why), table[i].result);
        assert_non_null(strstr(why.text, table[i].said));
        if (table[i].result < 0)
            assert_ptr_equal(strstr(why.text, path), why.text);
        assert_int_equal(config.grace_ms, table[i].result == 0 && table[i].size ? 3000 : 10000);
    }
    unlink(path);
}

static void files_that_are_none(void **state)
{
    struct reason why = {""};
    struct config config;
    char folder[] = "/tmp/clrmon-config.XXXXXX", fifo[64];

    config_defaults(&config);
    assert_int_equal(config_read(&config, "/nowhere/clrmon.conf", &why), -ENOENT);
    assert_string_equal(why.text, "/nowhere/clrmon.conf: No such file or directory");
    assert_int_equal(config_read(&config, "/tmp", &why), -EISDIR);
    assert_int_equal(config_read(&config, "/dev/null", &why), 0);
    assert_int_equal(config_read(&config, "/dev/zero", &why), -EFBIG);
    assert_non_null(mkdtemp(folder));
    snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(config_read(&config, fifo, &why), 0);
    unlink(fifo);
    rmdir(folder);
}

static void junk(void **state)
{
    static const char alphabet[] = "grace= \t\n#\"\r\\[]:.0123456789smhdKMG/\x01\x7f\x80\xff\xc3";
    _free_ char *text = malloc(65537);
    struct config config;
    unsigned seed = 20261124;

    config_defaults(&config);
    for (int round = 0; round < 200; round++) {
        size_t length = (size_t)rand_r(&seed) % 65536;
        struct reason why = {""};

        for (size_t i = 0; i < length; i++)
            text[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
        text[length] = 0;
        if (config_parse(&config, text, &why) < 0)
            assert_ptr_equal(strstr(why.text, "line "), why.text);
    }
    memset(text, 'x', 65536);
    text[65536] = 0;
    assert_int_equal(config_parse(&config, text, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),     cmocka_unit_test(numbers),
        cmocka_unit_test(texts),        cmocka_unit_test(texts_that_just_fit),
        cmocka_unit_test(a_whole_text), cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(files),        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(junk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
