/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "locate/scenes.h"
#include "locate/symbols.h"

#define LEVELS   "_ZN13GCEventStatus13enabledLevelsE"
#define CONTROL  "_ZN3WKS6GCHeap13ControlEventsE14GCEventKeyword12GCEventLevel"
#define SESSIONS "_ep_sessions"

static struct builder builder;
static struct findings findings;

struct named {
    const char *name;
    uint64_t address;
};

static int find(const struct named *symbols, size_t count, struct reason *why)
{
    struct image image;

    scene_symbols(&builder, 0);
    for (size_t i = 0; i < count; i++)
        scene_symbol(&builder, symbols[i].name, symbols[i].address);
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    findings = (struct findings){0};
    return symbols_find(&image, &image, SOURCE_SYMTAB, &findings, why);
}

static void names(void **state)
{
    static const struct {
        struct named symbols[3];
        enum site site;
        uint64_t address; /* 0: not found */
    } table[] = {
        {{{LEVELS, 0x9100}}, SITE_GC_STATE_LEVELS, 0x9100},
        {{{LEVELS, 0x9100}, {LEVELS, 0x9100}}, SITE_GC_STATE_LEVELS, 0x9100},
        {{{LEVELS, 0x9100}, {LEVELS, 0x9108}}, SITE_GC_STATE_LEVELS, 0},
        {{{LEVELS, 0x9108}, {LEVELS, 0x9100}, {LEVELS, 0x9108}}, SITE_GC_STATE_LEVELS, 0},
        {{{LEVELS, 0x2000}}, SITE_GC_STATE_LEVELS, 0}, /* a variable in the code */
        {{{LEVELS, 0x1800}}, SITE_GC_STATE_LEVELS, 0}, /* or where it cannot be written */
        {{{LEVELS, 0x70000}}, SITE_GC_STATE_LEVELS, 0},
        {{{LEVELS, 0x2000}, {LEVELS, 0x9100}}, SITE_GC_STATE_LEVELS, 0x9100},
        {{{LEVELS "x", 0x9100}}, SITE_GC_STATE_LEVELS, 0},
        {{{CONTROL, 0x2000}}, SITE_GC_CONTROL_PUBLIC_WKS, 0x2000},
        {{{CONTROL, 0x9100}}, SITE_GC_CONTROL_PUBLIC_WKS, 0}, /* a function in the data */
        {{{SESSIONS, 0x9400}}, SITE_EVENTPIPE_SESSIONS, 0x9400},
        {{{"_ZN9EventPipe11s_pSessionsE", 0x9400}}, SITE_EVENTPIPE_SESSIONS, 0x9400},
        {{{SESSIONS, 0x9400}, {"_ZN9EventPipe11s_pSessionsE", 0x9600}}, SITE_EVENTPIPE_SESSIONS, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        const struct finding *finding = &findings.sites[table[i].site];
        size_t count = 0;

        while (count < 3 && table[i].symbols[count].name)
            count++;
        assert_int_equal(find(table[i].symbols, count, NULL), 0);
        if (finding_is_found(finding) != (table[i].address != 0))
            fail_msg("row %zu: %d", i, finding->source);
        if (!table[i].address)
            continue;
        assert_int_equal(finding->address, table[i].address);
        assert_int_equal(finding->source, SOURCE_SYMTAB);
        assert_int_equal(finding->confidence, CONFIDENCE_CERTAIN);
        assert_memory_equal(finding->evidence, "symbol _", 8);
    }
}

static void without_table(void **state)
{
    struct reason why;
    struct image image;

    builder_init(&builder, EM_X86_64);
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(symbols_find(&image, &image, SOURCE_SYMTAB, &findings, &why), -ENODATA);
    assert_string_equal(why.text, "no .symtab");
    find(NULL, 0, NULL);
    builder_section(&builder, 1)->sh_offset = UINT64_MAX;
    assert_int_equal(symbols_find(&image, &image, SOURCE_SYMTAB, &findings, &why), -EBADMSG);
    assert_string_equal(why.text, ".symtab lies outside the file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(without_table)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
