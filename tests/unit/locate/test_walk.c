/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elf/dynamic.h"
#include "locate/scenes.h"
#include "locate/walk.h"

/* What a register holds when the function at BUILD_CODE returns. */
struct row {
    uint16_t machine;
    const char *code; /* aarch64: NULL, and words */
    size_t size;
    uint8_t number;
    struct value expected;
    uint32_t words[6];
};

#define X86(text, n, kind, value)                                                                  \
    {                                                                                              \
        EM_X86_64, text, sizeof(text) - 1, n, {VALUE_##kind, value},                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define ARM(n, kind, value, ...)                                                                   \
    {                                                                                              \
        EM_AARCH64, NULL, 0, n, {VALUE_##kind, value},                                             \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static struct builder builder;
static struct image image;
static struct decoder *decoder;
static struct code code;

/* 0x1800: "\xf0\xff" in read-only data; 0x8000: a relocated pointer under RELRO; 0x8100: writable
 */
static void build(uint16_t machine)
{
    builder_init(&builder, machine);
    builder_put(&builder, BUILD_RODATA, "\xf0\xff\xff\xff\xff\xff\xff\xff", 8);
    builder_segment(&builder, HEADER_NOTE, PT_GNU_RELRO, PF_R, BUILD_DATA, 0x100);
    builder_relocate(&builder, BUILD_DATA, 0x2345);
    builder_relocate(&builder, BUILD_DATA + 0x100, 0x2345);
}

static void open(void)
{
    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(dynamic_load_relocations(&image, NULL), 0);
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(decoder_new(&decoder, image.machine), 0);
    code = (struct code){&image, decoder};
}

static void close_all(void)
{
    decoder_free(&decoder);
    image_close(&image);
}

static void check(const struct row *row, size_t index)
{
    struct code_writer writer;
    struct value value;
    struct walk walk;

    build(row->machine);
    writer = scene_code(&builder, BUILD_CODE);
    scene_bytes(&writer, row->code ? (const void *)row->code : row->words,
                row->code ? row->size : sizeof(row->words));
    if (row->code)
        BYTES(&writer, RET);
    else
        scene_word(&writer, ARM_RET);
    scene_end(&writer);
    open();
    walk_start(&walk, &code, &image.functions[0]);
    while (walk_next(&walk) && walk.instruction.operation != OPERATION_RETURN)
        ;
    if (walk.broken || walk.instruction.operation != OPERATION_RETURN)
        fail_msg("row %zu: broken at 0x%llx", index, (unsigned long long)walk.next);
    value = walk_register(&walk, row->number);
    if (value.kind != row->expected.kind ||
        (value.kind != VALUE_UNKNOWN && value.n != row->expected.n))
        fail_msg("row %zu: kind %d, 0x%llx", index, value.kind, (unsigned long long)value.n);
    close_all();
}

static void x86_64(void **state)
{
    static const struct row rows[] = {
        X86("", 7, ARGUMENT, 0), X86("", 6, ARGUMENT, 1), X86("", 2, ARGUMENT, 2),
        X86("", 1, ARGUMENT, 3), X86("", 0, UNKNOWN, 0),
        X86("\x89\xd0", 0, ARGUMENT, 2),             /* mov eax, edx */
        X86("\x48\x89\xd3\x31\xd2", 3, ARGUMENT, 2), /* mov rbx, rdx; xor edx, edx */
        X86("\x48\x89\xd3\x31\xd2", 2, CONSTANT, 0),
        X86("\xb8\x05\x00\x00\x00\x83\xc0\x08", 0, CONSTANT, 13),
        X86("\x31\xc0\x83\xe8\x01", 0, CONSTANT, 0xffffffff),    /* sub eax, 1: 32 bits */
        X86("\xb8\xff\xff\xff\xff\x83\xc0\x02", 0, CONSTANT, 1), /* and around */
        X86("\x31\xc0\x83\xc8\xff", 0, CONSTANT, 0xffffffff),    /* or eax, -1 */
        X86("\xbb\xff\xff\xff\xff\x8d\x43\x01", 0, CONSTANT, 0), /* lea eax, [rbx + 1] */
        X86("\x31\xc0\x48\x83\xc8\xff", 0, CONSTANT, UINT64_MAX),
        X86("\x31\xc0\x48\x83\xe8\x01", 0, CONSTANT, UINT64_MAX),
        X86("\x31\xc0\x01\xc8", 0, UNKNOWN, 0),             /* add eax, ecx */
        X86("\x31\xc0\xb0\x05", 0, UNKNOWN, 0),             /* mov al, 5 */
        X86("\x31\xc0\xf0\x48\x0f\xb1\x0b", 0, UNKNOWN, 0), /* cmpxchg [rbx], rcx */
        X86("\xb9\x80\x00\x00\x00\x0f\xb6\xc1", 0, CONSTANT, 0x80),
        X86("\xb9\x7f\x00\x00\x00\x0f\xbe\xc1", 0, CONSTANT, 0x7f),
        X86("\xb9\x80\x00\x00\x00\x0f\xbe\xc1", 0, UNKNOWN, 0), /* movsx of what is negative */
        X86("\xb9\x00\x80\x00\x00\x0f\xb6\xc5", 0, UNKNOWN, 0), /* movzx eax, ch */
        X86("\x48\x8d\x05\x00\x01\x00\x00", 0, CONSTANT, 0x2107),
        X86("\xbb\x00\x01\x00\x00\xb9\x03\x00\x00\x00\x48\x8d\x44\x8b\x08", 0, CONSTANT, 0x114),
        X86("\xbb\x00\x01\x00\x00\x48\x8d\x44\x8b\x08", 0, UNKNOWN, 0),
        /* read-only data is a constant, as wide as it is read; a relocated pointer its target */
        X86("\x8b\x05\xfa\xf7\xff\xff", 0, CONSTANT, 0xfffffff0),
        X86("\x0f\xb6\x05\xf9\xf7\xff\xff", 0, CONSTANT, 0xf0),
        X86("\x0f\xbe\x05\xf9\xf7\xff\xff", 0, UNKNOWN, 0),
        X86("\x48\x8b\x05\xf9\x5f\x00\x00", 0, CONSTANT, 0x2345), /* [0x8000] */
        X86("\x8b\x05\xfa\x5f\x00\x00", 0, UNKNOWN, 0),           /* half of it */
        X86("\x48\x8b\x05\xf9\x60\x00\x00", 0, LOADED, 0x8100),   /* may have been written since */
        X86("\x48\x8b\x05\xf9\x7f\x00\x00", 0, UNKNOWN, 0),       /* [0xa000]: nowhere */
        /* fields of what an argument points to: [rdi], [rsi + 0x128] */
        X86("\x48\x8b\x07", 0, FIELD, 0),
        X86("\x48\x8b\x86\x28\x01\x00\x00\x48\x89\xc3", 3, FIELD, 1 << 16 | 0x128),
        X86("\x48\x8b\x47\xf8", 0, UNKNOWN, 0),             /* [rdi - 8] */
        X86("\x48\x8b\x04\xcf", 0, UNKNOWN, 0),             /* [rdi + 8 rcx] */
        X86("\x48\x8b\x87\x00\x00\x01\x00", 0, UNKNOWN, 0), /* too far */
        X86("\x48\x8b\x07\x48\x8b\x00", 0, UNKNOWN, 0),     /* of a field */
        /* what is kept on the stack */
        X86("\x48\x89\x7d\xf8\x31\xff\x48\x8b\x45\xf8", 0, ARGUMENT, 0),
        X86("\x48\x89\x7d\xf8\x48\x89\x75\xf8\x48\x8b\x45\xf8", 0, ARGUMENT, 1),
        X86("\x48\x89\x7d\xf8\x48\x89\x45\xf8\x48\x8b\x45\xf8", 0, UNKNOWN, 0),
        X86("\x48\x89\x7d\xf8\x8b\x45\xf8", 0, UNKNOWN, 0), /* half of it */
        X86("\x48\x89\x7d\xf8\x48\x8b\x45\xf0", 0, UNKNOWN, 0),
        X86("\x48\x89\x7d\xf8\x48\x89\xe5\x48\x8b\x45\xf8", 0, UNKNOWN, 0), /* rbp moves */
        X86("\xb8\xff\x00\x00\x00\x83\xe0\x0f", 0, CONSTANT, 15),           /* and eax, 15 */
        X86("\xb8\x03\x00\x00\x00\xc1\xe0\x04", 0, CONSTANT, 0x30),         /* shl eax, 4 */
        X86("\x64\x48\x8b\x04\x25\x00\x18\x00\x00", 0, UNKNOWN, 0),         /* fs:[0x1800] */
        /* calls change what they may */
        X86("\x31\xc0\xe8\x00\x00\x00\x00", 0, RESULT, 0x2002),
        X86("\xe8\x00\x00\x00\x00", 2, UNKNOWN, 0),
        X86("\x31\xdb\xe8\x00\x00\x00\x00", 3, CONSTANT, 0), /* rbx is the callee's to keep */
        X86("\x45\x31\xd2\xff\xd0", 10, UNKNOWN, 0), X86("\x45\x31\xf6\xff\xd0", 14, CONSTANT, 0),
        X86("\xe8\x00\x00\x00\x00\x48\x89\xc3\x31\xc0", 3, RESULT, 0x2000),
        /* straight on through branches and pushes */
        X86("\xb8\x07\x00\x00\x00\x74\x00\x55\x5d", 0, CONSTANT, 7),
        X86("\x31\xdb\x5b", 3, UNKNOWN, 0), /* pop rbx */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check(&rows[i], i);
}

#define NOP 0xd503201f

static void aarch64(void **state)
{
    static const struct row rows[] = {
        ARM(0, ARGUMENT, 0, NOP, NOP, NOP, NOP, NOP, NOP),
        ARM(5, ARGUMENT, 5, NOP, NOP, NOP, NOP, NOP, NOP),
        ARM(8, CONSTANT, 0x8000, 0xd0000028, NOP, NOP, NOP, NOP, NOP),
        ARM(0, CONSTANT, 0x8120, 0xd0000028, 0x91048100, NOP, NOP, NOP, NOP),
        ARM(0, CONSTANT, 0x2345, 0xd0000028, 0xf9400100, NOP, NOP, NOP, NOP), /* ldr [0x8000] */
        ARM(0, LOADED, 0x8100, 0xd0000028, 0xf9408100, NOP, NOP, NOP, NOP),
        ARM(0, LOADED, 0x8100, 0xd0000028, 0x91040108, 0xf9400100, NOP, NOP, NOP),
        ARM(0, CONSTANT, 0x12345678, 0xd28acf00, 0xf2a24680, NOP, NOP, NOP, NOP), /* movk */
        ARM(0, CONSTANT, 0x0001000000005678, 0xd28acf00, 0xf2e00020, NOP, NOP, NOP, NOP),
        ARM(1, UNKNOWN, 0, 0xf2a24681, NOP, NOP, NOP, NOP, NOP), /* movk of an argument */
        ARM(0, CONSTANT, 0xffffffff, 0x52800000, 0x51000400, NOP, NOP, NOP, NOP), /* sub w0, 1 */
        ARM(0, CONSTANT, UINT64_MAX, 0xd2800000, 0xd1000400, NOP, NOP, NOP, NOP),
        ARM(19, ARGUMENT, 2, 0xaa0203f3, 0x94000001, NOP, NOP, NOP, NOP), /* kept over bl */
        ARM(0, RESULT, 0x2004, 0xaa0203f3, 0x94000001, NOP, NOP, NOP, NOP),
        ARM(2, UNKNOWN, 0, 0x94000001, NOP, NOP, NOP, NOP, NOP),
        ARM(18, UNKNOWN, 0, 0xd2800012, 0x94000001, NOP, NOP, NOP, NOP),
        ARM(1, UNKNOWN, 0, 0xd2800001, 0xf8408420, NOP, NOP, NOP, NOP), /* ldr x0, [x1], 8 */
        ARM(1, UNKNOWN, 0, 0xd2800001, 0xa94007e0, NOP, NOP, NOP, NOP), /* ldp x0, x1 */
        ARM(8, FIELD, 8, 0xf9400408, NOP, NOP, NOP, NOP, NOP),
        ARM(9, ARGUMENT, 1, 0xa90087e0, 0xd2800001, 0xf9400be9, NOP, NOP, NOP),    /* stp, ldr */
        ARM(0, CONSTANT, 0x30, 0xd2800060, 0xd2800001, 0x8b001020, NOP, NOP, NOP), /* lsl 4 */
        ARM(0, UNKNOWN, 0, 0xd2800000, 0x58000040, NOP, NOP, NOP, NOP),
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check(&rows[i], i);
}

/* What the current instruction stores, where, and what a call is given. */
static void sources_and_arguments(void **state)
{
    uint64_t address = 0;
    struct walk walk;
    struct code_writer writer;

    build(EM_X86_64);
    writer = scene_code(&builder, BUILD_CODE);
    RELATIVE(&writer, MOV_TO_EDX, 0x9100);
    BYTES(&writer, "\xc7\x05\x00\x00\x00\x00\x07\x00\x00\x00"); /* mov [0x2010], 7 */
    BYTES(&writer, "\x89\x17\x31\xff\x89\x57\x08");             /* [rdi]; rdi = 0; [8] = edx */
    RELATIVE(&writer, LEA_RSI, 0x2800);
    RELATIVE(&writer, CALL, 0x3000);
    scene_end(&writer);
    open();
    walk_start(&walk, &code, &image.functions[0]);
    assert_true(walk_next(&walk));
    assert_true(value_is(walk_source(&walk), VALUE_ARGUMENT, 2));
    assert_true(walk_address(&walk, &address));
    assert_int_equal(address, 0x9100);
    assert_true(walk_next(&walk));
    assert_true(value_is(walk_source(&walk), VALUE_CONSTANT, 7));
    assert_true(walk_next(&walk));
    assert_false(walk_address(&walk, &address));
    assert_true(walk_next(&walk));
    assert_true(walk_next(&walk));
    assert_true(walk_address(&walk, &address));
    assert_int_equal(address, 8);
    assert_true(walk_next(&walk));
    assert_true(walk_next(&walk));
    assert_int_equal(walk.instruction.operation, OPERATION_CALL);
    assert_true(value_is(walk_argument(&walk, 0), VALUE_CONSTANT, 0));
    assert_true(value_is(walk_argument(&walk, 1), VALUE_CONSTANT, 0x2800));
    assert_true(value_is(walk_argument(&walk, 2), VALUE_ARGUMENT, 2));
    assert_false(walk_next(&walk));
    assert_false(walk.broken);
    assert_int_equal(walk_register(&walk, REGISTER_NONE).kind, VALUE_UNKNOWN);
    assert_int_equal(walk_register(&walk, REGISTER_UNKNOWN).kind, VALUE_UNKNOWN);
    close_all();
}

static void ends(void **state)
{
    struct function function = {BUILD_CODE, BUILD_CODE + 3};
    struct walk walk;

    build(EM_X86_64);
    builder_put(&builder, BUILD_CODE, "\x90\xe8\x00\x00\x00\x00\x06\x90", 8);
    builder_frame(&builder, BUILD_FRAMES, 0x2800, 4);
    builder_frame(&builder, BUILD_FRAMES, 0x2900, 4);
    builder_put(&builder, 0x2900, "\x31\xc0\xc3", 3);
    open();
    walk_start(&walk, &code, &function); /* the second instruction is longer than the function */
    assert_true(walk_next(&walk));
    assert_false(walk_next(&walk));
    assert_true(walk.broken);
    function.end = BUILD_CODE + 8;
    walk_start(&walk, &code, &function);
    assert_true(walk_next(&walk));
    assert_true(walk_next(&walk));
    assert_false(walk_next(&walk)); /* 06 is no instruction */
    assert_true(walk.broken);
    function.end = BUILD_CODE + (1 << 17) + 1; /* longer than any that we look for */
    walk_start(&walk, &code, &function);
    assert_false(walk_next(&walk));
    function = (struct function){0x3ffe, 0x4006}; /* ends behind its segment */
    walk_start(&walk, &code, &function);
    assert_false(walk_next(&walk));
    close_all();
}

static void follows(void **state)
{
    struct code_writer writer;
    struct walk walk;

    build(EM_X86_64);
    writer = scene_code(&builder, BUILD_CODE);
    BYTES(&writer, "\xbb\x05\x00\x00\x00"); /* mov ebx, 5 */
    RELATIVE(&writer, JMP, 0x2900);
    scene_end(&writer);
    builder_function(&builder, 0x2900, "\x89\xd8\xc3", 3); /* mov eax, ebx */
    open();
    walk_start(&walk, &code, &image.functions[0]);
    assert_true(walk_next(&walk));
    assert_true(walk_next(&walk));
    assert_false(walk_follow(&walk, 0x2901));
    assert_false(walk_follow(&walk, 0x2a00));
    assert_true(walk_follow(&walk, 0x2900));
    assert_true(walk_next(&walk));
    assert_int_equal(walk.instruction.address, 0x2900);
    assert_true(walk_next(&walk));
    assert_true(value_is(walk_register(&walk, 0), VALUE_CONSTANT, 5));
    assert_true(value_is(walk_argument(&walk, 2), VALUE_ARGUMENT, 2));
    assert_false(walk_next(&walk));
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x86_64),
        cmocka_unit_test(aarch64),
        cmocka_unit_test(sources_and_arguments),
        cmocka_unit_test(ends),
        cmocka_unit_test(follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
