/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "../../../lib/locate/inspect.c"

#include "locate/scenes.h"

#define LEVELS "_ZN13GCEventStatus13enabledLevelsE"

static struct builder builder;
static struct inspection inspection;

static int file_of(size_t size)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    assert_int_equal(write(fd, builder.bytes, size), size);
    return fd;
}

/* Symbols that structure would contradict, so that it shows which was asked. */
static int debug_file(const char *build_id)
{
    scene_symbols(&builder, 0);
    scene_symbol(&builder, LEVELS, 0x9ff0);
    if (build_id)
        builder_build_id(&builder, build_id, 8);
    return file_of(BUILD_SIZE);
}

#define ID "\x12\x34\x56\x78\x9a\xbc\xde\xf0"

static void inspect(int image, int debug, source_set sources)
{
    struct reason why = {""};

    inspection = (struct inspection){0};
    if (inspect_image(image, debug, sources, &inspection, &why) < 0)
        fail_msg("%s", why.text);
}

static void by_structure(void **state)
{
    _close_ int image = -1;
    struct identity identity;

    scene_runtime(&builder);
    image = file_of(BUILD_SIZE);
    assert_int_equal(inspect_identity(image, &identity, NULL), 0);
    assert_int_equal(identity.kind, IMAGE_CORECLR);
    assert_string_equal(identity.version, "10.0.14");
    inspect(image, -1, SOURCES_ALL);
    assert_int_equal(inspection.fingerprint.count, FINGERPRINT_SAMPLES);
    assert_int_equal(inspection.findings.sites[SITE_GC_STATE_LEVELS].source, SOURCE_STRUCTURE);
    assert_true(inspection.findings.layout.has_contract);
    assert_int_equal(inspection.findings.layout.session_start_time, 56);
    for (enum site site = 0; site < SITE_MAX; site++)
        assert_true(inspection.findings.sites[site].evidence[0]);
    inspect(image, -1, 1 << SOURCE_SYMTAB); /* the layout is what the code says all the same */
    assert_int_equal(inspection.findings.sites[SITE_GC_STATE_LEVELS].source, SOURCE_NONE);
    assert_string_equal(inspection.findings.sites[SITE_GC_STATE_LEVELS].evidence, "no .symtab");
    assert_int_equal(inspection.findings.layout.session_start_time, 56);
}

static void symbols_come_first(void **state)
{
    static const struct {
        const char *build_id;
        source_set sources;
        enum source source;
    } table[] = {
        {ID, SOURCES_ALL, SOURCE_DEBUG_FILE},
        {"\x12\x34\x56\x78\x9a\xbc\xde\xf1", SOURCES_ALL, SOURCE_STRUCTURE},
        {NULL, SOURCES_ALL, SOURCE_STRUCTURE},
        {ID, 1 << SOURCE_STRUCTURE, SOURCE_STRUCTURE},
        {ID, 1 << SOURCE_DEBUG_FILE, SOURCE_DEBUG_FILE},
        {ID, 1 << SOURCE_PACK, SOURCE_NONE},
    };
    _close_ int image = -1;

    scene_runtime(&builder);
    image = file_of(BUILD_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _close_ int debug = debug_file(table[i].build_id);
        const struct finding *levels = &inspection.findings.sites[SITE_GC_STATE_LEVELS];

        inspect(image, debug, table[i].sources);
        if (levels->source != table[i].source)
            fail_msg("row %zu: %s, %s", i, source_name(levels->source), levels->evidence);
        if (levels->source != SOURCE_NONE)
            assert_int_equal(levels->address,
                             levels->source == SOURCE_DEBUG_FILE ? 0x9ff0 : SCENE_LEVELS);
    }
}

/* Without build ids, the CRC in the debug link decides. */
static void by_debug_link(void **state)
{
    _close_ int debug = debug_file(NULL);
    uint32_t crc = (uint32_t)crc32_z(0, builder.bytes, BUILD_SIZE);

    for (int wrong = 0; wrong < 2; wrong++) {
        uint32_t link = crc + (uint32_t)wrong;
        _close_ int image = -1;

        scene_runtime(&builder);
        builder_header(&builder, HEADER_NOTE)->p_filesz = 0;
        builder_add_section(&builder, SHT_PROGBITS, ".gnu_debuglink", 0x5900, 8);
        memcpy(builder.bytes + 0x5900, "x.d\0", 4);
        memcpy(builder.bytes + 0x5904, &link, 4);
        image = file_of(BUILD_SIZE);
        inspect(image, debug, SOURCES_ALL);
        assert_int_equal(inspection.findings.sites[SITE_GC_STATE_LEVELS].source,
                         wrong ? SOURCE_STRUCTURE : SOURCE_DEBUG_FILE);
    }
}

static void bad_files(void **state)
{
    static const struct {
        size_t size;
        int result;
        const char *why;
    } table[] = {
        {0, -ENOEXEC, "an empty file"},
        {3, -ENOEXEC, "not an ELF file"},
        {0x100, -EBADMSG, "truncated: a segment at offset 0x0 ends after the file"},
        {0x4800, -EBADMSG, "truncated: a segment at offset 0x4000 ends after the file"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct identity identity = {.kind = 77};
        struct reason why;
        _close_ int image = -1;

        scene_runtime(&builder);
        image = file_of(table[i].size);
        assert_int_equal(inspect_identity(image, &identity, &why), table[i].result);
        assert_int_equal(identity.kind, 77);
        assert_int_equal(inspect_image(image, -1, SOURCES_ALL, &inspection, &why), table[i].result);
        assert_non_null(strstr(why.text, table[i].why));
    }
}

/* What the child answers is checked as the file would be. */
static void impossible_answers(void **state)
{
    static const struct {
        size_t offset, size;
        uint64_t value;
    } table[] = {
#define FIELD(field, value)                                                                        \
    {offsetof(struct inspection, field), sizeof(((struct inspection *)0)->field), value}
        FIELD(identity.kind, IMAGE_KIND_MAX),
        FIELD(identity.kind, UINT32_MAX),
        FIELD(identity.build_id.length, BUILD_ID_MAX + 1),
        FIELD(identity.writable_count, IDENTITY_WRITABLE_MAX + 1),
        FIELD(fingerprint.count, FINGERPRINT_SAMPLES + 1),
        FIELD(findings.layout.session_start_time, 256),
        FIELD(findings.sites[3].source, SOURCE_MAX),
        FIELD(findings.sites[3].source, SOURCE_SYMTAB), /* without confidence */
        FIELD(findings.sites[3].confidence, CONFIDENCE_PROVEN),
        FIELD(findings.sites[3].confidence, CONFIDENCE_MAX),
        FIELD(findings.sites[3].address, 1ull << 47),
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct inspection answer = {0};

        assert_int_equal(check_inspection(&answer), 0);
        memcpy((char *)&answer + table[i].offset, &table[i].value, table[i].size);
        if (check_inspection(&answer) != -EBADMSG)
            fail_msg("row %zu is accepted", i);
    }
}

static void texts_that_do_not_end(void **state)
{
    struct inspection answer = {.findings.sites[2].evidence = "a\x1b[1m\xff"
                                                              "b"};

    assert_int_equal(check_inspection(&answer), 0);
    assert_string_equal(answer.findings.sites[2].evidence, "a?[1m?b");
    memset(answer.findings.sites[2].evidence, 'x', EVIDENCE_MAX);
    assert_int_equal(check_inspection(&answer), -EBADMSG);
    answer = (struct inspection){0};
    memset(answer.identity.version, 'x', IDENTITY_VERSION_MAX);
    assert_int_equal(check_inspection(&answer), -EBADMSG);
    answer = (struct inspection){0};
    memset(answer.identity.debuglink, 'x', DEBUGLINK_MAX);
    assert_int_equal(check_inspection(&answer), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_structure),       cmocka_unit_test(symbols_come_first),
        cmocka_unit_test(by_debug_link),      cmocka_unit_test(bad_files),
        cmocka_unit_test(impossible_answers), cmocka_unit_test(texts_that_do_not_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
