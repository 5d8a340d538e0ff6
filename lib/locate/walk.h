/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/frames.h"
#include "elf/image.h"
#include "locate/decoder.h"

/*
 * A walk through one function, instruction by instruction, that keeps track of what the registers
 * are known to hold. It goes straight on through branches: what a compiler emits for the code we
 * look for makes that right nearly always, and every finding is checked by other means. A value
 * that is not certain is unknown; nothing is guessed.
 */

enum value_kind {
    VALUE_UNKNOWN,
    VALUE_CONSTANT, /* n, or virtual address n */
    VALUE_ARGUMENT, /* the function's argument n, as it came in */
    VALUE_LOADED,   /* what lies at the fixed, writable address n */
    VALUE_RESULT,   /* what the call at address n returned */
    VALUE_FIELD,    /* what lies in an argument's object: value_field(argument, offset) */
};

struct value {
    enum value_kind kind;
    uint64_t n;
};

#define WALK_SPILLS_MAX 32

/* A register kept on the stack, by the base and displacement it was stored with. */
struct spill {
    uint8_t base; /* the stack or frame pointer */
    int64_t displacement;
    struct value value;
};

/* Code to be walked: an image and the decoder of its machine. Both are borrowed. */
struct code {
    const struct image *image;
    struct decoder *decoder;
};

struct walk {
    const struct code *code;
    struct function function;
    uint64_t next;
    struct instruction instruction;         /* the current one */
    struct value registers[REGISTER_COUNT]; /* before it is executed */
    struct spill spills[WALK_SPILLS_MAX];
    size_t spill_count;
    bool broken; /* the bytes stopped being instructions before the end */
};

/*
 * Stands before the first instruction of @function, with the arguments in their registers. Then
 * walk_next() makes each instruction the current one; false at the end.
 */
void walk_start(struct walk *walk, const struct code *code, const struct function *function);
bool walk_next(struct walk *walk);

/*
 * Goes on in the function at @target with the registers as they are, as a tail jump does. False
 * when no function starts there.
 */
bool walk_follow(struct walk *walk, uint64_t target);

/* What register @number, or the current instruction's source (or stored constant), holds. */
struct value walk_register(const struct walk *walk, uint8_t number);
struct value walk_source(const struct walk *walk);

/* The value of the callee's argument @n when the current instruction is a call or a tail jump. */
struct value walk_argument(const struct walk *walk, unsigned n);

/* The fixed address of the current instruction's memory operand; false when it is not known. */
bool walk_address(const struct walk *walk, uint64_t *address);

/* The value of the field at @offset, less than 64 KiB, of the object that argument @n points to. */
#define FIELD_OFFSET_MAX 0xffff

static inline uint64_t value_field(unsigned argument, uint64_t offset)
{
    return (uint64_t)argument << 16 | offset;
}

static inline bool value_is(struct value value, enum value_kind kind, uint64_t n)
{
    return value.kind == kind && value.n == n;
}
