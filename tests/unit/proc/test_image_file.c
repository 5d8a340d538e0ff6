/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "proc/image_file.h"

struct fixture {
    char folder[64];
    char path[96];
    char other[96];
    const void *view;
    struct maps maps;
    const struct mapping *mapping;
};

static void write_file(const char *path, const char *text)
{
    _close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void read_maps(struct fixture *fixture)
{
    maps_close(&fixture->maps);
    assert_int_equal(maps_read(getpid(), &fixture->maps, NULL), 0);
    fixture->mapping = NULL;
    for (size_t i = 0; i < fixture->maps.count; i++) {
        if (fixture->maps.entries[i].start == (uintptr_t)fixture->view)
            fixture->mapping = &fixture->maps.entries[i];
    }
    assert_non_null(fixture->mapping);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    int fd;

    fixture = (struct fixture){0};
    strcpy(fixture.folder, "/tmp/clrmon-test-XXXXXX");
    assert_non_null(mkdtemp(fixture.folder));
    snprintf(fixture.path, sizeof(fixture.path), "%s/image\n.so", fixture.folder);
    snprintf(fixture.other, sizeof(fixture.other), "%s/other", fixture.folder);
    write_file(fixture.path, "the image");
    write_file(fixture.other, "the other");
    fd = open(fixture.path, O_RDONLY | O_CLOEXEC);
    fixture.view = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    read_maps(&fixture);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    munmap((void *)fixture->view, 4096);
    maps_close(&fixture->maps);
    unlink(fixture->path);
    unlink(fixture->other);
    rmdir(fixture->folder);
    return 0;
}

static void assert_is_image(int fd)
{
    char text[16] = "";

    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof(text)), 9);
    assert_string_equal(text, "the image");
    close(fd);
}

/* By map_files with the rights for that; without them the error is the one given. */
static void assert_only_by_maps(const struct fixture *fixture, const char *word)
{
    enum image_file_way way = IMAGE_FILE_WAY_MAX;
    struct reason why = {0};
    int fd = image_file_open(getpid(), fixture->mapping, &way, &why);

    if (fd >= 0) {
        assert_int_equal(way, IMAGE_FILE_MAPPED);
        assert_is_image(fd);
        return;
    }
    assert_int_equal(fd, -ESTALE);
    assert_true(strstr(why.text, word) != NULL);
}

static void by_path(void **state)
{
    struct fixture *fixture = *state;
    enum image_file_way way = IMAGE_FILE_WAY_MAX;
    int fd = image_file_open(getpid(), fixture->mapping, &way, NULL);

    assert_int_equal(way, IMAGE_FILE_TARGET_ROOT);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_is_image(fd);
}

static void deleted(void **state)
{
    struct fixture *fixture = *state;

    unlink(fixture->path);
    assert_only_by_maps(fixture, "not where");
    read_maps(fixture);
    assert_true(fixture->mapping->deleted);
    assert_only_by_maps(fixture, "deleted");
}

static void replaced(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(rename(fixture->other, fixture->path), 0);
    assert_only_by_maps(fixture, "replaced");
    read_maps(fixture);
    assert_only_by_maps(fixture, "replaced");
}

static void replaced_by_what_is_no_file(void **state)
{
    struct fixture *fixture = *state;

    unlink(fixture->path);
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    assert_only_by_maps(fixture, "replaced");
    unlink(fixture->path);
    assert_int_equal(symlink("/dev/zero", fixture->path), 0);
    assert_only_by_maps(fixture, "replaced");
}

static void executable(void **state)
{
    char path[64];
    struct mapping mapping = {.path = "/nowhere"};
    enum image_file_way way;
    struct stat status;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/exe", getpid());
    assert_int_equal(stat(path, &status), 0);
    mapping.inode = status.st_ino;
    mapping.device_major = (uint32_t)(status.st_dev >> 8 & 0xfff);
    mapping.device_minor = (uint32_t)(status.st_dev & 0xff);
    fd = image_file_open(getpid(), &mapping, &way, NULL);
    assert_true(fd >= 0);
    assert_int_equal(way, IMAGE_FILE_EXECUTABLE);
    close(fd);
}

static void of_no_file(void **state)
{
    const struct mapping stack = {.path = "[stack]"};
    const struct mapping relative = {.path = "relative", .inode = 1};
    struct reason why;

    assert_int_equal(image_file_open(getpid(), &stack, NULL, &why), -ENOENT);
    assert_int_equal(image_file_open(getpid(), &relative, NULL, &why), -ESTALE);
    assert_int_equal(image_file_open(INT32_MAX, &relative, NULL, &why), -ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replaced_by_what_is_no_file, set_up, tear_down),
        cmocka_unit_test(executable),
        cmocka_unit_test(of_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
