/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * Machine code as the few operations that matter for finding things, so that a pattern is written
 * once and holds for every architecture. An instruction that is none of them is OPERATION_OTHER: it
 * makes the registers it writes unknown, which can lose a match but never invent one.
 *
 * Registers are numbered by the decoder (0..30, or REGISTER_NONE). A memory operand without a base
 * register is absolute: displacement is the virtual address (x86 RIP-relative). aarch64 forms
 * addresses by ADRP and ADD, which are OPERATION_CONSTANT and OPERATION_ADD.
 */

#define REGISTER_NONE    255
#define REGISTER_UNKNOWN 32 /* a source that is computed, not held in a register */
#define REGISTER_COUNT   33
#define ARGUMENTS_MAX    6

enum operation {
    OPERATION_OTHER,
    OPERATION_CONSTANT, /* destination = constant */
    OPERATION_INSERT,   /* destination = destination with 16 bits at @shift replaced (movk) */
    OPERATION_MOVE,     /* destination = source, @width bytes; zero- or sign-extended */
    OPERATION_ADD,      /* destination = source + constant */
    OPERATION_OR,       /* destination = source | constant */
    OPERATION_AND,      /* destination = source & constant */
    OPERATION_SHIFT,    /* destination = source << shift */
    OPERATION_LOAD,     /* destination = @width bytes at memory */
    OPERATION_STORE,    /* @width bytes at memory = source, or the constant if there is none; then
                           @second behind it (stp) */
    OPERATION_ATOMIC,   /* memory is changed atomically: lock cmpxchg, lock inc; stlxr */
    OPERATION_ADDRESS, /* destination = address of memory (lea with a base; add of two registers) */
    OPERATION_COMPARE, /* source with constant: cmp, test, sub; destination may be none */
    OPERATION_CALL,    /* to @target; 0: indirect */
    OPERATION_JUMP,    /* to @target; 0: indirect. @conditional */
    OPERATION_RETURN,
    OPERATION_TRAP, /* int3, ud2, brk: control does not go on */
    OPERATION_PUSH, /* of source, or of the constant if source is none */
    OPERATION_POP,
    OPERATION_NOP,
};

struct memory_operand {
    uint8_t base;  /* REGISTER_NONE: absolute */
    uint8_t index; /* REGISTER_NONE: none */
    uint8_t scale;
    int64_t displacement;
};

struct instruction {
    uint64_t address;
    uint8_t size;
    enum operation operation;
    uint8_t width; /* bytes moved, loaded, stored or compared */
    uint8_t destination;
    uint8_t source;
    uint8_t second; /* REGISTER_NONE: a store of one register */
    uint8_t shift;
    bool conditional;
    bool sign_extend;
    bool emulated; /* the kernel emulates it at a uprobe, and does not single-step it */
    uint64_t constant;
    uint64_t target;
    struct memory_operand memory;
    uint64_t written; /* bit per register whose value changes, @destination among them */
};

/* What a function may do to registers (System V AMD64, AAPCS64). */
struct convention {
    uint8_t arguments[ARGUMENTS_MAX];
    uint8_t result;
    uint8_t stack_pointer;
    uint8_t frame_pointer;
    uint64_t clobbered; /* bit per register that a call may change */
};

struct decoder;

/* A decoder gives up after so many instructions: no runtime's image takes a tenth of them, but one
 * that is made to be slow could take hours. */
#define DECODER_INSTRUCTIONS_MAX (1u << 20)

/* -ENOTSUP for an ELF machine that is neither EM_X86_64 nor EM_AARCH64; -ENOMEM. */
_must_check_ int decoder_new(struct decoder **out, uint16_t machine);
void decoder_free(struct decoder **decoder);
const struct convention *decoder_convention(const struct decoder *decoder);

/*
 * Decodes the instruction at @bytes, of which @size may be read, standing at @address. False when
 * the bytes are no instruction, and from when it has given up.
 */
bool decoder_decode(struct decoder *decoder, const uint8_t *bytes, size_t size, uint64_t address,
                    struct instruction *out);
bool decoder_has_given_up(const struct decoder *decoder);

#define _decoder_free_ _cleanup_(decoder_free)
