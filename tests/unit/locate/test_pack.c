/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <string.h>

#include "locate/pack.h"

static void fill(struct inspection *out)
{
    *out = (struct inspection){
        .identity = {.kind = IMAGE_GC, .machine = EM_AARCH64, .version = "10.0.14"},
        .fingerprint = {.count = 2, .samples = {{0x2000, "0123456789abcdef"}, {INT64_MAX, ""}}},
        .findings =
            {
                .layout = {true, 56, true},
                .lock_exits = {.count = 2,
                               .items = {{0x2100, 0x1100, EXIT_RETURNS, true},
                                         {0x2200, 0x1200, EXIT_THROWS, false}}},
                .wait_exits = {.count = 1, .items = {{0x2300, 0x1300, EXIT_RETURNS, false}}},
                .lock = {8, true, 16, 0x1a8, 28, 0x9200},
                .events = {0x9300, 3, {{1, 2}, {0, 0}, {65535, 255}}},
                .marks = {true, true, 1, 3},
            },
    };
    memcpy(out->identity.build_id.bytes, "\x00\xff\x12", 3);
    out->identity.build_id.length = 3;
    findings_add(&out->findings, SITE_GC_STATE_LEVELS, SOURCE_STRUCTURE, CONFIDENCE_PROVEN, 0x9100,
                 "by \"its\" shape");
    findings_add(&out->findings, SITE_EVENTPIPE_SESSIONS, SOURCE_SYMTAB, CONFIDENCE_CERTAIN,
                 (1ull << 47) - 1, "symbol");
    findings_miss(&out->findings, SITE_GC_STATE_KEYWORDS, "not unique");
    findings_add(&out->findings, SITE_LOCK_CONTENTION_ENTER, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                 0x2000, "enter");
    findings_add(&out->findings, SITE_LOCK_CONTENTION_EXIT, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                 0x2100, "exit");
    findings_add(&out->findings, SITE_WAIT_EXIT, SOURCE_STRUCTURE, CONFIDENCE_PROVEN, 0x2300,
                 "exit");
}

static json_t *pack(void)
{
    struct inspection inspection;

    fill(&inspection);
    return pack_encode(&inspection);
}

static void round_trip(void **state)
{
    struct inspection before, after = {0};
    json_t *json;
    char *text;

    fill(&before);
    json = pack_encode(&before);
    text = json_dumps(json, 0);
    assert_int_equal(pack_parse(text, strlen(text), &after, NULL), 0);
    assert_memory_equal(before.findings.sites, after.findings.sites, sizeof(before.findings.sites));
    assert_int_equal(after.findings.lock_exits.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct function_exit *x = &before.findings.lock_exits.items[i];
        const struct function_exit *y = &after.findings.lock_exits.items[i];

        assert_int_equal(x->address, y->address);
        assert_int_equal(x->offset, y->offset);
        assert_int_equal(x->kind, y->kind);
        assert_int_equal(x->emulated, y->emulated);
    }
    assert_int_equal(after.findings.wait_exits.count, 1);
    assert_int_equal(after.findings.wait_exits.items[0].address, 0x2300);
    assert_int_equal(after.findings.lock.holder, 8);
    assert_true(after.findings.lock.holder_is_thread);
    assert_int_equal(after.findings.lock.owner_tid, 16);
    assert_int_equal(after.findings.lock.thread_tid, 0x1a8);
    assert_int_equal(after.findings.lock.sync_index, 28);
    assert_int_equal(after.findings.lock.sync_table, 0x9200);
    assert_int_equal(after.findings.events.variables, 0x9300);
    assert_int_equal(after.findings.events.count, 3);
    assert_memory_equal(&before.findings.events.items, &after.findings.events.items,
                        3 * sizeof(struct table_event));
    assert_memory_equal(&before.findings.marks, &after.findings.marks,
                        sizeof(before.findings.marks));
    assert_true(after.findings.layout.context_has_enabled && after.findings.layout.has_contract);
    assert_int_equal(after.findings.layout.session_start_time, 56);
    assert_memory_equal(&before.fingerprint, &after.fingerprint, sizeof(before.fingerprint));
    assert_memory_equal(&before.identity.build_id, &after.identity.build_id,
                        sizeof(struct build_id));
    assert_int_equal(after.identity.kind, IMAGE_GC);
    assert_int_equal(after.identity.machine, EM_AARCH64);
    assert_string_equal(after.identity.version, "10.0.14");
    free(text);
    json_decref(json);
}

static void schema(void **state)
{
    static const char *const parts[] = {
        "\"schema\": \"clrmon.pack/2\"",
        "\"build_id\": \"00ff12\"",
        "\"machine\": \"aarch64\"",
        "\"kind\": \"gc\"",
        "{\"offset\": \"0x7fffffffffffffff\", \"bytes\": \"00000000000000000000000000000000\"}",
        "\"layout\": {\"context_has_enabled\": true, \"session_start_time\": 56, "
        "\"has_contract\": true}",
        "{\"name\": \"gc.state.levels\", \"address\": \"0x9100\", \"source\": \"structure\", "
        "\"confidence\": \"proven\", \"evidence\": \"by \\\"its\\\" shape\", \"status\": "
        "\"found\"}",
        "{\"name\": \"gc.state.keywords\", \"address\": null, \"source\": null, "
        "\"confidence\": null, \"evidence\": \"not unique\", \"status\": \"not found\"}",
        "\"layout\": {\"holder\": 8, \"holder_is_thread\": true, \"owner_tid\": 16, "
        "\"thread_tid\": 424, \"sync_index\": 28, \"sync_table\": \"0x9200\"}",
        "\"exits\": [{\"address\": \"0x2100\", \"offset\": \"0x1100\", \"kind\": \"returns\", "
        "\"emulated\": true}, {\"address\": \"0x2200\", \"offset\": \"0x1200\", \"kind\": "
        "\"throws\", \"emulated\": false}]",
        "\"events\": {\"variables\": \"0x9300\", \"ids_and_versions\": [[1, 2], [0, 0], [65535, "
        "255]]}",
        "\"marks\": {\"start\": 1, \"stop\": 3, \"need_event_log\": true}",
    };
    json_t *json = pack();
    char *text = json_dumps(json, 0);

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        if (!strstr(text, parts[i]))
            fail_msg("no %s in %s", parts[i], text);
    assert_int_equal(json_array_size(json_object_get(json, "sites")), SITE_MAX);
    free(text);
    json_decref(json);
}

/* Puts @value, in JSON ("" to remove), at a path like "sites.0.address". */
static void put(json_t *json, const char *path, const char *value)
{
    char copy[64], *last = strrchr(strcpy(copy, path), '.'), *save = NULL;
    json_t *new = *value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    const char *key = last ? last + 1 : copy;

    if (last)
        *last = 0;
    for (char *step = last ? strtok_r(copy, ".", &save) : NULL; step;
         step = strtok_r(NULL, ".", &save))
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(step))
                                   : json_object_get(json, step);
    if (!new)
        json_object_del(json, key);
    else if (json_is_array(json))
        json_array_set_new(json, (size_t)atoi(key), new);
    else
        json_object_set_new(json, key, new);
}

static void malformed_fields(void **state)
{
    static const struct {
        const char *path, *value, *why;
    } table[] = {
        {"schema", "", "not a pack: schema, build_id, machine, kind or version is missing"},
        {"schema", "1", "not a pack: "},
        {"schema", "\"clrmon.stack/2\"", "schema 'clrmon.stack/2' is not clrmon.pack/2"},
        {"build_id", "\"\"", "build id '' is not hexadecimal"},
        {"build_id", "\"abc\"", "build id 'abc' is not hexadecimal"},
        {"build_id", "\"0g\"", "build id '0g' is not hexadecimal"},
        {"build_id", "\"+1\"", "build id '+1' is not hexadecimal"},
        {"build_id", "\"0x\"", "build id '0x' is not hexadecimal"},
        {"build_id", "\"000000000000000000000000000000000000000000000000000000000000000000\"",
         "build id '0000"},
        {"machine", "\"riscv\"", "unknown machine 'riscv' or kind 'gc'"},
        {"machine", "null", "not a pack"},
        {"kind", "\"vm\"", "unknown machine 'aarch64' or kind 'vm'"},
        {"version", "10", "not a pack"},
        {"fingerprint", "", "no fingerprint of 1 to 16 samples"},
        {"fingerprint", "[]", "no fingerprint of 1 to 16 samples"},
        {"fingerprint", "{}", "no fingerprint of 1 to 16 samples"},
        {"fingerprint", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", "no fingerprint of 1 to"},
        {"fingerprint.1", "7", "sample 1 of the fingerprint is malformed"},
        {"fingerprint.0.offset", "12", "sample 0 of the fingerprint is malformed"},
        {"fingerprint.0.offset", "\"-1\"", "sample 0 of the fingerprint is malformed"},
        {"fingerprint.0.offset", "\"0x8000000000000000\"", "sample 0 of the fingerprint is"},
        {"fingerprint.0.bytes", "\"00\"", "sample 0 of the fingerprint is malformed"},
        {"fingerprint.0.bytes", "\"0000000000000000000000000000000000\"", "sample 0 of the"},
        {"fingerprint.0.bytes", "", "sample 0 of the fingerprint is malformed"},
        {"layout", "", "layout is missing or malformed"},
        {"layout.context_has_enabled", "1", "layout is missing or malformed"},
        {"layout.session_start_time", "-1", "layout is missing or malformed"},
        {"layout.session_start_time", "256", "layout is missing or malformed"},
        {"layout.session_start_time", "4294967352", "layout is missing or malformed"},
        {"layout.has_contract", "", "layout is missing or malformed"},
        {"sites", "", "no list of sites"},
        {"sites", "{}", "no list of sites"},
        {"sites.0", "7", "a site has no name"},
        {"sites.0.name", "", "a site has no name"},
        {"sites.0.name", "7", "a site has no name"},
        {"sites.0.evidence", "7", "a site has no name"},
        {"sites.0.address", "\"0x800000000000\"", "site gc.state.levels is malformed"},
        {"sites.0.address", "\"9z\"", "site gc.state.levels is malformed"},
        {"sites.0.address", "\"\"", "site gc.state.levels is malformed"},
        {"sites.0.source", "\"guess\"", "site gc.state.levels is malformed"},
        {"sites.0.source", "\"none\"", "site gc.state.levels is malformed"},
        {"sites.0.confidence", "\"likely\"", "site gc.state.levels is malformed"},
        {"sites.0.confidence", "\"none\"", "site gc.state.levels is malformed"},
        {"sites.1.name", "\"gc.state.levels\"", "site gc.state.levels is named twice"},
        {"sites.14.layout.holder", "0", "site lock.contention.enter is malformed"},
        {"sites.14.layout.holder", "128", "site lock.contention.enter is malformed"},
        {"sites.14.layout.holder", "4294967304", "site lock.contention.enter is malformed"},
        {"sites.14.layout.holder_is_thread", "1", "site lock.contention.enter is malformed"},
        {"sites.14.layout.owner_tid", "-1", "site lock.contention.enter is malformed"},
        {"sites.14.layout.thread_tid", "8192", "site lock.contention.enter is malformed"},
        {"sites.14.layout.sync_index", "128", "site lock.contention.enter is malformed"},
        {"sites.14.layout.sync_table", "\"0x800000000000\"", "site lock.contention.enter is"},
        {"sites.14.layout.sync_table", "", "site lock.contention.enter is malformed"},
        {"sites.14.layout", "7", "site lock.contention.enter is malformed"},
        {"sites.15.exits", "", "site lock.contention.exit is malformed"},
        {"sites.15.exits", "[]", "site lock.contention.exit is malformed"},
        {"sites.15.exits", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", "site lock.contention"},
        {"sites.15.exits.1", "{}", "site lock.contention.exit is malformed"},
        {"sites.15.exits.1.address", "\"0x800000000000\"", "site lock.contention.exit is"},
        {"sites.15.exits.1.offset", "\"-1\"", "site lock.contention.exit is malformed"},
        {"sites.15.exits.1.kind", "\"leaves\"", "site lock.contention.exit is malformed"},
        {"sites.15.exits.1.emulated", "\"yes\"", "site lock.contention.exit is malformed"},
        {"sites.17.exits.0", "null", "site wait.handle.exit is malformed"},
        {"events", "", "no table of at most 512 events"},
        {"events.variables", "7", "no table of at most 512 events"},
        {"events.ids_and_versions", "{}", "no table of at most 512 events"},
        {"events.ids_and_versions.1", "[1]", "event 1 of the table is malformed"},
        {"events.ids_and_versions.2", "[65536, 0]", "event 2 of the table is malformed"},
        {"events.ids_and_versions.0", "[1, -1]", "event 0 of the table is malformed"},
        {"marks", "[]", "the marks are malformed"},
        {"marks.start", "4", "the marks are malformed"},
        {"marks.stop", "\"1\"", "the marks are malformed"},
        {"marks.need_event_log", "1", "the marks are malformed"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct inspection inspection = {.identity.kind = 77};
        struct reason why = {""};
        json_t *json = pack();

        put(json, table[i].path, table[i].value);
        if (pack_decode(json, &inspection, &why) != -EBADMSG)
            fail_msg("row %zu, %s = %s: accepted", i, table[i].path, table[i].value);
        if (!strstr(why.text, table[i].why))
            fail_msg("row %zu, %s: '%s'", i, table[i].path, why.text);
        assert_int_equal(inspection.identity.kind, 77);
        json_decref(json);
    }
}

static void other_releases(void **state)
{
    struct inspection inspection;
    struct reason why;
    json_t *json = pack();

    put(json, "schema", "\"clrmon.pack/1\"");
    assert_int_equal(pack_decode(json, &inspection, &why), -ESTALE);
    assert_string_equal(why.text, "schema 'clrmon.pack/1' is of another release; this one has "
                                  "clrmon.pack/2");
    json_decref(json);
}

static void what_may_be_missing(void **state)
{
    static const struct {
        const char *path, *value;
        bool levels_found;
    } table[] = {
        {"sites.0.address", "", false},
        {"sites.0.address", "7", false},
        {"sites.0.source", "null", false},
        {"sites.0.evidence", "", true},
        {"sites.0.status", "", true},
        {"sites.14.layout", "", true},
        {"sites.0.name", "\"of.the.future\"", false},
        {"sites", "[]", false},
        {"more", "{\"of\": \"the future\"}", true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct inspection inspection;
        json_t *json = pack();

        put(json, table[i].path, table[i].value);
        assert_int_equal(pack_decode(json, &inspection, NULL), 0);
        assert_int_equal(finding_is_found(&inspection.findings.sites[SITE_GC_STATE_LEVELS]),
                         table[i].levels_found);
        json_decref(json);
    }
}

static void no_json(void **state)
{
    static const char *const texts[] = {"", "x", "[]", "7", "{", "null", "{\"a\":1,\"a\":2}"};
    _free_ char *large = malloc(PACK_SIZE_MAX + 1);
    struct inspection inspection;
    struct reason why;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        why.text[0] = 0;
        assert_int_equal(pack_parse(texts[i], strlen(texts[i]), &inspection, &why), -EBADMSG);
        assert_true(why.text[0]);
    }
    memset(large, ' ', PACK_SIZE_MAX + 1);
    assert_int_equal(pack_parse(large, PACK_SIZE_MAX + 1, &inspection, &why), -EBADMSG);
    assert_string_equal(why.text, "larger than 256 KiB");
    memset(large, '[', PACK_SIZE_MAX);
    assert_int_equal(pack_parse(large, PACK_SIZE_MAX, &inspection, &why), -EBADMSG);
}

/* Texts of a pack are shown on terminals and written as JSON again: printable, and whole. */
static void texts_are_made_printable(void **state)
{
    struct inspection inspection;
    char value[2 * EVIDENCE_MAX + 8];
    json_t *json = pack(), *again;

    put(json, "version", "\"\\u001b[31m10\\n\"");
    put(json, "sites.0.evidence", "\"a\\u0007b\\u009bc\"");
    assert_int_equal(pack_decode(json, &inspection, NULL), 0);
    assert_string_equal(inspection.identity.version, "?[31m10?");
    assert_non_null(strstr(inspection.findings.sites[0].evidence, "a?b?"));
    for (size_t i = 0; i < 3; i++)
        assert_null(strpbrk(inspection.findings.sites[i].evidence, "\a\x1b\n"));
    json_decref(json);

    /* Cut in the middle of a character it could not be encoded. */
    json = pack();
    strcpy(value, "\"x");
    for (size_t i = 0; i < EVIDENCE_MAX / 2 + 2; i++)
        strcat(value, "\u00e4");
    strcat(value, "\"");
    put(json, "sites.0.evidence", value);
    put(json, "sites.1.evidence", value);
    put(json, "version", value);
    assert_int_equal(pack_decode(json, &inspection, NULL), 0);
    again = pack_encode(&inspection);
    assert_non_null(again);
    assert_int_equal(json_array_size(json_object_get(again, "sites")), SITE_MAX);
    json_decref(again);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(schema),
        cmocka_unit_test(malformed_fields),
        cmocka_unit_test(what_may_be_missing),
        cmocka_unit_test(other_releases),
        cmocka_unit_test(no_json),
        cmocka_unit_test(texts_are_made_printable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
