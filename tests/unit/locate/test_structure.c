/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "locate/scenes.h"
#include "locate/structure.h"

static struct builder builder;
static struct findings findings;
static struct image image;

static int find(struct reason *why)
{
    int r;

    findings = (struct findings){0};
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, why), 0);
    r = structure_find(&image, NULL, &findings, why);
    image_close(&image);
    return r;
}

static void expect_found(enum site site, uint64_t address)
{
    const struct finding *finding = &findings.sites[site];

    if (finding->source != SOURCE_STRUCTURE)
        fail_msg("%s: not found: %s", site_name(site), finding->evidence);
    assert_int_equal(finding->address, address);
    assert_int_equal(finding->confidence, CONFIDENCE_PROVEN);
    assert_true(finding->evidence[0]);
}

static void expect_missing(enum site site, const char *why)
{
    const struct finding *finding = &findings.sites[site];

    if (finding_is_found(finding))
        fail_msg("%s: found: %s", site_name(site), finding->evidence);
    if (!strstr(finding->evidence, why))
        fail_msg("%s: '%s' does not say '%s'", site_name(site), finding->evidence, why);
}

static void everything(void **state)
{
    static const struct {
        enum site site;
        uint64_t address;
    } table[] = {
        {SITE_GC_STATE_LEVELS, SCENE_LEVELS},
        {SITE_GC_STATE_KEYWORDS, SCENE_KEYWORDS},
        {SITE_GC_CONTROL_PUBLIC_WKS, 0x2000},
        {SITE_GC_CONTROL_PRIVATE_WKS, 0x2020},
        {SITE_GC_CONTROL_PUBLIC_SVR, 0x2100},
        {SITE_GC_CONTROL_PRIVATE_SVR, 0x2120},
        {SITE_PROVIDER_CONTEXT_RUNTIME, SCENE_CONTEXT},
        {SITE_EVENTPIPE_PROVIDER_RUNTIME, SCENE_OBJECT},
        {SITE_EVENTPIPE_SESSIONS, SCENE_SESSIONS},
    };

    scene_runtime(&builder);
    assert_int_equal(find(NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        expect_found(table[i].site, table[i].address);
    assert_true(findings.layout.context_has_enabled);
    assert_int_equal(findings.layout.session_start_time, 56);
    expect_missing(SITE_PROVIDER_CONTEXT_PRIVATE,
                   "no call creates Microsoft-Windows-DotNETRuntimeP");
}

static void nothing(void **state)
{
    struct reason why;

    builder_init(&builder, EM_X86_64);
    assert_int_equal(find(&why), -ENODATA);
    scene_heaps(&builder, 0x2000, 0);
    assert_int_equal(find(&why), 0);
    expect_missing(SITE_GC_STATE_LEVELS, "no vtable has the pair ControlEvents");
    expect_missing(SITE_PROVIDER_CONTEXT_RUNTIME, "the image does not name Microsoft-Windows-");
    expect_missing(SITE_EVENTPIPE_SESSIONS, "the image lists no QCall that looks up a session");
}

static void one_gc(void **state)
{
    static const uint16_t machines[] = {EM_X86_64, EM_AARCH64};

    for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
        builder_init(&builder, machines[i]);
        scene_gc(&builder, 0x8200, 0x2000, SCENE_LEVELS, false);
        assert_int_equal(find(NULL), 0);
        expect_found(SITE_GC_STATE_LEVELS, SCENE_LEVELS);
        expect_found(SITE_GC_STATE_KEYWORDS, SCENE_KEYWORDS);
        expect_found(SITE_GC_CONTROL_PUBLIC_WKS, 0x2000);
        expect_missing(SITE_GC_CONTROL_PUBLIC_SVR, "the image has one GC, not two");
        expect_missing(SITE_GC_CONTROL_PRIVATE_SVR, "the image has one GC, not two");
    }
}

static void two_gcs(void **state)
{
    static const uint16_t machines[] = {EM_X86_64, EM_AARCH64};

    for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
        builder_init(&builder, machines[i]);
        scene_gc(&builder, 0x8200, 0x2000, SCENE_LEVELS, true);
        scene_gc(&builder, 0x8300, 0x2100, SCENE_LEVELS, false);
        assert_int_equal(find(NULL), 0);
        expect_found(SITE_GC_STATE_LEVELS, SCENE_LEVELS);
        expect_found(SITE_GC_CONTROL_PUBLIC_WKS, 0x2100);
        expect_found(SITE_GC_CONTROL_PUBLIC_SVR, 0x2000);
        /* Two of the same kind cannot be told apart, but write the same variables. */
        builder_init(&builder, machines[i]);
        scene_gc(&builder, 0x8200, 0x2000, SCENE_LEVELS, true);
        scene_gc(&builder, 0x8300, 0x2100, SCENE_LEVELS, true);
        assert_int_equal(find(NULL), 0);
        expect_found(SITE_GC_STATE_LEVELS, SCENE_LEVELS);
        expect_missing(SITE_GC_CONTROL_PUBLIC_WKS, "no slot tells workstation from server");
        expect_missing(SITE_GC_CONTROL_PRIVATE_SVR, "no slot tells workstation from server");
    }
}

static void two_places_are_none(void **state)
{
    builder_init(&builder, EM_X86_64);
    scene_gc(&builder, 0x8200, 0x2000, SCENE_LEVELS, false);
    scene_gc(&builder, 0x8300, 0x2100, SCENE_LEVELS + 0x40, true);
    assert_int_equal(find(NULL), 0);
    for (enum site site = SITE_GC_STATE_LEVELS; site <= SITE_GC_CONTROL_PRIVATE_SVR; site++)
        expect_missing(site, "not unique: ControlEvents pairs at 0x2100 and before it differ");
    for (uint64_t other = 0; other < 2; other++) { /* the levels alone, the keywords alone */
        uint64_t levels = SCENE_LEVELS + 0x40 * other, keywords = SCENE_KEYWORDS + 0x40 * !other;

        builder_init(&builder, EM_X86_64);
        scene_gc(&builder, 0x8200, 0x2000, SCENE_LEVELS, false);
        builder_relocate(&builder, 0x8300, scene_control(&builder, 0x2100, levels, keywords));
        builder_relocate(&builder, 0x8308,
                         scene_control(&builder, 0x2120, levels + 4, keywords + 4));
        assert_int_equal(find(NULL), 0);
        expect_missing(SITE_GC_STATE_LEVELS, "not unique: ControlEvents pairs at 0x2100");
    }
}

/* Each row spoils one thing about the pair of functions. */
static void pairs_that_are_none(void **state)
{
    static const struct {
        uint64_t at;
        const char *bytes;
        size_t size;
    } table[] = {
        {0x2000, "\x89\x0d", 2},                 /* stores another argument: ecx */
        {0x2006, "\x89\x15", 2},                 /* stores the level twice */
        {0x2000, "\x90\x90\x90\x90\x90\x90", 6}, /* lacks a store */
        {0x2000, "\x66\x89\x15\xf9\x70\0\0", 7}, /* stores 16 bits, and then is no code */
        {0x200c, "\xcc", 1},                     /* traps */
        {0x200c, "\xeb\x00", 2},                 /* jumps on */
        {0x200c, "\x90\x90", 2},                 /* does not return */
        {0x2022, "\xe0\x70\0\0", 4},             /* private is not public and 4 */
        {0x2028, "\xf0\x70\0\0", 4},
        {0x2002, "\xfa\xef\xff\xff", 4}, /* to read-only data */
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        builder_init(&builder, EM_X86_64);
        memset(builder_at(&builder, BUILD_CODE), 0x90, 0x2000);
        scene_gc(&builder, 0x8200, 0x2000, SCENE_LEVELS, false);
        builder_put(&builder, table[i].at, table[i].bytes, table[i].size);
        assert_int_equal(find(NULL), 0);
        if (finding_is_found(&findings.sites[SITE_GC_STATE_LEVELS]))
            fail_msg("row %zu: found", i);
        expect_missing(SITE_GC_STATE_LEVELS, "no vtable has the pair");
    }
    builder_init(&builder, EM_X86_64); /* slots that are not adjacent */
    builder_relocate(&builder, 0x8200,
                     scene_control(&builder, 0x2000, SCENE_LEVELS, SCENE_KEYWORDS));
    builder_relocate(&builder, 0x8210,
                     scene_control(&builder, 0x2020, SCENE_LEVELS + 4, SCENE_KEYWORDS + 4));
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_GC_STATE_LEVELS, "no vtable has the pair");
}

static void contexts(void **state)
{
    builder_init(&builder, EM_X86_64);
    scene_provider(&builder, false); /* as in 3.1 */
    assert_int_equal(find(NULL), 0);
    expect_found(SITE_PROVIDER_CONTEXT_RUNTIME, SCENE_CONTEXT);
    assert_false(findings.layout.context_has_enabled);

    builder_init(&builder, EM_X86_64); /* through a variable that points to the name, in UTF-8 */
    builder_put_text(&builder, SCENE_NAME, "Microsoft-Windows-DotNETRuntimePrivate");
    builder_relocate(&builder, 0x8500, SCENE_NAME);
    scene_callback(&builder, SCENE_CALLBACK, SCENE_CONTEXT, true);
    scene_creator(&builder, SCENE_CREATOR, 0x8500, SCENE_CALLBACK, SCENE_OBJECT);
    builder_put(&builder, SCENE_CREATOR, "\x48\x8b\x3d", 3); /* mov rdi, [name] */
    assert_int_equal(find(NULL), 0);
    expect_found(SITE_PROVIDER_CONTEXT_PRIVATE, SCENE_CONTEXT);
    expect_missing(SITE_PROVIDER_CONTEXT_RUNTIME,
                   "no call creates Microsoft-Windows-DotNETRuntime");
    expect_missing(SITE_EVENTPIPE_PROVIDER_RUNTIME, "no single call that creates");
}

static void contexts_that_are_none(void **state)
{
    struct code_writer code;

    builder_init(&builder, EM_X86_64); /* keywords elsewhere */
    scene_provider(&builder, true);
    builder_put_32(&builder, SCENE_CALLBACK + 6 + 2 + 7 + 3, SCENE_CONTEXT + 24 - 0x2816);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_PROVIDER_CONTEXT_RUNTIME, "does not store a level and keywords as a");
    expect_found(SITE_EVENTPIPE_PROVIDER_RUNTIME, SCENE_OBJECT);

    builder_init(&builder, EM_X86_64); /* two levels */
    scene_wide(&builder, SCENE_NAME, "Microsoft-Windows-DotNETRuntime");
    code = scene_code(&builder, SCENE_CALLBACK);
    RELATIVE(&code, MOV_TO_DL, SCENE_CONTEXT + 8);
    RELATIVE(&code, MOV_TO_DL, SCENE_CONTEXT + 40);
    RELATIVE(&code, MOV_TO_RCX, SCENE_CONTEXT + 16);
    BYTES(&code, RET);
    scene_end(&code);
    scene_creator(&builder, SCENE_CREATOR, SCENE_NAME, SCENE_CALLBACK, SCENE_OBJECT);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_PROVIDER_CONTEXT_RUNTIME, "not unique: its callback at 0x2800 stores");

    builder_init(&builder, EM_X86_64); /* two creators with different callbacks */
    scene_provider(&builder, true);
    scene_callback(&builder, 0x2880, SCENE_CONTEXT + 0x40, true);
    scene_creator(&builder, 0x2a00, SCENE_NAME, 0x2880, SCENE_OBJECT + 8);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_PROVIDER_CONTEXT_RUNTIME, "not unique: its callback at ");
    expect_missing(SITE_EVENTPIPE_PROVIDER_RUNTIME, "no single call that creates");

    builder_init(&builder, EM_X86_64); /* the name of another provider goes on */
    scene_provider(&builder, true);
    scene_wide(&builder, SCENE_NAME, "Microsoft-Windows-DotNETRuntimeExtra");
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_PROVIDER_CONTEXT_RUNTIME, "the image does not name");
}

/* Some builds have one common function to which callbacks jump, level and keywords unchanged. */
static void callback_passes_on(void **state)
{
    struct code_writer code;

    builder_init(&builder, EM_X86_64);
    scene_wide(&builder, SCENE_NAME, "Microsoft-Windows-DotNETRuntime");
    scene_callback(&builder, 0x2b00, SCENE_CONTEXT, true);
    code = scene_code(&builder, SCENE_CALLBACK);
    RELATIVE(&code, JMP, 0x2b00);
    scene_end(&code);
    scene_creator(&builder, SCENE_CREATOR, SCENE_NAME, SCENE_CALLBACK, SCENE_OBJECT);
    assert_int_equal(find(NULL), 0);
    expect_found(SITE_PROVIDER_CONTEXT_RUNTIME, SCENE_CONTEXT);
    builder_put(&builder, SCENE_CALLBACK, "\x31\xc9\xe9\xf9\x02\x00\x00", 7); /* xor ecx, ecx */
    builder_put_32(&builder, BUILD_FRAMES + 64 + 24 + 12, 7);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_PROVIDER_CONTEXT_RUNTIME, "does not store a level and keywords as a");
}

static void sessions(void **state)
{
    uint64_t search, other;

    builder_init(&builder, EM_X86_64);
    scene_sessions(&builder);
    assert_int_equal(find(NULL), 0);
    expect_found(SITE_EVENTPIPE_SESSIONS, SCENE_SESSIONS);
    assert_int_equal(findings.layout.session_start_time, 56);

    builder_init(&builder, EM_X86_64); /* one vote is none */
    search = scene_search(&builder, 0x2f00, SCENE_SESSIONS);
    scene_qcall(&builder, 0, "EventPipeInternal_GetSessionInfo", search, 40);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_EVENTPIPE_SESSIONS, "not unique: 1 of 1 QCalls");
    assert_int_equal(findings.layout.session_start_time, 40);

    builder_init(&builder, EM_X86_64); /* they disagree */
    search = scene_search(&builder, 0x2f00, SCENE_SESSIONS);
    other = scene_search(&builder, 0x2f40, SCENE_SESSIONS + 512);
    scene_qcall(&builder, 0, "EventPipeInternal_GetSessionInfo", search, 56);
    scene_qcall(&builder, 1, "EventPipeInternal_SignalSession", other, 56);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_EVENTPIPE_SESSIONS,
                   "not unique: 2 of 2 QCalls lead to a table of 64, 0 in");

    builder_init(&builder, EM_X86_64); /* the table is no variable */
    search = scene_search(&builder, 0x2f00, BUILD_RODATA);
    scene_qcall(&builder, 0, "EventPipeInternal_GetSessionInfo", search, 56);
    scene_qcall(&builder, 1, "EventPipeInternal_SignalSession", search, 56);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_EVENTPIPE_SESSIONS, "not unique: 0 of 2 QCalls");
}

static void locks(void **state)
{
    builder_init(&builder, EM_X86_64);
    scene_locks(&builder);
    assert_int_equal(find(NULL), 0);
    expect_found(SITE_LOCK_CONTENTION_ENTER, SCENE_HELPER);
    assert_int_equal(findings.lock.holder, 8);
    assert_false(findings.lock.holder_is_thread);
    assert_int_equal(findings.lock.owner_tid, 0x10);
    assert_int_equal(findings.lock.thread_tid, 0x128);
    assert_int_equal(findings.lock.sync_index, 0x1c);
    assert_int_equal(findings.lock.sync_table, SCENE_SYNC_TABLE);
    assert_int_equal(findings.lock_exits.count, 2);
    expect_found(SITE_LOCK_CONTENTION_EXIT, findings.lock_exits.items[0].address);
    assert_int_equal(findings.lock_exits.items[0].kind, EXIT_RETURNS);
    assert_int_equal(findings.lock_exits.items[1].kind, EXIT_THROWS);
    assert_true(findings.lock_exits.items[0].emulated && findings.lock_exits.items[1].emulated);
}

/* The same number of bytes in place of those that the helper has once. */
static void spoil(const char *bytes, const char *by, size_t size)
{
    uint8_t *at = memmem(builder_at(&builder, SCENE_HELPER), 256, bytes, size);

    assert_non_null(at);
    memcpy(at, by, size);
}

#define SPOIL(bytes, by) bytes, by, sizeof(by) - 1

/* Each row spoils one thing about the function. */
static void locks_that_are_none(void **state)
{
    static const struct {
        const char *bytes, *by;
        size_t size;
        const char *why;
    } table[] = {
        {SPOIL("\xbe\x00\x40\x00\x00", "\xbe\x00\x20\x00\x00"), "does not test keyword 0x4000"},
        {SPOIL("\xf0\x44\x0f\xb1\x3b", "\x90\x90\x90\x90\x90"), "does not change the lock's state"},
        {SPOIL("\xf0\x44\x0f\xb1\x3b", "\xf0\x45\x0f\xb1\x3b"), "does not change the lock's state"},
        {SPOIL("\x89\x43\x08", "\x90\x90\x90"), "does not show where a lock's owner is"},
        {SPOIL("\x81\xe1\xff\xff\xff\x7f", "\x81\xe1\xff\xff\xff\x3f"), "does not show where"},
        {SPOIL("\x48\x89\x43\x10", "\x48\x89\x43\x14"), "does not show where a lock's owner is"},
        {SPOIL("\x4c\x89\x65\x98", "\x4c\x89\x65\xa0"), "does not show where a lock's owner is"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        builder_init(&builder, EM_X86_64);
        scene_locks(&builder);
        spoil(table[i].bytes, table[i].by, table[i].size);
        assert_int_equal(find(NULL), 0);
        expect_missing(SITE_LOCK_CONTENTION_ENTER, table[i].why);
        expect_missing(SITE_LOCK_CONTENTION_EXIT, table[i].why);
        assert_int_equal(findings.lock_exits.count, 0);
        assert_int_equal(findings.lock.holder, 0);
    }
}

static void locks_not_unique(void **state)
{
    static const char other[] = "\xe8\x2b\xff\xff\xff\xe8\x66\xff\xff\xff\xc3"; /* calls both */

    builder_init(&builder, EM_X86_64);
    scene_locks(&builder);
    builder_function(&builder, 0x3e80, other, sizeof(other) - 1);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_LOCK_CONTENTION_ENTER, "not unique: 2 functions write both");
    builder_init(&builder, EM_X86_64); /* none */
    scene_locks(&builder);
    memset(builder_at(&builder, SCENE_WRITERS + 0x40), 0x90, 64);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_LOCK_CONTENTION_ENTER, "no function writes both ContentionStart and");
    builder_init(&builder, EM_X86_64); /* nobody calls it */
    scene_locks(&builder);
    memset(builder_at(&builder, SCENE_CALLER), 0x90, 5);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_LOCK_CONTENTION_ENTER, "0 functions call the one at 0x3c00, not 1 to");
    builder_init(&builder, EM_X86_64); /* too few events */
    scene_init(&builder, 50);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_LOCK_CONTENTION_ENTER, "defines 50 events, not 64");
}

static void exits_of_locks(void **state)
{
    builder_init(&builder, EM_X86_64); /* nothing to cut but the return */
    scene_locks(&builder);
    spoil("\x74\x1b", "\x89\xc0", 2);
    assert_int_equal(find(NULL), 0);
    expect_found(SITE_LOCK_CONTENTION_ENTER, SCENE_HELPER);
    assert_int_equal(findings.lock_exits.count, 2);
    assert_false(findings.lock_exits.items[0].emulated);
    assert_int_equal(findings.lock_exits.items[0].kind, EXIT_RETURNS);
    assert_int_equal(*(uint8_t *)builder_at(&builder, findings.lock_exits.items[0].address), 0xc3);

    builder_init(&builder, EM_X86_64); /* who knows where to */
    scene_locks(&builder);
    spoil("\x74\x1b", "\xff\xe0", 2);
    assert_int_equal(find(NULL), 0);
    expect_found(SITE_LOCK_CONTENTION_ENTER, SCENE_HELPER);
    expect_missing(SITE_LOCK_CONTENTION_EXIT, "not all ways out are known: an indirect jump at");
    assert_int_equal(findings.lock_exits.count, 0);
}

/* Symbols alone know the function: its exits and the layout come from its code all the same. */
static void named_locks(void **state)
{
    struct findings named = {0};

    findings_add(&named, SITE_LOCK_CONTENTION_ENTER, SOURCE_SYMTAB, CONFIDENCE_CERTAIN,
                 SCENE_HELPER, "symbol");
    builder_init(&builder, EM_X86_64);
    scene_locks(&builder);
    memset(builder_at(&builder, SCENE_WRITERS + 0x40), 0x90, 64);
    findings = (struct findings){0};
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(structure_find(&image, &named, &findings, NULL), 0);
    image_close(&image);
    expect_missing(SITE_LOCK_CONTENTION_ENTER, "no function writes both ContentionStart and");
    assert_int_equal(findings.lock_exits.count, 2);
    assert_int_equal(findings.lock.owner_tid, 0x10);
}

static void list_entry(uint64_t slot, const char *name, uint64_t text, uint64_t function,
                       bool first)
{
    builder_put_text(&builder, text, name);
    builder_relocate(&builder, first ? slot : slot + 8, text);
    builder_relocate(&builder, first ? slot + 8 : slot, function);
}

static void waits(void **state)
{
    static const char wait[] = "\xe8\x00\x00\x00\x00\x75\x00\xc3"; /* call; jne; ret */
    static const struct {
        const char *name;
        bool first;
        bool found;
    } table[] = {
        {"WaitHandle_WaitOneCore", true, true},   {"WaitOneCore", false, true},
        {"WaitOneNative", false, true},           {"WaitHandle_WaitOneCore", false, false},
        {"WaitHandle_WaitOneCore2", true, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        builder_init(&builder, EM_X86_64);
        builder_function(&builder, 0x2f00, wait, sizeof(wait) - 1);
        list_entry(0x8600, table[i].name, 0x1a00, 0x2f00, table[i].first);
        assert_int_equal(find(NULL), 0);
        if (!table[i].found) {
            expect_missing(SITE_WAIT_ENTER, "the image lists no function WaitHandle_WaitOneCore");
            continue;
        }
        expect_found(SITE_WAIT_ENTER, 0x2f00);
        expect_found(SITE_WAIT_EXIT, 0x2f05);
        assert_int_equal(findings.wait_exits.count, 1);
        assert_true(findings.wait_exits.items[0].emulated);
    }
    builder_function(&builder, 0x2f40, wait, sizeof(wait) - 1); /* the name twice, for two */
    list_entry(0x8620, "WaitOneCore", 0x1a40, 0x2f00, false);
    list_entry(0x8640, "WaitOneCore", 0x1a80, 0x2f40, false);
    assert_int_equal(find(NULL), 0);
    expect_missing(SITE_WAIT_ENTER, "the image lists no function WaitHandle_WaitOneCore");
}

static void what_is_found_stays(void **state)
{
    scene_runtime(&builder);
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    findings = (struct findings){0};
    findings_add(&findings, SITE_GC_STATE_LEVELS, SOURCE_SYMTAB, CONFIDENCE_CERTAIN, 0x9ff0, "by");
    assert_int_equal(structure_find(&image, NULL, &findings, NULL), 0);
    assert_int_equal(findings.sites[SITE_GC_STATE_LEVELS].address, 0x9ff0);
    image_close(&image);
}

/* A file with the image of @builder and @more bytes, which a segment has at HOSTILE. */
#define HOSTILE 0x100000

static uint8_t *hostile_file(size_t more, uint32_t flags)
{
    uint8_t *file = calloc(1, BUILD_SIZE + more);

    builder_segment(&builder, HEADER_NOTE, PT_LOAD, flags, HOSTILE, more);
    builder_header(&builder, HEADER_NOTE)->p_offset = BUILD_SIZE;
    memcpy(file, builder.bytes, BUILD_SIZE);
    return file;
}

/* Given up within a second, sanitizers and all, and nothing is said to be found. */
static void expect_given_up(const uint8_t *file, size_t size, int error, const char *said)
{
    struct reason why = {""};
    clock_t start = clock();

    findings = (struct findings){0};
    assert_int_equal(image_open(&image, file, size, &why), 0);
    assert_int_equal(structure_find(&image, NULL, &findings, &why), error);
    if (!strstr(why.text, said))
        fail_msg("'%s' does not say '%s'", why.text, said);
    for (enum site site = 0; site < SITE_MAX; site++)
        assert_false(finding_is_found(&findings.sites[site]));
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 2);
    image_close(&image);
}

/* Some kilobytes of bitmaps make a hundred thousand relocations, all to functions that take as many
 * instructions as a leaf may have to be refused. The real ones before them are found, and yet. */
static void relocations_to_slow_functions(void **state)
{
    const size_t slots = 1 << 17, bitmaps = slots / 63, more = 8 * slots + 8 * bitmaps;
    uint64_t target, word = HOSTILE;
    uint8_t *file, *words;

    scene_runtime(&builder);
    memset(builder_at(&builder, 0x3800), 0x90, 0x700);
    builder_tag(&builder, 36, HOSTILE + 8 * slots);
    builder_tag(&builder, 35, 8 * bitmaps);
    file = hostile_file(more, PF_R | PF_W);
    words = file + BUILD_SIZE + 8 * slots;
    for (size_t i = 0; i < slots; i++) {
        target = 0x3800 + i % 0x600;
        memcpy(file + BUILD_SIZE + 8 * i, &target, 8);
    }
    memset(words, 0xff, 8 * bitmaps);
    memcpy(words, &word, 8);
    expect_given_up(file, BUILD_SIZE + more, -E2BIG, "takes more than 1048576 instructions");
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything),
        cmocka_unit_test(nothing),
        cmocka_unit_test(one_gc),
        cmocka_unit_test(two_gcs),
        cmocka_unit_test(two_places_are_none),
        cmocka_unit_test(pairs_that_are_none),
        cmocka_unit_test(contexts),
        cmocka_unit_test(contexts_that_are_none),
        cmocka_unit_test(callback_passes_on),
        cmocka_unit_test(sessions),
        cmocka_unit_test(locks),
        cmocka_unit_test(locks_that_are_none),
        cmocka_unit_test(locks_not_unique),
        cmocka_unit_test(exits_of_locks),
        cmocka_unit_test(named_locks),
        cmocka_unit_test(waits),
        cmocka_unit_test(what_is_found_stays),
        cmocka_unit_test(relocations_to_slow_functions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
