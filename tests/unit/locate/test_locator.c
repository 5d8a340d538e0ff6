/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "locate/cache.h"
#include "locate/locator.h"
#include "locate/scenes.h"

static struct builder builder;
static char folder[] = "/tmp/clrmon-test-XXXXXX";
static char path[PATH_MAX], cache[PATH_MAX];

static int remove_one(const char *name, const struct stat *status, int flag, struct FTW *ftw)
{
    return remove(name);
}

static int set_up(void **state)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/libcoreclr.so", folder);
    snprintf(cache, sizeof(cache), "%s/cache", folder);
    scene_runtime(&builder);
    return 0;
}

static int tear_down(void **state)
{
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes the builder's image to a new file in the same place. */
static int new_file(size_t size)
{
    int fd;

    unlink(path);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, builder.bytes, size), size);
    return fd;
}

static const struct locator_options all = {.sources = SOURCES_ALL, .cache = cache};

/* What a locator of its own finds. */
static struct located find(int fd, const struct locator_options *options)
{
    _locator_free_ struct locator *locator = NULL;
    const struct located *located;
    struct reason why = {""};

    assert_int_equal(locator_new(&locator, options), 0);
    if (locator_find(locator, fd, path, &located, &why) < 0)
        fail_msg("%s", why.text);
    return *located;
}

static enum source source_of(const struct located *located, enum site site)
{
    return located->inspection.findings.sites[site].source;
}

static void looks_once(void **state)
{
    _locator_free_ struct locator *locator = NULL;
    const struct located *first, *second;
    _close_ int fd = new_file(BUILD_SIZE), again = open(path, O_RDONLY | O_CLOEXEC), other = -1;

    assert_int_equal(locator_new(&locator, &(struct locator_options){.sources = SOURCES_ALL}), 0);
    assert_int_equal(locator_find(locator, fd, path, &first, NULL), 0);
    assert_int_equal(locator_find(locator, again, NULL, &second, NULL), 0);
    assert_ptr_equal(first, second);
    assert_int_equal(source_of(first, SITE_GC_STATE_LEVELS), SOURCE_STRUCTURE);
    other = new_file(BUILD_SIZE);
    assert_int_equal(locator_find(locator, other, path, &second, NULL), 0);
    assert_ptr_not_equal(first, second);
    assert_false(first->from_cache || second->from_cache);
    assert_string_equal(first->cache_fault.text, "");
}

/* Of three files a locator of two forgets the one that was not asked for longest. */
static void forgets(void **state)
{
    _locator_free_ struct locator *locator = NULL;
    const struct located *located;
    int fds[3];

    assert_int_equal(
        locator_new(&locator, &(struct locator_options){.sources = SOURCES_ALL, .images_max = 2}),
        0);
    for (size_t i = 0; i < 3; i++)
        fds[i] = new_file(BUILD_SIZE);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(locator_find(locator, fds[i], path, &located, NULL), 0);
    assert_true(locator_knows(locator, fds[0])); /* it was asked for */
    assert_int_equal(locator_find(locator, fds[2], path, &located, NULL), 0);
    assert_false(locator_knows(locator, fds[1]));
    assert_true(locator_knows(locator, fds[0]));
    assert_true(locator_knows(locator, fds[2]));
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
}

static void fails_again(void **state)
{
    _locator_free_ struct locator *locator = NULL;
    _close_ int fd = new_file(0x4800);
    const struct located *located;
    struct reason first = {""}, second = {""};

    assert_int_equal(locator_new(&locator, &all), 0);
    assert_int_equal(locator_find(locator, fd, path, &located, &first), -EBADMSG);
    assert_int_equal(locator_find(locator, fd, path, &located, &second), -EBADMSG);
    assert_true(first.text[0]);
    assert_string_equal(first.text, second.text);
    assert_int_equal(locator_find(locator, -1, path, &located, &first), -EBADF);
}

static void kept_for_the_next_run(void **state)
{
    _close_ int fd = new_file(BUILD_SIZE), changed = -1;
    struct located located = find(fd, &all);

    assert_false(located.from_cache);
    located = find(fd, &all);
    assert_true(located.from_cache);
    assert_string_equal(located.cache_fault.text, "");
    assert_int_equal(source_of(&located, SITE_GC_STATE_LEVELS), SOURCE_STRUCTURE);
    assert_int_equal(located.inspection.identity.first_va, 0);
    assert_int_equal(located.inspection.identity.writable_count, 1);
    /* The same build id but other code: what was found is not believed, and is found anew. */
    builder.bytes[0x2f00] ^= 1;
    memset(builder.bytes + 0x3a00, 0xcc, 0x400);
    changed = new_file(BUILD_SIZE);
    located = find(changed, &all);
    assert_false(located.from_cache);
    assert_non_null(strstr(located.cache_fault.text, "but other bytes"));
    assert_int_equal(source_of(&located, SITE_GC_STATE_LEVELS), SOURCE_STRUCTURE);
}

static void not_kept(void **state)
{
    const char *folders[] = {folder};
    const struct {
        struct locator_options options;
        bool usual;
    } table[] = {
        {{1 << SOURCE_STRUCTURE, NULL, 0, cache, 0}, false},
        {{SOURCES_ALL, folders, 1, cache, 0}, false},
        {{SOURCES_ALL, NULL, 0, "", 0}, false},
        {{SOURCES_ALL, NULL, 0, NULL, 0}, false},
        {{SOURCES_ALL, NULL, 0, cache, 0}, true},
    };
    struct stat status;

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _close_ int fd = new_file(BUILD_SIZE);

        assert_false(find(fd, &table[i].options).from_cache);
        assert_int_equal(stat(cache, &status), table[i].usual ? 0 : -1);
    }
}

static void no_runtime(void **state)
{
    _close_ int fd = -1;
    struct located located;
    struct stat status;

    builder_init(&builder, EM_X86_64);
    builder_build_id(&builder, "\1\2\3\4", 4);
    fd = new_file(BUILD_SIZE);
    located = find(fd, &all);
    assert_int_equal(located.inspection.identity.kind, IMAGE_OTHER);
    assert_int_equal(stat(cache, &status), -1);
}

static void foreign_file_is_not_kept(void **state)
{
    _close_ int fd = new_file(BUILD_SIZE);
    struct stat status;

    if (geteuid() != 0)
        skip();
    assert_int_equal(fchown(fd, 12345, 12345), 0);
    find(fd, &all);
    assert_int_equal(stat(cache, &status), -1);
}

/* A pack says where the sessions are, which this image does not tell; what structure tells of the
 * other sites, the pack may say better; symbols nobody contradicts. */
static void imported_packs(void **state)
{
    struct inspection pack;
    _close_ int fd = new_file(BUILD_SIZE);
    struct located located = find(fd, &all);

    pack = located.inspection;
    memset(pack.findings.sites, 0, sizeof(pack.findings.sites));
    findings_add(&pack.findings, SITE_GC_STATE_LEVELS, SOURCE_SYMTAB, CONFIDENCE_CERTAIN, 0x9ff0,
                 "symbol");
    findings_add(&pack.findings, SITE_PROVIDER_CONTEXT_STRESS, SOURCE_SYMTAB, CONFIDENCE_CERTAIN,
                 0x9ff8, "symbol");
    assert_int_equal(cache_write(cache, PACK_IMPORTED, &pack, NULL), 0);
    for (int warm = 0; warm < 2; warm++) {
        located = find(fd, &all);
        assert_int_equal(source_of(&located, SITE_GC_STATE_LEVELS), SOURCE_PACK);
        assert_int_equal(located.inspection.findings.sites[SITE_GC_STATE_LEVELS].address, 0x9ff0);
        assert_int_equal(source_of(&located, SITE_PROVIDER_CONTEXT_STRESS), SOURCE_PACK);
        assert_int_equal(source_of(&located, SITE_EVENTPIPE_SESSIONS), SOURCE_STRUCTURE);
    }
    located = find(fd, &(struct locator_options){.sources = SOURCES_ALL & ~(1u << SOURCE_PACK),
                                                 .cache = cache});
    assert_int_equal(source_of(&located, SITE_GC_STATE_LEVELS), SOURCE_STRUCTURE);
    pack.fingerprint.samples[3].bytes[3] ^= 1;
    assert_int_equal(cache_write(cache, PACK_IMPORTED, &pack, NULL), 0);
    located = find(fd, &all);
    assert_int_equal(source_of(&located, SITE_GC_STATE_LEVELS), SOURCE_STRUCTURE);
    assert_non_null(strstr(located.cache_fault.text, "but other bytes"));
}

static void cache_that_is_no_use(void **state)
{
    char file[PATH_MAX + 64];
    _close_ int fd = new_file(BUILD_SIZE);
    struct located located = find(fd, &all);

    snprintf(file, sizeof(file), "%s/scan-" CLRMON_VERSION "/123456789abcdef0.json", cache);
    assert_int_equal(chmod(file, 0666), 0);
    located = find(fd, &all);
    assert_false(located.from_cache);
    assert_non_null(strstr(located.cache_fault.text, "others may write it"));
    assert_int_equal(source_of(&located, SITE_GC_STATE_LEVELS), SOURCE_STRUCTURE);
    assert_true(find(fd, &all).from_cache); /* it was replaced */
}

static void debug_folders(void **state)
{
    const char *folders[] = {folder};
    struct locator_options options = {SOURCES_ALL, folders, 1, NULL, 0};
    char name[PATH_MAX + 32];
    _close_ int fd = new_file(BUILD_SIZE);
    struct located located;

    snprintf(name, sizeof(name), "%s.moved", path);
    assert_int_equal(rename(path, name), 0);
    scene_symbols(&builder, 0);
    scene_symbol(&builder, "_ep_sessions", 0x9ff0);
    builder_build_id(&builder, "\x12\x34\x56\x78\x9a\xbc\xde\xf0", 8);
    close(new_file(BUILD_SIZE));
    snprintf(name, sizeof(name), "%s.dbg", path);
    assert_int_equal(rename(path, name), 0);
    located = find(fd, &options);
    assert_string_equal(located.debug_file.text, name);
    assert_int_equal(source_of(&located, SITE_EVENTPIPE_SESSIONS), SOURCE_DEBUG_FILE);
    assert_int_equal(source_of(&located, SITE_GC_STATE_LEVELS), SOURCE_STRUCTURE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(looks_once),
        TEST(forgets),
        TEST(fails_again),
        TEST(kept_for_the_next_run),
        TEST(not_kept),
        TEST(no_runtime),
        TEST(foreign_file_is_not_kept),
        TEST(imported_packs),
        TEST(cache_that_is_no_use),
        TEST(debug_folders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
