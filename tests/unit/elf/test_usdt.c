/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elf/builder.h"
#include "elf/usdt.h"

#define NOTES 0x5900
#define BASE  0x1900

struct note {
    const char *owner;
    uint32_t type;
    uint64_t location, base, semaphore;
    const char *texts; /* all three, with their NULs but the last */
    uint32_t texts_size;
};

#define TEXTS(text) text, sizeof(text)

static struct builder builder;
static struct image image;
static size_t written;

static void begin(void)
{
    builder_init(&builder, EM_X86_64);
    written = 0;
}

static void put(const void *bytes, size_t size)
{
    memcpy(builder.bytes + NOTES + written, bytes, size);
    written += (size + 3) & ~(size_t)3;
}

static void add(const struct note *note)
{
    uint64_t addresses[] = {note->location, note->base, note->semaphore};
    Elf64_Nhdr header = {
        .n_namesz = (uint32_t)strlen(note->owner) + 1,
        .n_descsz = (uint32_t)sizeof(addresses) + note->texts_size,
        .n_type = note->type,
    };

    put(&header, sizeof(header));
    put(note->owner, header.n_namesz);
    put(addresses, sizeof(addresses));
    put(note->texts, note->texts_size);
}

static void add_probe(uint64_t location, const char *texts, uint32_t size)
{
    add(&(struct note){"stapsdt", 3, location, BASE, 0, texts, size});
}

static void finish(void)
{
    size_t base = builder_add_section(&builder, SHT_PROGBITS, ".stapsdt.base", BASE, 1);

    builder_section(&builder, base)->sh_addr = BASE;
    builder_add_section(&builder, SHT_NOTE, ".note.stapsdt", NOTES, written);
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
}

static size_t count(void)
{
    struct usdt_notes notes;
    struct usdt_probe probe;
    size_t probes = 0;

    assert_int_equal(usdt_open(&image, &notes), 0);
    while (usdt_next(&notes, &probe))
        probes++;
    return probes;
}

static void probes(void **state)
{
    struct usdt_notes notes;
    struct usdt_probe probe;

    begin();
    add_probe(0x2010, TEXTS("DotNETRuntime\0Start_V1\0001@-33(%rbp) 2@-36(%rbp)"));
    add(&(struct note){"stapsdt", 3, 0x2020, BASE, 0x9008, TEXTS("DotNETRuntime\0Stop\0")});
    finish();
    assert_int_equal(usdt_open(&image, &notes), 0);
    assert_true(usdt_next(&notes, &probe));
    assert_string_equal(probe.provider, "DotNETRuntime");
    assert_string_equal(probe.name, "Start_V1");
    assert_string_equal(probe.arguments, "1@-33(%rbp) 2@-36(%rbp)");
    assert_int_equal(probe.location, 0x2010);
    assert_int_equal(probe.offset, 0x2010);
    assert_int_equal(probe.semaphore, 0);
    assert_true(usdt_next(&notes, &probe));
    assert_string_equal(probe.name, "Stop");
    assert_string_equal(probe.arguments, "");
    assert_int_equal(probe.semaphore, 0x9008);
    assert_false(usdt_next(&notes, &probe));
}

/* The image was moved by 0x100 after the notes had been written. */
static void moved(void **state)
{
    struct usdt_probe probe;

    begin();
    add(&(struct note){"stapsdt", 3, 0x1f10, BASE - 0x100, 0x8f08, TEXTS("p\0n\0")});
    finish();
    assert_true(usdt_find(&image, "p", "n", &probe));
    assert_int_equal(probe.location, 0x2010);
    assert_int_equal(probe.semaphore, 0x9008);
}

static void odd_notes(void **state)
{
    static const struct {
        struct note note;
        size_t probes;
    } table[] = {
        {{"stapsdt", 3, 0x2010, BASE, 0, TEXTS("p\0n\0a")}, 2},
        {{"stapsdt", 4, 0x2010, BASE, 0, TEXTS("p\0n\0a")}, 1},
        {{"stapsdT", 3, 0x2010, BASE, 0, TEXTS("p\0n\0a")}, 1},
        {{"stap", 3, 0x2010, BASE, 0, TEXTS("p\0n\0a")}, 1},
        {{"stapsdt", 3, 0x1000, BASE, 0, TEXTS("p\0n\0a")}, 1}, /* no code */
        {{"stapsdt", 3, 0x8000, BASE, 0, TEXTS("p\0n\0a")}, 1},
        {{"stapsdt", 3, 0x3fff, BASE, 0, TEXTS("p\0n\0a")}, 2},
        {{"stapsdt", 3, 0x4000, BASE, 0, TEXTS("p\0n\0a")}, 1},
        {{"stapsdt", 3, UINT64_MAX, BASE, 0, TEXTS("p\0n\0a")}, 1},
        {{"stapsdt", 3, 0x2010, BASE + 0x1000, 0, TEXTS("p\0n\0a")}, 1},
        {{"stapsdt", 3, 0x2010, 0, 0, TEXTS("p\0n\0a")}, 2}, /* not known where it was */
        {{"stapsdt", 3, 0x2010, BASE, 0, TEXTS("p\0n")}, 1}, /* one text too few */
        {{"stapsdt", 3, 0x2010, BASE, 0, "p\0n\0a", 5}, 1},  /* that does not end */
        {{"stapsdt", 3, 0x2010, BASE, 0, "", 0}, 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        begin();
        add(&table[i].note);
        add_probe(0x2020, TEXTS("p\0last\0"));
        finish();
        assert_int_equal(count(), table[i].probes);
    }
}

static void short_content(void **state)
{
    Elf64_Nhdr header = {.n_namesz = 8, .n_descsz = 23, .n_type = 3};

    begin();
    put(&header, sizeof(header));
    put("stapsdt", 8);
    put("........................", 24);
    add_probe(0x2020, TEXTS("p\0last\0"));
    finish();
    assert_int_equal(count(), 1);
}

/* What does not end inside the section ends the reading. */
static void endless_notes(void **state)
{
    static const struct {
        uint32_t owner, content;
    } table[] = {{8, 0xffffffff}, {0xffffffff, 32}, {0xfffffffd, 0xfffffffd}, {8, 0x400}};

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        Elf64_Nhdr header = {table[i].owner, table[i].content, 3};

        begin();
        add_probe(0x2010, TEXTS("p\0n\0"));
        put(&header, sizeof(header));
        add_probe(0x2020, TEXTS("p\0last\0"));
        finish();
        assert_int_equal(count(), 1);
    }
}

static void sections(void **state)
{
    struct usdt_notes notes;

    begin();
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(usdt_open(&image, &notes), -ENODATA);
    builder_add_section(&builder, SHT_PROGBITS, ".note.stapsdt", NOTES, 64);
    assert_int_equal(usdt_open(&image, &notes), -ENODATA);
    builder_add_section(&builder, SHT_NOTE, ".note.stapsdt", BUILD_SIZE - 8, 9);
    assert_int_equal(usdt_open(&image, &notes), -EBADMSG);
}

static void find(void **state)
{
    struct usdt_probe probe;

    begin();
    add_probe(0x2010, TEXTS("p\0once\0"));
    add_probe(0x2020, TEXTS("q\0once\0"));
    add_probe(0x2030, TEXTS("p\0twice\0"));
    add_probe(0x2040, TEXTS("p\0twice\0"));
    finish();
    assert_true(usdt_find(&image, "p", "once", &probe));
    assert_int_equal(probe.location, 0x2010);
    assert_true(usdt_find(&image, "q", "once", &probe));
    assert_int_equal(probe.location, 0x2020);
    assert_false(usdt_find(&image, "p", "twice", &probe));
    assert_false(usdt_find(&image, "p", "onc", &probe));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes),        cmocka_unit_test(moved),
        cmocka_unit_test(odd_notes),     cmocka_unit_test(short_content),
        cmocka_unit_test(endless_notes), cmocka_unit_test(sections),
        cmocka_unit_test(find),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
