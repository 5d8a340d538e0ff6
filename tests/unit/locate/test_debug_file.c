/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "locate/debug_file.h"

static char folder[] = "/tmp/clrmon-test-XXXXXX";

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
    return remove(path);
}

static int set_up(void **state)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make(const char *name, bool is_folder)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    if (is_folder) {
        assert_int_equal(mkdir(path, 0700), 0);
        return;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static struct identity identity_of(const char *link)
{
    struct identity identity = {.build_id = {"\xab\xcd\xef", 3}};

    strcpy(identity.debuglink, link);
    return identity;
}

/* Opens and checks which file it was, by its name in the test's folder; NULL: none. */
static void expect(const struct identity *identity, bool with_folder, const char *expected)
{
    char image[PATH_MAX], symbols[PATH_MAX];
    const char *folders[] = {symbols};
    struct reason found = {""};
    _close_ int fd = -1;

    snprintf(image, sizeof(image), "%s/app/libcoreclr.so", folder);
    snprintf(symbols, sizeof(symbols), "%s/symbols", folder);
    fd = debug_file_open(identity, image, folders, with_folder, &found);
    if (!expected) {
        assert_int_equal(fd, -ENOENT);
        fd = -1;
        return;
    }
    assert_true(fd >= 0);
    assert_string_equal(found.text + strlen(folder) + 1, expected);
}

static void layouts(void **state)
{
    static const struct {
        const char *file, *link;
        bool with_folder, found;
    } table[] = {
        {"symbols/.build-id/ab/cdef.debug", "", true, true},
        {"symbols/.build-id/ab/cdef.debug", "", false, false},
        {"symbols/_.debug/elf-buildid-sym-abcdef/_.debug", "", true, true},
        {"symbols/libcoreclr.so.dbg/elf-buildid-sym-abcdef/libcoreclr.so.dbg", "", true, true},
        {"symbols/libcoreclr.so.dbg", "", true, true},
        {"symbols/link.dbg", "link.dbg", true, true},
        {"symbols/link.dbg", "", true, false},
        {"app/link.dbg", "link.dbg", false, true},
        {"app/.debug/link.dbg", "link.dbg", false, true},
        {"app/libcoreclr.so.dbg", "", false, true},
        {"app/.build-id/ab/cdef.debug", "", false, false},
        {"symbols/.build-id/ab/cdee.debug", "", true, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct identity identity = identity_of(table[i].link);

        make(table[i].file, false);
        expect(&identity, table[i].with_folder, table[i].found ? table[i].file : NULL);
        tear_down(state);
        set_up(state);
    }
}

static void order(void **state)
{
    static const char *const files[] = {
        "app/libcoreclr.so.dbg",
        "app/.debug/link.dbg",
        "app/link.dbg",
        "symbols/link.dbg",
        "symbols/_.debug/elf-buildid-sym-abcdef/_.debug",
        "symbols/.build-id/ab/cdef.debug",
    };
    struct identity identity = identity_of("link.dbg");

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        make(files[i], false);
        expect(&identity, true, files[i]);
    }
}

static void no_file_of_that_kind(void **state)
{
    struct identity identity = identity_of("link.dbg"), none = {0};
    char path[PATH_MAX];
    struct reason found;

    make("symbols/.build-id/ab/cdef.debug", true);
    make("app/libcoreclr.so.dbg", true);
    snprintf(path, sizeof(path), "%s/app/link.dbg", folder);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not wait for a writer */
    expect(&identity, true, NULL);
    expect(&none, true, NULL);
    assert_int_equal(debug_file_open(&none, NULL, NULL, 0, &found), -ENOENT);
    assert_int_equal(debug_file_open(&identity, "name", NULL, 0, &found), -ENOENT);
    identity.build_id.length = 1; /* too short to be split */
    expect(&identity, true, NULL);
}

/* A path is opened as it is, and shown so that neither a terminal nor JSON minds. */
static void shown_printable(void **state)
{
    struct identity identity = identity_of("link\x1b\xff.dbg");

    make("app/link\x1b\xff.dbg", false);
    expect(&identity, false, "app/link??.dbg");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(layouts), TEST(order), TEST(no_file_of_that_kind),
                                       TEST(shown_printable)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
