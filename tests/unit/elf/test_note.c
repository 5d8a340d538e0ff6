/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elf/builder.h"
#include "elf/note.h"

#define NOTE(text) text, sizeof(text) - 1

/* name size, description size, type, name, description: each padded to 4 */
#define GNU_ABI "\4\0\0\0\x10\0\0\0\1\0\0\0GNU\0................"
#define GNU_ID  "\4\0\0\0\4\0\0\0\3\0\0\0GNU\0\xab\xcd\xef\x01"

static struct builder builder;

static void expect(const char *id)
{
    char text[BUILD_ID_TEXT_MAX];
    struct build_id found;
    struct image image;

    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    found = note_build_id(&image);
    build_id_format(&found, text);
    assert_string_equal(text, id);
}

static void notes(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *id;
    } table[] = {
        {NOTE(""), ""},
        {NOTE(GNU_ID), "abcdef01"},
        {NOTE(GNU_ABI GNU_ID), "abcdef01"},
        {NOTE("\5\0\0\0\1\0\0\0\3\0\0\0GNU2\0\0\0\0x\0\0\0" GNU_ID), "abcdef01"},
        {NOTE("\4\0\0\0\4\0\0\0\3\0\0\0XNU\0\xab\xcd\xef\x01"), ""},
        {NOTE("\4\0\0\0\4\0\0\0\2\0\0\0GNU\0\xab\xcd\xef\x01"), ""},
        {NOTE("\4\0\0\0\0\0\0\0\3\0\0\0GNU\0" GNU_ID), "abcdef01"},
        {NOTE("\3\0\0\0\4\0\0\0\3\0\0\0GNU\0\xab\xcd\xef\x01"), ""},
        {NOTE("\4\0\0\0\x05\0\0\0\3\0\0\0GNU\0\xab\xcd\xef\x01"), ""}, /* truncated */
        {NOTE("\xff\xff\xff\xff\xff\xff\xff\xff\3\0\0\0GNU\0" GNU_ID), ""},
        {NOTE("\4\0\0\0\xfd\xff\xff\xff\3\0\0\0GNU\0" GNU_ID), ""},
        {NOTE("\4\0\0\0\4\0\0\0\3\0\0"), ""},
        {NOTE("\4\0\0\0\x21\0\0\0\3\0\0\0GNU\0................................!..." GNU_ID),
         "abcdef01"}, /* longer than any build id */
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        builder_init(&builder, EM_X86_64);
        builder_put(&builder, BUILD_NOTE, table[i].bytes, table[i].size);
        builder_header(&builder, HEADER_NOTE)->p_filesz = table[i].size;
        expect(table[i].id);
    }
}

static void longest(void **state)
{
    uint8_t id[BUILD_ID_MAX];

    builder_init(&builder, EM_X86_64);
    memset(id, 0x5a, sizeof(id));
    builder_build_id(&builder, id, sizeof(id));
    expect("5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
}

static void note_outside_the_file(void **state)
{
    builder_init(&builder, EM_X86_64);
    builder_build_id(&builder, "\1\2\3\4", 4);
    expect("01020304");
    builder_header(&builder, HEADER_NOTE)->p_filesz = BUILD_SIZE - BUILD_NOTE + 1;
    expect("");
    builder_header(&builder, HEADER_NOTE)->p_filesz = UINT64_MAX;
    expect("");
    builder_header(&builder, HEADER_NOTE)->p_offset = UINT64_MAX;
    expect("");
}

/* A debug file's notes are in sections. */
static void note_sections(void **state)
{
    builder_init(&builder, EM_X86_64);
    builder_add_section(&builder, SHT_NOTE, ".note.bad", UINT64_MAX, 64);
    builder_add_section(&builder, SHT_PROGBITS, ".note", 0x5900, sizeof(GNU_ID) - 1);
    memcpy(builder.bytes + 0x5900, GNU_ID, sizeof(GNU_ID) - 1);
    expect("");
    builder_add_section(&builder, SHT_NOTE, ".note.gnu.build-id", 0x5900, sizeof(GNU_ID) - 1);
    expect("abcdef01");
    builder_build_id(&builder, "\1\2\3\4", 4);
    expect("01020304");
}

/* A segment of nothing but notes without content: the 65th is not looked at. */
static void endless_notes(void **state)
{
    builder_init(&builder, EM_X86_64);
    memset(builder.bytes + 0x5900, 0, 12 * 64);
    memcpy(builder.bytes + 0x5900 + 12 * 64, GNU_ID, sizeof(GNU_ID) - 1);
    builder_header(&builder, HEADER_NOTE)->p_offset = 0x5900 + 12;
    builder_header(&builder, HEADER_NOTE)->p_filesz = 12 * 63 + sizeof(GNU_ID) - 1;
    expect("abcdef01");
    builder_header(&builder, HEADER_NOTE)->p_offset -= 12;
    builder_header(&builder, HEADER_NOTE)->p_filesz += 12;
    expect("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes),         cmocka_unit_test(longest),
        cmocka_unit_test(note_sections), cmocka_unit_test(note_outside_the_file),
        cmocka_unit_test(endless_notes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
