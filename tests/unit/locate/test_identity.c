/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "locate/identity.h"
#include "locate/scenes.h"

static struct builder builder;
static struct identity identity;

static void read_identity(void)
{
    struct image image;

    memset(&identity, 0x55, sizeof(identity));
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    identity_read(&image, &identity);
}

static void versions(void **state)
{
    static const struct {
        const char *text, *version;
    } table[] = {
        {"@(#)Version 10.0.1426.52326 @Commit: 0123abc", "10.0.14"},
        {"@(#)Version 10.0.26.52326 @Commit: 0123abc", "10.0.0"},
        {"@(#)Version 9.0.2225.1 @Commit: x", "9.0.22"},
        {"@(#)Version 8.0.23.53103 @Commit: x", "8.0.0"},
        {"@(#)Version 8.0.3325.1", "8.0.33"},
        {"@(#)Version 5.0.20.51904 @Commit: x", "5.0.0"},
        {"@(#)Version 4.700.20.6602 @Commit: x", "3.1"},
        {"@(#)Version 4.700.19.46205 @Commit: x", "3.0"},
        {"@(#)Version 4.6.27317.07 @Commit: x", "2.x"},
        {"@(#)Version 4.7.1.2", ""},
        {"@(#)Version 4.8.4000.0", ""},
        {"@(#)Version 1.2.3.4", ""},
        {"@(#)Version 10.0.1426", ""},
        {"@(#)Version 10.0.1426.", ""},
        {"@(#)Version 1000.0.1.1", ""},
        {"@(#)Version 10.0.12345678.1", ""},
        {"@(#)Version -1.0.1.1", ""},
        {"@(#)Version x", ""},
        {"@(#)Version ", ""},
        {"@(#)", ""},
        {"Version 10.0.1426.52326", ""},
        {"%s%s%s%n", ""},
        {"", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char version[IDENTITY_VERSION_MAX] = "as it was";

        identity_version(table[i].text, version);
        assert_string_equal(version, table[i].version);
    }
}

static void kinds(void **state)
{
    static const struct {
        const char *exported;
        enum image_kind kind;
        const char *version;
    } table[] = {
        {"coreclr_initialize", IMAGE_CORECLR, "10.0.14"},
        {"DotNetRuntimeInfo", IMAGE_CORECLR, "10.0.14"},
        {"g_dacTable", IMAGE_CORECLR, "10.0.14"},
        {"GC_Initialize", IMAGE_GC, "10.0.14"},
        {"DotNetRuntimeDebugHeader", IMAGE_NATIVE_AOT, "10.0.14"},
        {"malloc", IMAGE_OTHER, ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        builder_init(&builder, EM_X86_64);
        builder_put_text(&builder, BUILD_RODATA, "@(#)Version 10.0.1426.52326 @Commit: x");
        builder_export(&builder, table[i].exported, 0x2000);
        read_identity();
        assert_int_equal(identity.kind, table[i].kind);
        assert_string_equal(identity.version, table[i].version);
        assert_string_equal(machine_name(identity.machine), "x86_64");
    }
    assert_string_equal(image_kind_name(IMAGE_OTHER), "other");
    assert_string_equal(image_kind_name(IMAGE_CORECLR), "coreclr");
    assert_string_equal(image_kind_name(IMAGE_GC), "gc");
    assert_string_equal(image_kind_name(IMAGE_NATIVE_AOT), "nativeaot");
    assert_string_equal(machine_name(EM_AARCH64), "aarch64");
    assert_string_equal(machine_name(EM_RISCV), "unknown");
}

static void everything(void **state)
{
    char id[BUILD_ID_TEXT_MAX];

    scene_runtime(&builder);
    builder_add_section(&builder, SHT_PROGBITS, ".gnu_debuglink", 0x5900, 8);
    memcpy(builder.bytes + 0x5900, "a.b\0\4\3\2\1", 8);
    read_identity();
    assert_int_equal(identity.kind, IMAGE_CORECLR);
    assert_int_equal(identity.machine, EM_X86_64);
    build_id_format(&identity.build_id, id);
    assert_string_equal(id, "123456789abcdef0");
    assert_string_equal(identity.version, "10.0.14");
    assert_true(identity.has_contract);
    assert_false(identity.has_symtab);
    assert_int_equal(identity.first_va, 0);
    assert_int_equal(identity.writable_count, 1);
    assert_int_equal(identity.writable[0].va, BUILD_DATA);
    assert_int_equal(identity.writable[0].size, 0x2000);
    assert_string_equal(identity.debuglink, "a.b");
    assert_int_equal(identity.debuglink_crc, 0x01020304);
}

/* A program compiled ahead of time has no stamp, but its class library's version. */
static void library_versions(void **state)
{
    static const struct {
        const char *text, *version;
    } table[] = {
        {"10.0.12-servicing.26422.108+0123", "10.0.12"},
        {"x8.0.0-rtm.23531.1", "8.0.0"},
        {"x-servicing.1", ""},
        {"12345678901234567890-servicing.1", "901234567890"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        builder_init(&builder, EM_X86_64);
        builder_put_text(&builder, BUILD_RODATA, table[i].text);
        builder_export(&builder, "DotNetRuntimeDebugHeader", 0x8000);
        read_identity();
        assert_string_equal(identity.version, table[i].version);
    }
    builder_init(&builder, EM_X86_64); /* at the very start of a segment */
    builder_put_text(&builder, BUILD_DATA, "9.0.1-rtm.1");
    builder_export(&builder, "DotNetRuntimeDebugHeader", 0x8000);
    read_identity();
    assert_string_equal(identity.version, "9.0.1");
}

static void stamp_at_the_end(void **state)
{
    builder_init(&builder, EM_X86_64);
    builder_export(&builder, "GC_Initialize", 0x2000);
    builder_put(&builder, BUILD_CODE - 25, "@(#)Version 10.0.1426.523", 25);
    read_identity();
    assert_string_equal(identity.version, "10.0.14");
    builder_put(&builder, BUILD_CODE - 25, "          @(#)Version 10.", 25);
    read_identity();
    assert_string_equal(identity.version, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),         cmocka_unit_test(kinds),
        cmocka_unit_test(everything),       cmocka_unit_test(library_versions),
        cmocka_unit_test(stamp_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
