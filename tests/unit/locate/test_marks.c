/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elf/builder.h"
#include "elf/frames.h"
#include "locate/marks.h"

#define NOTES      0x5900
#define PUSHES     "\x55\x48\x89\xe5\x90\x5d\xc3"                 /* the mark is the nop at 4 */
#define ASKS       "\xe8\x00\x00\x00\x00\x84\xc0\x74\x01\x90\xc3" /* a call; the nop at 9 */
#define CODE(text) text, sizeof(text) - 1

static struct builder builder;
static size_t written;

static void put(const void *bytes, size_t size)
{
    memcpy(builder.bytes + NOTES + written, bytes, size);
    written += (size + 3) & ~(size_t)3;
}

static void add_mark(const char *name, uint64_t location)
{
    uint64_t addresses[] = {location, 0, 0};
    char texts[64] = MARK_PROVIDER;
    size_t size = sizeof(MARK_PROVIDER) + strlen(name) + 2;
    Elf64_Nhdr header = {8, (uint32_t)(sizeof(addresses) + size), 3};

    strcpy(texts + sizeof(MARK_PROVIDER), name);
    put(&header, sizeof(header));
    put("stapsdt", 8);
    put(addresses, sizeof(addresses));
    put(texts, size);
}

static struct contention_marks find(void)
{
    _decoder_free_ struct decoder *decoder = NULL;
    struct contention_marks marks = {0};
    struct image image;
    struct code code = {.image = &image};

    builder_add_section(&builder, SHT_NOTE, ".note.stapsdt", NOTES, written);
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(decoder_new(&decoder, EM_X86_64), 0);
    code.decoder = decoder;
    marks_find(&code, &marks);
    image_close(&image);
    return marks;
}

static void begin(void)
{
    builder_init(&builder, EM_X86_64);
    builder_function(&builder, 0x2000, CODE(PUSHES));
    builder_function(&builder, 0x2100, CODE(ASKS));
    written = 0;
}

static void newest(void **state)
{
    struct contention_marks marks;

    begin();
    add_mark("Contention", 0x2004);
    add_mark("ContentionStart_V1", 0x2004);
    add_mark("ContentionStop", 0x2004);
    add_mark("ContentionStart", 0x2004);
    marks = find();
    assert_true(marks.found);
    assert_false(marks.need_event_log);
    assert_int_equal(marks.start, 1);
    assert_int_equal(marks.stop, 0);
}

static void not_both(void **state)
{
    begin();
    add_mark("ContentionStart_V1", 0x2004);
    assert_false(find().found);
    begin();
    assert_false(find().found);
    begin();
    add_mark("ContentionStart_V1", 0x2004);
    add_mark("ContentionStop_V4", 0x2004); /* of no release that is known */
    assert_false(find().found);
}

static void asked_first(void **state)
{
    begin();
    add_mark("ContentionStart_V1", 0x2004);
    add_mark("ContentionStop_V1", 0x2109);
    assert_true(find().need_event_log);
    begin();
    add_mark("ContentionStart_V1", 0x2004);
    add_mark("ContentionStop_V1", 0x2800); /* in no function */
    assert_true(find().need_event_log);
}

static void names(void **state)
{
    char name[MARK_NAME_MAX];

    mark_name("ContentionStop", 0, name);
    assert_string_equal(name, "ContentionStop");
    mark_name("ContentionStart", 2, name);
    assert_string_equal(name, "ContentionStart_V2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest),
        cmocka_unit_test(not_both),
        cmocka_unit_test(asked_first),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
