/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "locate/decoder.h"

#define ADDRESS 0x1000
#define N       REGISTER_NONE
#define U       REGISTER_UNKNOWN

/* All that is not named is 0, and registers are none; every field is compared but @written, which
 * must have these bits at least. */
struct row {
    const char *bytes; /* NULL: those of @word */
    size_t size;
    struct instruction expected;
    uint32_t word;
};

#define REGISTERS .destination = N, .source = N, .second = N, .memory = {N, N, 0, 0}
#define ROW(text, ...)                                                                             \
    {                                                                                              \
        .bytes = text, .size = sizeof(text) - 1, .expected = { REGISTERS, __VA_ARGS__ }            \
    }
#define WORD(number, ...)                                                                          \
    {                                                                                              \
        .word = number, .size = 4, .expected = { REGISTERS, __VA_ARGS__ }                          \
    }
#define DOES(name, w)      .operation = OPERATION_##name, .width = w
#define TO(n)              .destination = n, .written = 1ull << (n)
#define FROM(n)            .source = n
#define MEMORY(b, i, s, d) .memory = {b, i, s, d}
#define WRITES(...)        .operation = OPERATION_OTHER, .written = __VA_ARGS__

#pragma GCC diagnostic ignored "-Woverride-init"

static void check(uint16_t machine, const struct row *rows, size_t count)
{
    _decoder_free_ struct decoder *decoder = NULL;

    assert_int_equal(decoder_new(&decoder, machine), 0);
    for (size_t i = 0; i < count; i++) {
        const struct instruction *want = &rows[i].expected;
        const void *bytes = rows[i].bytes ? rows[i].bytes : (const char *)&rows[i].word;
        struct instruction got;

        if (!decoder_decode(decoder, bytes, rows[i].size, ADDRESS, &got))
            fail_msg("row %zu: no instruction", i);
        if (got.address != ADDRESS || got.size != rows[i].size ||
            got.operation != want->operation ||
            (want->operation != OPERATION_OTHER &&
             (got.width != want->width || got.destination != want->destination ||
              got.source != want->source || got.second != want->second ||
              got.shift != want->shift || got.conditional != want->conditional ||
              got.sign_extend != want->sign_extend || got.constant != want->constant ||
              got.target != want->target || got.memory.base != want->memory.base ||
              got.memory.index != want->memory.index || got.memory.scale != want->memory.scale ||
              got.memory.displacement != want->memory.displacement)) ||
            (got.written & want->written) != want->written)
            fail_msg("row %zu: operation %d width %u %u <- %u constant 0x%llx target 0x%llx "
                     "memory %u + %u * %u + 0x%llx written 0x%llx size %u shift %u %d %d",
                     i, got.operation, got.width, got.destination, got.source,
                     (unsigned long long)got.constant, (unsigned long long)got.target,
                     got.memory.base, got.memory.index, got.memory.scale,
                     (unsigned long long)got.memory.displacement, (unsigned long long)got.written,
                     got.size, got.shift, got.conditional, got.sign_extend);
    }
}

static void x86_64(void **state)
{
    static const struct row rows[] = {
        /* moves */
        ROW("\x89\xd8", DOES(MOVE, 4), TO(0), FROM(3)),
        ROW("\x4d\x89\xfe", DOES(MOVE, 8), TO(14), FROM(15)),
        ROW("\x0f\xb6\xc3", DOES(MOVE, 1), TO(0), FROM(3)), /* movzx eax, bl */
        ROW("\x0f\xb7\xc3", DOES(MOVE, 2), TO(0), FROM(3)),
        ROW("\x48\x63\xc3", DOES(MOVE, 4), TO(0), FROM(3), .sign_extend = true), /* movsxd */
        ROW("\x0f\xb6\xc7", DOES(MOVE, 1), TO(0), FROM(U)),                      /* movzx eax, bh */
        ROW("\x88\xd8", WRITES(1)), /* mov al, bl: rax is unknown */
        ROW("\x66\xb8\x05\x00", WRITES(1)),
        ROW("\xb0\x05", WRITES(1)),
        ROW("\x8c\xd8", DOES(MOVE, 2), TO(0), FROM(U)), /* mov eax, ds */
        /* constants */
        ROW("\xb8\x01\x00\x00\x00", DOES(CONSTANT, 4), TO(0), .constant = 1),
        ROW("\xb8\xff\xff\xff\xff", DOES(CONSTANT, 4), TO(0), .constant = 0xffffffff),
        ROW("\x48\xc7\xc0\xff\xff\xff\xff", DOES(CONSTANT, 8), TO(0), .constant = UINT64_MAX),
        ROW("\x49\xb8\x08\x07\x06\x05\x04\x03\x02\x01", DOES(CONSTANT, 8), TO(8),
            .constant = 0x0102030405060708),
        ROW("\x31\xc0", DOES(CONSTANT, 4), TO(0)),
        ROW("\x4d\x31\xc9", DOES(CONSTANT, 8), TO(9)),
        ROW("\x31\xd8", WRITES(1)), /* xor eax, ebx */
        ROW("\x30\xc0", WRITES(1)), /* xor al, al */
        ROW("\x83\xf0\x01", WRITES(1)),
        /* addresses */
        ROW("\x48\x8d\x05\x10\x00\x00\x00", DOES(CONSTANT, 8), TO(0), .constant = 0x1017,
            MEMORY(N, N, 1, 0x1017)),
        ROW("\x48\x8d\x3d\xf9\xff\xff\xff", DOES(CONSTANT, 8), TO(7), .constant = 0x1000,
            MEMORY(N, N, 1, 0x1000)),
        ROW("\x48\x8d\x44\x8b\x08", DOES(ADDRESS, 8), TO(0), MEMORY(3, 1, 4, 8)),
        /* loads */
        ROW("\x8b\x05\x10\x00\x00\x00", DOES(LOAD, 4), TO(0), MEMORY(N, N, 1, 0x1016)),
        ROW("\x48\x8b\x43\xf8", DOES(LOAD, 8), TO(0), MEMORY(3, N, 1, -8)),
        ROW("\x0f\xb6\x43\x01", DOES(LOAD, 1), TO(0), MEMORY(3, N, 1, 1)),
        ROW("\x0f\xbe\x43\x01", DOES(LOAD, 1), TO(0), MEMORY(3, N, 1, 1), .sign_extend = true),
        ROW("\x64\x48\x8b\x04\x25\x00\x00\x00\x00", DOES(LOAD, 8), TO(0), MEMORY(U, N, 1, 0)),
        ROW("\x8a\x03", WRITES(1)), /* mov al, [rbx] */
        ROW("\x0f\x10\x05\x10\x00\x00\x00", .operation = OPERATION_OTHER),
        /* stores */
        ROW("\x89\x15\x10\x00\x00\x00", DOES(STORE, 4), FROM(2), MEMORY(N, N, 1, 0x1016)),
        ROW("\x88\x15\x10\x00\x00\x00", DOES(STORE, 1), FROM(2), MEMORY(N, N, 1, 0x1016)),
        ROW("\x88\x35\x10\x00\x00\x00", DOES(STORE, 1), FROM(U), MEMORY(N, N, 1, 0x1016)), /* dh */
        ROW("\x66\x89\x15\x10\x00\x00\x00", DOES(STORE, 2), FROM(2), MEMORY(N, N, 1, 0x1017)),
        ROW("\x48\x89\x0c\xd0", DOES(STORE, 8), FROM(1), MEMORY(0, 2, 8, 0)),
        ROW("\xc7\x05\x10\x00\x00\x00\x05\x00\x00\x00", DOES(STORE, 4), .constant = 5,
            MEMORY(N, N, 1, 0x101a)),
        ROW("\xc6\x43\x09\x01", DOES(STORE, 1), .constant = 1, MEMORY(3, N, 1, 9)),
        ROW("\x87\x05\x10\x00\x00\x00", DOES(STORE, 4), FROM(0), MEMORY(N, N, 1, 0x1016),
            .written = 1), /* xchg */
        ROW("\x87\xd8", WRITES(1 | 1 << 3)),
        ROW("\x0f\x95\x05\x10\x00\x00\x00", DOES(STORE, 1), FROM(U), MEMORY(N, N, 1, 0x1017)),
        ROW("\x0f\x97\x43\x09", DOES(STORE, 1), FROM(U), MEMORY(3, N, 1, 9)), /* seta */
        ROW("\x0f\x95\xc0", WRITES(1)),
        /* arithmetic */
        ROW("\x83\xc0\x08", DOES(ADD, 4), TO(0), FROM(0), .constant = 8),
        ROW("\x48\x83\xec\x08", DOES(ADD, 8), TO(4), FROM(4), .constant = -8ull),
        ROW("\x48\x83\xc8\x01", DOES(OR, 8), TO(0), FROM(0), .constant = 1),
        ROW("\x01\xd8", WRITES(1)),
        ROW("\x48\x0f\xaf\xc3", WRITES(1)), /* imul */
        ROW("\x0f\xa2", WRITES(0xf)),       /* cpuid: rax, rcx, rdx, rbx */
        ROW("\x25\xff\xff\xff\x7f", DOES(AND, 4), TO(0), FROM(0), .constant = 0x7fffffff),
        ROW("\x48\xc1\xe1\x04", DOES(SHIFT, 8), TO(1), FROM(1), .shift = 4), /* shl rcx, 4 */
        ROW("\xd3\xe2", WRITES(1 << 2)),                                     /* shl edx, cl */
        /* atomic changes */
        ROW("\xf0\x48\x0f\xb1\x0d\x10\x00\x00\x00", DOES(ATOMIC, 8), .written = 1,
            MEMORY(N, N, 1, 0x1019)), /* lock cmpxchg */
        ROW("\xf0\x44\x0f\xb1\x33", DOES(ATOMIC, 4), .written = 1, MEMORY(3, N, 1, 0)),
        ROW("\xf0\xff\x43\x18", DOES(ATOMIC, 4), MEMORY(3, N, 1, 0x18)), /* lock inc */
        ROW("\xf0\x83\x03\x01", DOES(ATOMIC, 4), MEMORY(3, N, 1, 0)),    /* lock add */
        ROW("\x0f\xb1\xcb", WRITES(1 | 1 << 3)),
        ROW("\xd7", WRITES(1)),                        /* xlat */
        ROW("\x0f\x05", WRITES(1 | 1 << 1 | 1 << 11)), /* syscall */
        ROW("\x48\xab", WRITES(1 << 7)),               /* stosq */
        /* comparisons */
        ROW("\x48\x83\xf9\x40", DOES(COMPARE, 8), FROM(1), .constant = 0x40),
        ROW("\x81\xf9\x00\x02\x00\x00", DOES(COMPARE, 4), FROM(1), .constant = 0x200),
        ROW("\x85\xf6", DOES(COMPARE, 4), FROM(6)),
        ROW("\x83\x3d\x10\x00\x00\x00\x05", DOES(COMPARE, 4), FROM(U), .constant = 5,
            MEMORY(N, N, 1, 0x1017)),
        /* control */
        ROW("\xe8\x10\x00\x00\x00", DOES(CALL, 0), .target = 0x1015),
        ROW("\xff\x15\x10\x00\x00\x00", DOES(CALL, 8), MEMORY(N, N, 1, 0x1016)),
        ROW("\xff\xd0", DOES(CALL, 0), FROM(0)),
        ROW("\xe9\xfb\xff\xff\xff", DOES(JUMP, 0), .target = 0x1000),
        ROW("\xeb\xfe", DOES(JUMP, 0), .target = 0x1000),
        ROW("\x74\x02", DOES(JUMP, 0), .target = 0x1004, .conditional = true),
        ROW("\x0f\x85\x00\x01\x00\x00", DOES(JUMP, 0), .target = 0x1106, .conditional = true),
        ROW("\xff\xe0", DOES(JUMP, 0), FROM(0)),
        ROW("\xff\x24\xc5\x00\x00\x00\x00", DOES(JUMP, 8), MEMORY(N, 0, 8, 0)),
        ROW("\xc3", DOES(RETURN, 0)),
        ROW("\xf3\xc3", DOES(RETURN, 0)),
        ROW("\xc2\x08\x00", DOES(RETURN, 0)),
        ROW("\xcc", DOES(TRAP, 0)),
        ROW("\x0f\x0b", DOES(TRAP, 0)),
        ROW("\x90", DOES(NOP, 0)),
        ROW("\xf3\x0f\x1e\xfa", .operation = OPERATION_OTHER), /* endbr64 */
        ROW("\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", DOES(NOP, 0)),
        /* the stack */
        ROW("\x55", DOES(PUSH, 8), FROM(5)),
        ROW("\x6a\x01", DOES(PUSH, 8), .constant = 1),
        ROW("\xff\x35\x10\x00\x00\x00", DOES(PUSH, 8), FROM(U)),
        ROW("\x41\x5c", DOES(POP, 8), TO(12)),
    };

    check(EM_X86_64, rows, ARRAY_SIZE(rows));
}

static void aarch64(void **state)
{
    static const struct row rows[] = {
        /* addresses and constants */
        WORD(0xb0000008, DOES(CONSTANT, 8), TO(8), .constant = 0x2000), /* adrp */
        WORD(0x9000001e, DOES(CONSTANT, 8), TO(30), .constant = 0x1000),
        WORD(0x10000040, DOES(CONSTANT, 8), TO(0), .constant = 0x1008), /* adr */
        WORD(0x52800020, DOES(CONSTANT, 4), TO(0), .constant = 1),
        WORD(0x12800000, WRITES(1)), /* movn: lost, not guessed */
        WORD(0x92800000, WRITES(1)),
        WORD(0xd2a24680, DOES(CONSTANT, 8), TO(0), .constant = 0x12340000),
        WORD(0xf28acf00, DOES(INSERT, 8), TO(0), FROM(0), .constant = 0x5678),
        WORD(0xf2e00020, DOES(INSERT, 8), TO(0), FROM(0), .constant = 1, .shift = 48),
        WORD(0xaa1f03e0, DOES(CONSTANT, 8), TO(0)),                /* mov x0, xzr */
        WORD(0xb24003e0, DOES(CONSTANT, 8), TO(0), .constant = 1), /* mov x0, 1 by orr */
        /* moves and arithmetic */
        WORD(0xaa0103e0, DOES(MOVE, 8), TO(0), FROM(1)),
        WORD(0x2a0103e0, DOES(MOVE, 4), TO(0), FROM(1)),
        WORD(0x910003fd, DOES(MOVE, 8), TO(29), FROM(31)), /* mov x29, sp */
        WORD(0x91004100, DOES(ADD, 8), TO(0), FROM(8), .constant = 0x10),
        WORD(0x91400500, DOES(ADD, 8), TO(0), FROM(8), .constant = 0x1000),
        WORD(0xd10083ff, DOES(ADD, 8), TO(31), FROM(31), .constant = -0x20ull),
        WORD(0xb2400020, DOES(OR, 8), TO(0), FROM(1), .constant = 1),
        WORD(0x92407820, DOES(AND, 8), TO(0), FROM(1), .constant = 0x7fffffff),
        WORD(0x8b020020, DOES(ADDRESS, 8), TO(0), MEMORY(1, 2, 1, 0)),  /* add x0, x1, x2 */
        WORD(0x8b021020, DOES(ADDRESS, 8), TO(0), MEMORY(1, 2, 16, 0)), /* lsl 4 */
        WORD(0x8b422020, WRITES(1)),                                    /* lsr 8 */
        WORD(0x8b224020, WRITES(1)),                                    /* uxtw */
        WORD(0xaa020020, WRITES(1)),                                    /* orr x0, x1, x2 */
        WORD(0xaa010be0, WRITES(1)),                                    /* orr x0, xzr, x1, lsl 2 */
        WORD(0x9b027c20, WRITES(1)),                                    /* mul */
        WORD(0x1a9f07e0, WRITES(1)),                                    /* cset */
        /* loads */
        WORD(0xf9400420, DOES(LOAD, 8), TO(0), MEMORY(1, N, 0, 8)),
        WORD(0xb9400020, DOES(LOAD, 4), TO(0), MEMORY(1, N, 0, 0)),
        WORD(0xf85f8020, DOES(LOAD, 8), TO(0), MEMORY(1, N, 0, -8)), /* ldur */
        WORD(0x39400420, DOES(LOAD, 1), TO(0), MEMORY(1, N, 0, 1)),
        WORD(0x79400420, DOES(LOAD, 2), TO(0), MEMORY(1, N, 0, 2)),
        WORD(0xf8627820, DOES(LOAD, 8), TO(0), MEMORY(1, 2, 8, 0)),
        WORD(0xf8626820, DOES(LOAD, 8), TO(0), MEMORY(1, 2, 1, 0)),
        WORD(0xc8dffc20, DOES(LOAD, 8), TO(0), MEMORY(1, N, 0, 0)), /* ldar */
        WORD(0xf8408c20, DOES(LOAD, 8), .destination = 0, .written = 3,
             MEMORY(1, N, 0, 8)),                                       /* ldr x0, [x1, 8]! */
        WORD(0xb9800020, WRITES(1)),                                    /* ldrsw */
        WORD(0x58000040, WRITES(1)),                                    /* ldr x0, literal */
        WORD(0xa94007e0, WRITES(3)),                                    /* ldp x0, x1, [sp] */
        WORD(0xa8c17bfd, WRITES(1ull << 29 | 1ull << 30 | 1ull << 31)), /* ldp, post-index */
        /* stores */
        WORD(0xb9001102, DOES(STORE, 4), FROM(2), MEMORY(8, N, 0, 0x10)),
        WORD(0xf9000103, DOES(STORE, 8), FROM(3), MEMORY(8, N, 0, 0)),
        WORD(0x39002102, DOES(STORE, 1), FROM(2), MEMORY(8, N, 0, 8)),
        WORD(0x79002102, DOES(STORE, 2), FROM(2), MEMORY(8, N, 0, 0x10)),
        WORD(0xb900011f, DOES(STORE, 4), MEMORY(8, N, 0, 0)),          /* str wzr: the constant 0 */
        WORD(0x889ffc20, DOES(STORE, 4), FROM(0), MEMORY(1, N, 0, 0)), /* stlr */
        WORD(0x089ffc20, DOES(STORE, 1), FROM(0), MEMORY(1, N, 0, 0)), /* stlrb */
        WORD(0xa90287f4, DOES(STORE, 8), FROM(20), .second = 1, MEMORY(31, N, 0, 0x28)), /* stp */
        WORD(0x290107e8, DOES(STORE, 4), FROM(8), .second = 1, MEMORY(31, N, 0, 8)),
        WORD(0xa900ffff, DOES(STORE, 8), FROM(U), .second = U, MEMORY(31, N, 0, 8)), /* xzr */
        WORD(0xa9be7bfd, WRITES(1ull << 31)),           /* stp x29, x30, [sp, -32]! */
        WORD(0xad0007e0, .operation = OPERATION_OTHER), /* stp q0, q1 */
        /* atomic changes */
        WORD(0x8808fe61, DOES(ATOMIC, 4), .written = 1 << 8, MEMORY(19, N, 0, 0)), /* stlxr */
        WORD(0xc808fe61, DOES(ATOMIC, 8), .written = 1 << 8, MEMORY(19, N, 0, 0)),
        WORD(0x885ffe60, WRITES(1)), /* ldaxr */
        /* comparisons */
        WORD(0xf101001f, DOES(COMPARE, 8), FROM(0), .constant = 0x40),
        WORD(0x7101001f, DOES(COMPARE, 4), FROM(0), .constant = 0x40),
        WORD(0x6b01001f, DOES(COMPARE, 4), FROM(0)),
        /* control */
        WORD(0x14000000, DOES(JUMP, 0), .target = 0x1000),
        WORD(0x17ffffff, DOES(JUMP, 0), .target = 0xffc),
        WORD(0x54000040, DOES(JUMP, 0), .target = 0x1008, .conditional = true),
        WORD(0xb4000040, DOES(JUMP, 0), .target = 0x1008, .conditional = true), /* cbz */
        WORD(0x35000040, DOES(JUMP, 0), .target = 0x1008, .conditional = true), /* cbnz */
        WORD(0x36180040, DOES(JUMP, 0), .target = 0x1008, .conditional = true), /* tbz */
        WORD(0x37180040, DOES(JUMP, 0), .target = 0x1008, .conditional = true),
        WORD(0x94000002, DOES(CALL, 0), .target = 0x1008),
        WORD(0xd63f0100, DOES(CALL, 0)), /* blr */
        WORD(0xd61f0100, DOES(JUMP, 0)), /* br */
        WORD(0xd65f03c0, DOES(RETURN, 0)), WORD(0xd4200020, DOES(TRAP, 0)),
        WORD(0xd503201f, DOES(NOP, 0)),
        WORD(0xd503233f, .operation = OPERATION_OTHER), /* paciasp */
    };

    check(EM_AARCH64, rows, ARRAY_SIZE(rows));
}

/* As the kernel has it: arch/x86/kernel/uprobes.c, arch/arm64/kernel/probes/decode-insn.c. */
static void emulated(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint16_t machine;
        bool emulated;
    } table[] = {
        {"\x55", 1, EM_X86_64, true},
        {"\x41\x57", 2, EM_X86_64, true},
        {"\x90", 1, EM_X86_64, true},
        {"\xeb\x05", 2, EM_X86_64, true},
        {"\xe9\x05\x00\x00\x00", 5, EM_X86_64, true},
        {"\x75\x05", 2, EM_X86_64, true},
        {"\x0f\x84\x05\x00\x00\x00", 6, EM_X86_64, true},
        {"\xe8\x05\x00\x00\x00", 5, EM_X86_64, true},
        {"\x66\x66\x48\xe8\x05\x00\x00\x00", 8, EM_X86_64, false},
        {"\x6a\x01", 2, EM_X86_64, false},
        {"\xff\xe0", 2, EM_X86_64, false},
        {"\xff\x15\x05\x00\x00\x00", 6, EM_X86_64, false},
        {"\x0f\x1f\x00", 3, EM_X86_64, false},
        {"\xe3\x05", 2, EM_X86_64, false}, /* jrcxz */
        {"\x5d", 1, EM_X86_64, false},
        {"\xc3", 1, EM_X86_64, false},
        {"\x41\x89\xd0", 3, EM_X86_64, false},
        {"\xc0\x03\x5f\xd6", 4, EM_AARCH64, true}, /* ret */
        {"\x02\x00\x00\x94", 4, EM_AARCH64, true},
        {"\x00\x00\x00\x14", 4, EM_AARCH64, true},
        {"\x40\x00\x00\x54", 4, EM_AARCH64, true},
        {"\x40\x00\x18\x36", 4, EM_AARCH64, true},
        {"\x08\x00\x00\xb0", 4, EM_AARCH64, true},  /* adrp */
        {"\x20\x04\x40\xf9", 4, EM_AARCH64, false}, /* ldr */
        {"\x1f\x20\x03\xd5", 4, EM_AARCH64, false}, /* nop: only since 6.12 */
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _decoder_free_ struct decoder *decoder = NULL;
        struct instruction got;

        assert_int_equal(decoder_new(&decoder, table[i].machine), 0);
        assert_true(
            decoder_decode(decoder, (const uint8_t *)table[i].bytes, table[i].size, ADDRESS, &got));
        if (got.emulated != table[i].emulated)
            fail_msg("row %zu: %d", i, got.emulated);
    }
}

static void no_instruction(void **state)
{
    static const struct {
        uint16_t machine;
        const char *bytes;
        size_t size;
    } table[] = {
        {EM_X86_64, "", 0},
        {EM_X86_64, "\x06", 1},
        {EM_X86_64, "\xe8\x00\x00\x00", 4},
        {EM_X86_64, "\x48", 1},
        {EM_X86_64, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16},
        {EM_AARCH64, "", 0},
        {EM_AARCH64, "\xc0\x03\x5f", 3},
        {EM_AARCH64, "\xff\xff\xff\xff", 4},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _decoder_free_ struct decoder *decoder = NULL;
        struct instruction got;

        assert_int_equal(decoder_new(&decoder, table[i].machine), 0);
        if (decoder_decode(decoder, (const uint8_t *)table[i].bytes, table[i].size, ADDRESS, &got))
            fail_msg("row %zu: an instruction of %u bytes", i, got.size);
    }
}

static void gives_up(void **state)
{
    _decoder_free_ struct decoder *decoder = NULL;
    struct instruction got;

    assert_int_equal(decoder_new(&decoder, EM_X86_64), 0);
    for (unsigned i = 0; i < DECODER_INSTRUCTIONS_MAX; i++) {
        assert_false(decoder_has_given_up(decoder));
        assert_true(decoder_decode(decoder, (const uint8_t *)"\x90", 1, ADDRESS, &got));
    }
    assert_true(decoder_has_given_up(decoder));
    assert_false(decoder_decode(decoder, (const uint8_t *)"\x90", 1, ADDRESS, &got));
}

static void other_machines(void **state)
{
    struct decoder *decoder = NULL;

    assert_int_equal(decoder_new(&decoder, EM_RISCV), -ENOTSUP);
    assert_null(decoder);
    decoder_free(&decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x86_64),         cmocka_unit_test(aarch64),
        cmocka_unit_test(no_instruction), cmocka_unit_test(other_machines),
        cmocka_unit_test(gives_up),       cmocka_unit_test(emulated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
