/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "runtime/runtime.h"

#define GLIBC "9000-9100 r-xp 00000000 08:01 90 /usr/lib/libc.so.6\n"
#define MUSL  "9000-9100 r-xp 00000000 08:01 90 /lib/ld-musl-x86_64.so.1\n"
#define APP   "1000-2000 r-xp 00000000 08:01 10 /opt/app\n"

#define LOADED(path)                                                                               \
    APP "3000-3100 r--p 00000000 08:01 30 " path "\n"                                              \
        "3100-3200 r-xp 00001000 08:01 30 " path "\n"

#define SHARED "/usr/share/dotnet/shared/Microsoft.NETCore.App/"

static void identify(void **state)
{
    static const struct {
        const char *maps;
        const char *executable;
        enum flavour flavour;
        enum libc libc;
        const char *version;
        uint64_t base;
        uint64_t gc_base;
    } table[] = {
        {LOADED(SHARED "8.0.33/libcoreclr.so") GLIBC, "/opt/app", FLAVOUR_FRAMEWORK_DEPENDENT,
         LIBC_GLIBC, "8.0.33", 0x3000, 0},
        {LOADED(SHARED "11.0.0-preview.1+ab/libcoreclr.so") MUSL GLIBC, "/opt/app",
         FLAVOUR_FRAMEWORK_DEPENDENT, LIBC_MUSL, "11.0.0-preview.1+ab", 0x3000, 0},
        {LOADED(SHARED "8.0.33/libcoreclr.so") "4000-4100 r-xp 00000000 08:01 40 " SHARED
                                               "8.0.33/libclrgcexp.so\n" GLIBC,
         "/opt/app", FLAVOUR_FRAMEWORK_DEPENDENT, LIBC_GLIBC, "8.0.33", 0x3000, 0x4000},
        {LOADED("/opt/libcoreclr.so") GLIBC, "/opt/app", FLAVOUR_SELF_CONTAINED, LIBC_GLIBC, "",
         0x3000, 0},
        {LOADED(SHARED "8.0.33/deeper/libcoreclr.so") GLIBC, "/opt/app", FLAVOUR_SELF_CONTAINED,
         LIBC_GLIBC, "", 0x3000, 0},
        {LOADED(SHARED "8.0.33 x/libcoreclr.so") GLIBC, "/opt/app", FLAVOUR_SELF_CONTAINED,
         LIBC_GLIBC, "", 0x3000, 0},
        {LOADED(SHARED "/libcoreclr.so") GLIBC, "/opt/app", FLAVOUR_SELF_CONTAINED, LIBC_GLIBC, "",
         0x3000, 0},
        {LOADED(SHARED "8.0.0123456789012345678901234567/libcoreclr.so") GLIBC, "/opt/app",
         FLAVOUR_SELF_CONTAINED, LIBC_GLIBC, "", 0x3000, 0},
        {APP GLIBC, "/opt/app", FLAVOUR_UNKNOWN, LIBC_GLIBC, "", 0x1000, 0},
        {"1000-2000 r-xp 00000000 08:01 10 /opt/app (deleted)\n", "/opt/app (deleted)",
         FLAVOUR_UNKNOWN, LIBC_UNKNOWN, "", 0x1000, 0},
        {"500-600 r--p 00000000 08:01 20 /dump/libcoreclr.so\n" LOADED(SHARED
                                                                       "8.0.33/libcoreclr.so"),
         "/opt/app", FLAVOUR_FRAMEWORK_DEPENDENT, LIBC_UNKNOWN, "8.0.33", 0x3000, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct runtime runtime = {0};
        struct reason why = {0};

        assert_int_equal(
            maps_parse(strdup(table[i].maps), strlen(table[i].maps), &runtime.maps, &why), 0);
        assert_int_equal(runtime_identify(table[i].executable, &runtime, &why), 0);
        assert_int_equal(runtime.flavour, table[i].flavour);
        assert_int_equal(runtime.libc, table[i].libc);
        assert_string_equal(runtime.version, table[i].version);
        assert_int_equal(runtime.image.base, table[i].base);
        assert_int_equal(runtime.gc.base, table[i].gc_base);
        runtime_close(&runtime);
    }
}

static void no_image(void **state)
{
    static const char *const table[] = {
        "",
        GLIBC,
        "1000-2000 r--p 00000000 08:01 10 /opt/app\n",
        "1000-2000 r--p 00000000 08:01 10 /opt/libcoreclr.so\n",
        "1000-2000 r-xp 00000000 08:01 10 /opt/app2\n",
        "1000-2000 r-xp 00000000 00:00 0 libcoreclr.so\n",
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct runtime runtime = {0};
        struct reason why = {0};

        assert_int_equal(maps_parse(strdup(table[i]), strlen(table[i]), &runtime.maps, &why), 0);
        assert_int_equal(runtime_identify("/opt/app", &runtime, &why), -ENOEXEC);
        assert_null(runtime.image.mapping);
        runtime_close(&runtime);
    }
}

static void named_gc(void **state)
{
    static const char maps[] =
        LOADED("/opt/libcoreclr.so") "4000-4100 r-xp 00000000 08:01 40 /opt/libother.so\n";
    struct runtime runtime = {.settings.gc_name = {.value = "libother.so", .prefix = KNOB_DOTNET}};
    struct reason why = {0};

    assert_int_equal(maps_parse(strdup(maps), strlen(maps), &runtime.maps, &why), 0);
    assert_int_equal(runtime_identify("/opt/app", &runtime, &why), 0);
    assert_int_equal(runtime.gc.base, 0x4000);
    runtime_close(&runtime);
}

static void reads_itself(void **state)
{
    struct runtime runtime;
    struct process process;
    struct reason why;

    assert_int_equal(process_read(getpid(), &process, &why), 0);
    assert_int_equal(runtime_read(&process, &runtime, &why), 0);
    assert_int_equal(runtime.flavour, FLAVOUR_UNKNOWN);
    assert_memory_equal((const void *)(uintptr_t)runtime.image.base, "\177ELF", 4);
    assert_false(runtime_candidate(&process, &runtime));
    assert_int_equal(runtime_gc_flavour(&process, &runtime.settings), GC_UNKNOWN);
    runtime.settings.gc_server = (struct knob){.value = "1", .prefix = KNOB_DOTNET};
    assert_int_equal(runtime_gc_flavour(&process, &runtime.settings), GC_SERVER);
    runtime_close(&runtime);
    runtime_close(&runtime);
    process.pid = INT32_MAX;
    assert_int_equal(runtime_read(&process, &runtime, &why), -ESRCH);
}

static void texts(void **state)
{
    for (enum flavour i = 0; i < FLAVOUR_MAX; i++)
        assert_non_null(flavour_text(i));
    for (enum libc i = 0; i < LIBC_MAX; i++)
        assert_non_null(libc_text(i));
    for (enum gc_flavour i = 0; i < GC_MAX; i++)
        assert_non_null(gc_flavour_text(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identify),     cmocka_unit_test(no_image), cmocka_unit_test(named_gc),
        cmocka_unit_test(reads_itself), cmocka_unit_test(texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
