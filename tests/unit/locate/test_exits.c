/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "elf/dynamic.h"
#include "elf/frames.h"
#include "locate/exits.h"
#include "locate/scenes.h"

#define START 0x2000
#define PART  0x2100 /* of it, with a frame of its own */
#define OTHER 0x2200 /* function */
#define STUB  0x2300 /* of _Unwind_Resume */
#define ENDS  0x2310 /* of __stack_chk_fail */
#define SLOT  0x8c00

static struct builder builder;
static struct function_exits exits;

static void build(uint16_t machine)
{
    builder_init(&builder, machine);
    builder_import(&builder, "_Unwind_Resume", SLOT);
    builder_import(&builder, "__stack_chk_fail", SLOT + 8);
    if (machine == EM_X86_64) {
        scene_stub(&builder, STUB, SLOT);
        scene_stub(&builder, ENDS, SLOT + 8);
    } else {
        for (uint64_t i = 0; i < 2; i++) {
            struct code_writer code = scene_code(&builder, STUB + 16 * i);

            scene_word(&code, arm_adrp(code.at, 16, SLOT));
            scene_word(&code, 0xf9400211 | (uint32_t)((SLOT + 8 * i) & 0xfff) / 8 << 10);
            scene_word(&code, arm_add(16, 16, SLOT + 8 * i));
            scene_word(&code, 0xd61f0220); /* br x17 */
        }
    }
}

static int find(struct reason *why)
{
    _decoder_free_ struct decoder *decoder = NULL;
    struct image image;
    struct code code = {.image = &image};
    int r;

    exits = (struct function_exits){.count = 0};
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, why), 0);
    assert_int_equal(dynamic_load_relocations(&image, why), 0);
    assert_int_equal(frames_load(&image, why), 0);
    assert_int_equal(decoder_new(&decoder, image.machine), 0);
    code.decoder = decoder;
    r = exits_find(&code, START, &exits, why);
    image_close(&image);
    return r;
}

#define X86(text) text, sizeof(text) - 1

/* Exits as text: offset in the function, + emulated or - not, t for a throw. */
static const struct {
    const char *code;
    size_t size;
    const char *exits;
} rows[] = {
    {X86("\xc3"), "0-"},
    {X86("\x55\xe8\x00\x00\x00\x00\x5d\xc3"), "7-"}, /* what is pushed before the call is no exit */
    {X86("\xe8\xfb\xff\xff\xff\x74\x01\x90\xc3"), "5+"},
    {X86("\xe8\x00\x00\x00\x00\x90\xc3"), "5+"},
    {X86("\xe8\x00\x00\x00\x00\xe9\xf6\x01\x00\x00"), "5+"},             /* jmp OTHER */
    {X86("\xe8\x00\x00\x00\x00\x0f\x85\xf5\x01\x00\x00\xc3"), "5+"},     /* jne OTHER: cut there */
    {X86("\xe8\x00\x00\x00\x00\x75\x01\xc3\xe8\x03\x03\x00\x00"), "5+"}, /* canary: jne ENDS */
    /* ret; then a landing pad: mov rdi, rax; call _Unwind_Resume */
    {X86("\xe8\x00\x00\x00\x00\xc3\x48\x89\xc7\xe8\xf2\x02\x00\x00"), "5- 9+t"},
    {X86("\xe8\x00\x00\x00\x00\x90\xc3\xcc\x48\x89\xc7\xff\x15\xef\x6b\x00\x00"), "5+ 11-t"},
    /* part of it: je PART, which jumps back */
    {X86("\xe8\x00\x00\x00\x00\x0f\x84\xf6\x00\x00\x00\xc3"), "5+"},
};

static void describe(char *text, size_t size)
{
    *text = 0;
    for (size_t i = 0; i < exits.count; i++)
        snprintf(text + strlen(text), size - strlen(text), "%s%llu%s%s", i ? " " : "",
                 (unsigned long long)exits.items[i].address - START,
                 exits.items[i].emulated ? "+" : "-",
                 exits.items[i].kind == EXIT_THROWS ? "t" : "");
}

static void x86_64(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reason why = {""};
        char text[128];

        build(EM_X86_64);
        builder_function(&builder, START, rows[i].code, rows[i].size);
        builder_function(&builder, PART, "\x90\x90\x31\xc0\xe9\x02\xff\xff\xff", 9);
        builder_function(&builder, OTHER, "\xc3", 1);
        if (find(&why) < 0)
            fail_msg("row %zu: %s", i, why.text);
        describe(text, sizeof(text));
        if (strcmp(text, rows[i].exits) != 0)
            fail_msg("row %zu: '%s', not '%s'", i, text, rows[i].exits);
    }
}

/* A return is emulated there, so it is the cut itself. */
static void aarch64(void **state)
{
    static const uint32_t words[] = {
        0x94000080, /* bl OTHER */
        0xb5000040, /* cbnz x0, +8: to the canary's end */
        0xd65f03c0, /* ret */
        0x940000c1, /* bl ENDS */
        0x940000bc, /* bl _Unwind_Resume: a landing pad */
    };
    char text[64];

    build(EM_AARCH64);
    builder_function(&builder, START, words, sizeof(words));
    builder_function(&builder, OTHER, &(uint32_t){ARM_RET}, 4);
    assert_int_equal(find(NULL), 0);
    describe(text, sizeof(text));
    assert_string_equal(text, "8+ 16+t");
}

static void not_known(void **state)
{
    static const struct {
        const char *code;
        size_t size;
        int error;
        const char *why;
    } table[] = {
        {X86("\xff\xe0"), -ENOTSUP, "an indirect jump at 0x2000"},
        {X86("\xeb\x01\xb8\x00\x00\x00\x00\xc3"), -EBADMSG, "jumps into an instruction, from"},
        {X86("\x06"), -EBADMSG, "the bytes at 0x2000 are no code"},
        {X86("\x90\xe8\x00"), -EBADMSG, "the bytes at 0x2001 are no code"},
        {X86("\xeb\xfe"), -ENOENT, "no set of exits that each path passes once"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct reason why = {""};
        int r;

        build(EM_X86_64);
        builder_function(&builder, START, table[i].code, table[i].size);
        r = find(&why);
        if (r != table[i].error || !strstr(why.text, table[i].why))
            fail_msg("row %zu: %d, '%s'", i, r, why.text);
        assert_int_equal(exits.count, 0);
    }
    build(EM_X86_64);
    for (size_t i = 0; i < EXITS_MAX; i++) /* jne over: call; ret */
        builder_put(&builder, START + 8 * i, "\x75\x06\xe8\x00\x00\x00\x00\xc3", 8);
    builder_put(&builder, START + 8 * EXITS_MAX, "\xc3", 1);
    builder_frame(&builder, BUILD_FRAMES, START, 8 * EXITS_MAX + 1);
    assert_int_equal(find(NULL), -E2BIG);
    assert_int_equal(exits.count, 0);
    build(EM_X86_64); /* no function starts there */
    builder_function(&builder, OTHER, "\xc3", 1);
    assert_int_equal(find(NULL), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x86_64),
        cmocka_unit_test(aarch64),
        cmocka_unit_test(not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
