/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "locate/cache.h"
#include "locate/pack.h"

static char folder[] = "/tmp/clrmon-test-XXXXXX";
static char cache[PATH_MAX], file[PATH_MAX + 32];
static struct inspection inspection;

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
    return remove(path);
}

static int set_up(void **state)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(cache, sizeof(cache), "%s/cache/clrmon", folder);
    snprintf(file, sizeof(file), "%s/scan-" CLRMON_VERSION "/abcd.json", cache);
    inspection = (struct inspection){
        .identity = {.kind = IMAGE_CORECLR, .machine = EM_X86_64, .version = "10.0.14"},
        .fingerprint = {.count = 1},
    };
    memcpy(inspection.identity.build_id.bytes, "\xab\xcd", 2);
    inspection.identity.build_id.length = 2;
    return 0;
}

static int tear_down(void **state)
{
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int write_cache(void)
{
    return cache_write(cache, PACK_SCANNED, &inspection, NULL);
}

static int read_cache(struct reason *why)
{
    struct inspection out = {.identity.kind = 77};
    int r = cache_read(cache, PACK_SCANNED, &inspection.identity.build_id, &out, why);

    assert_int_equal(out.identity.kind, r < 0 ? 77 : IMAGE_CORECLR);
    return r;
}

static void round_trip(void **state)
{
    struct inspection out;
    struct reason why;
    struct stat status;

    assert_int_equal(read_cache(&why), -ENOENT);
    assert_int_equal(write_cache(), 0);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 07777 & ~0644, 0);
    assert_int_equal(read_cache(&why), 0);
    assert_int_equal(cache_read(cache, PACK_IMPORTED, &inspection.identity.build_id, &out, &why),
                     -ENOENT);
    inspection.identity.build_id.bytes[1] = 0xce;
    assert_int_equal(read_cache(&why), -ENOENT);
    inspection.identity.build_id.length = 0;
    assert_int_equal(read_cache(&why), -ENOENT);
    assert_int_equal(write_cache(), -EINVAL);
}

static void others_may_write_it(void **state)
{
    static const struct {
        mode_t mode;
        int result;
    } table[] = {{0644, 0},      {0600, 0},      {0640, 0},      {0444, 0},
                 {0666, -EPERM}, {0664, -EPERM}, {0646, -EPERM}, {0777, -EPERM}};

    assert_int_equal(write_cache(), 0);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};

        assert_int_equal(chmod(file, table[i].mode), 0);
        assert_int_equal(read_cache(&why), table[i].result);
        if (table[i].result < 0)
            assert_non_null(strstr(why.text, "not used: others may write it"));
    }
}

static void of_another_owner(void **state)
{
    if (geteuid() != 0)
        skip();
    assert_int_equal(write_cache(), 0);
    assert_int_equal(chown(file, 12345, (gid_t)-1), 0);
    assert_int_equal(read_cache(NULL), -EPERM);
}

static void no_regular_file(void **state)
{
    char target[PATH_MAX + 64];
    struct reason why;

    assert_int_equal(write_cache(), 0);
    snprintf(target, sizeof(target), "%s.moved", file);
    assert_int_equal(rename(file, target), 0);
    assert_int_equal(symlink(target, file), 0);
    assert_int_equal(read_cache(&why), -ELOOP);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0); /* and it must not wait for a writer */
    assert_int_equal(read_cache(&why), -EPERM);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkdir(file, 0700), 0);
    assert_int_equal(read_cache(&why), -EPERM);
}

static void bad_content(void **state)
{
    struct reason why;
    int fd;

    assert_int_equal(write_cache(), 0);
    assert_int_equal(truncate(file, 40), 0);
    assert_int_equal(read_cache(&why), -EBADMSG);
    assert_non_null(strstr(why.text, "abcd.json: not JSON: line "));
    assert_int_equal(truncate(file, 0), 0);
    assert_int_equal(read_cache(&why), -EBADMSG);
    fd = open(file, O_WRONLY | O_TRUNC);
    assert_int_equal(ftruncate(fd, PACK_SIZE_MAX + 1), 0);
    close(fd);
    assert_int_equal(read_cache(&why), -EFBIG);
}

static size_t files_in_scan(void)
{
    char path[PATH_MAX + 32];
    size_t count = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "%s/scan-" CLRMON_VERSION, cache);
    dir = opendir(path);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

/* Whoever has the old file open goes on reading it; nothing else is left in the folder. */
static void replaced_whole(void **state)
{
    struct stat before, after;
    _close_ int fd = -1;
    struct inspection out;

    assert_int_equal(write_cache(), 0);
    assert_int_equal(chmod(file, 0666), 0);
    fd = open(file, O_RDONLY);
    strcpy(inspection.identity.version, "10.0.15");
    assert_int_equal(write_cache(), 0);
    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(stat(file, &after), 0);
    assert_true(before.st_ino != after.st_ino && before.st_nlink == 0);
    assert_int_equal(files_in_scan(), 1);
    assert_int_equal(cache_read(cache, PACK_SCANNED, &inspection.identity.build_id, &out, NULL), 0);
    assert_string_equal(out.identity.version, "10.0.15");
}

static void leftovers_and_traps(void **state)
{
    char temporary[PATH_MAX + 64], victim[PATH_MAX + 8];
    struct stat status;

    assert_int_equal(write_cache(), 0);
    snprintf(temporary, sizeof(temporary), "%.*s.%d.tmp", (int)strlen(file) - 5, file,
             (int)getpid());
    snprintf(victim, sizeof(victim), "%s/victim", folder);
    assert_int_equal(symlink(victim, temporary), 0);
    assert_int_equal(write_cache(), 0);
    assert_int_equal(lstat(victim, &status), -1); /* it was not written through the link */
    assert_int_equal(files_in_scan(), 1);
    assert_int_equal(read_cache(NULL), 0);
}

static void cannot_be_written(void **state)
{
    struct reason why = {""};

    snprintf(cache, sizeof(cache), "/proc/self/nothing/clrmon");
    assert_true(cache_write(cache, PACK_SCANNED, &inspection, &why) < 0);
    assert_non_null(strstr(why.text, "/proc/self/nothing/clrmon: can't be made: "));
    snprintf(cache, sizeof(cache), "%s/a/b/c", folder); /* only one level more is made */
    assert_int_equal(cache_write(cache, PACK_SCANNED, &inspection, &why), -ENOENT);
    memset(cache, '/', sizeof(cache) - 1);
    cache[sizeof(cache) - 1] = 0;
    assert_int_equal(cache_write(cache, PACK_SCANNED, &inspection, &why), -ENAMETOOLONG);
    assert_int_equal(cache_write("", PACK_SCANNED, &inspection, &why), -ENOENT);
}

static void default_folders(void **state)
{
    char path[PATH_MAX];

    cache_default_folder(path, sizeof(path));
    if (geteuid() == 0)
        assert_string_equal(path, "/var/cache/clrmon");
    else
        assert_true(!path[0] || path[0] == '/');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(round_trip),          TEST(others_may_write_it), TEST(of_another_owner),
        TEST(no_regular_file),     TEST(bad_content),         TEST(replaced_whole),
        TEST(leftovers_and_traps), TEST(cannot_be_written),   TEST(default_folders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
