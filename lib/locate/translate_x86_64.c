/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/translate.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11 };

#define BIT(n) (1ull << (n))

const struct convention convention_x86_64 = {
    .arguments = {RDI, RSI, RDX, RCX, R8, R9},
    .result = RAX,
    .stack_pointer = RSP,
    .frame_pointer = RBP,
    .clobbered = BIT(RAX) | BIT(RCX) | BIT(RDX) | BIT(RSI) | BIT(RDI) | BIT(R8) | BIT(R9) |
                 BIT(R10) | BIT(R11),
};

#define NAMES(q, d, w, b)                                                                          \
    {                                                                                              \
        X86_REG_##q, X86_REG_##d, X86_REG_##w, X86_REG_##b                                         \
    }

static const x86_reg names[16][4] = {
    NAMES(RAX, EAX, AX, AL),      NAMES(RCX, ECX, CX, CL),      NAMES(RDX, EDX, DX, DL),
    NAMES(RBX, EBX, BX, BL),      NAMES(RSP, ESP, SP, SPL),     NAMES(RBP, EBP, BP, BPL),
    NAMES(RSI, ESI, SI, SIL),     NAMES(RDI, EDI, DI, DIL),     NAMES(R8, R8D, R8W, R8B),
    NAMES(R9, R9D, R9W, R9B),     NAMES(R10, R10D, R10W, R10B), NAMES(R11, R11D, R11W, R11B),
    NAMES(R12, R12D, R12W, R12B), NAMES(R13, R13D, R13W, R13B), NAMES(R14, R14D, R14W, R14B),
    NAMES(R15, R15D, R15W, R15B),
};

static uint8_t number_of(unsigned reg)
{
    for (uint8_t n = 0; n < 16; n++)
        for (int form = 0; form < 4; form++)
            if (names[n][form] == reg)
                return n;
    switch (reg) {
    case X86_REG_AH:
        return RAX;
    case X86_REG_CH:
        return RCX;
    case X86_REG_DH:
        return RDX;
    case X86_REG_BH:
        return RBX;
    default:
        return REGISTER_NONE;
    }
}

/* What Capstone does not list. */
static uint64_t also_written_by(unsigned id)
{
    switch (id) {
    case X86_INS_CMPXCHG:
    case X86_INS_XLATB:
        return BIT(RAX);
    case X86_INS_SYSCALL:
        return BIT(RAX) | BIT(RCX) | BIT(R11);
    default:
        return 0;
    }
}

static uint64_t written_by(csh handle, const cs_insn *from)
{
    uint64_t mask = also_written_by(from->id);
    cs_regs read, write;
    uint8_t reads, writes;

    if (cs_regs_access(handle, from, read, &reads, write, &writes) != CS_ERR_OK)
        return ~0ull;
    for (uint8_t i = 0; i < writes; i++) {
        uint8_t n = number_of(write[i]);

        if (n != REGISTER_NONE)
            mask |= BIT(n);
    }
    return mask;
}

static void set_memory(const cs_insn *from, const cs_x86_op *operand, struct instruction *to)
{
    to->width = operand->size;
    to->memory.displacement = operand->mem.disp;
    to->memory.scale = (uint8_t)operand->mem.scale;
    to->memory.index =
        operand->mem.index == X86_REG_INVALID ? REGISTER_NONE : number_of(operand->mem.index);
    if (operand->mem.base == X86_REG_RIP)
        to->memory.displacement += (int64_t)(from->address + from->size);
    else if (operand->mem.base != X86_REG_INVALID)
        to->memory.base = number_of(operand->mem.base);
    if (operand->mem.segment != X86_REG_INVALID) /* thread-local: no address of ours */
        to->memory.base = REGISTER_UNKNOWN;
}

/* The second byte of a register, which has no number of its own. */
static bool is_high_byte(unsigned reg)
{
    return reg == X86_REG_AH || reg == X86_REG_CH || reg == X86_REG_DH || reg == X86_REG_BH;
}

static void set_source(const cs_x86_op *operand, struct instruction *to)
{
    if (operand->type == X86_OP_REG) {
        to->source = number_of(operand->reg);
        if (to->source == REGISTER_NONE || is_high_byte(operand->reg))
            to->source = REGISTER_UNKNOWN;
    } else {
        to->constant = (uint64_t)operand->imm;
    }
}

/* The destination, where a write of 4 or 8 bytes changes the whole register. */
static bool set_destination(const cs_x86_op *operand, struct instruction *to)
{
    if (operand->type != X86_OP_REG || operand->size < 4)
        return false;
    to->destination = number_of(operand->reg);
    to->width = operand->size;
    return to->destination != REGISTER_NONE;
}

static void translate_move(const cs_insn *from, const cs_x86 *x86, struct instruction *to)
{
    const cs_x86_op *first = &x86->operands[0], *second = &x86->operands[1];

    if (first->type == X86_OP_MEM) {
        set_memory(from, first, to);
        set_source(second, to);
        to->operation = OPERATION_STORE;
    } else if (set_destination(first, to)) {
        to->width = second->type == X86_OP_IMM ? to->width : second->size;
        if (second->type == X86_OP_IMM) {
            to->operation = OPERATION_CONSTANT;
            to->constant = to->width == 4 ? (uint32_t)second->imm : (uint64_t)second->imm;
        } else if (second->type == X86_OP_MEM) {
            to->operation = OPERATION_LOAD;
            set_memory(from, second, to);
        } else {
            to->operation = OPERATION_MOVE;
            set_source(second, to);
        }
    }
}

static void translate_lea(const cs_insn *from, const cs_x86 *x86, struct instruction *to)
{
    if (!set_destination(&x86->operands[0], to))
        return;
    set_memory(from, &x86->operands[1], to);
    to->operation = OPERATION_ADDRESS;
    if (to->memory.base == REGISTER_NONE && to->memory.index == REGISTER_NONE) {
        to->operation = OPERATION_CONSTANT;
        to->constant = (uint64_t)to->memory.displacement;
    }
}

/* add, sub, or and and with a constant keep a known value known; xor r,r makes one. */
static void translate_arithmetic(const cs_insn *from, const cs_x86 *x86, struct instruction *to)
{
    const cs_x86_op *first = &x86->operands[0], *second = &x86->operands[1];

    if (from->id == X86_INS_XOR && first->type == X86_OP_REG && second->type == X86_OP_REG &&
        first->reg == second->reg && set_destination(first, to)) {
        to->operation = OPERATION_CONSTANT;
        return;
    }
    if (from->id == X86_INS_XOR || second->type != X86_OP_IMM || !set_destination(first, to))
        return;
    to->source = to->destination;
    to->operation = from->id == X86_INS_OR    ? OPERATION_OR
                    : from->id == X86_INS_AND ? OPERATION_AND
                                              : OPERATION_ADD;
    to->constant = (uint64_t)(from->id == X86_INS_SUB ? -second->imm : second->imm);
}

static void translate_shift(const cs_x86 *x86, struct instruction *to)
{
    const cs_x86_op *first = &x86->operands[0], *second = &x86->operands[1];

    if (x86->op_count != 2 || second->type != X86_OP_IMM || !set_destination(first, to))
        return;
    to->operation = OPERATION_SHIFT;
    to->source = to->destination;
    to->shift = (uint8_t)(second->imm & 63);
}

static void translate_compare(const cs_insn *from, const cs_x86 *x86, struct instruction *to)
{
    const cs_x86_op *first = &x86->operands[0], *second = &x86->operands[1];

    to->operation = OPERATION_COMPARE;
    to->width = first->size;
    to->source = REGISTER_UNKNOWN;
    if (first->type == X86_OP_REG)
        to->source = number_of(first->reg);
    else if (first->type == X86_OP_MEM)
        set_memory(from, first, to);
    if (second->type == X86_OP_IMM)
        to->constant = (uint64_t)second->imm;
}

static void translate_branch(const cs_insn *from, const cs_x86 *x86, struct instruction *to)
{
    to->operation = from->id == X86_INS_CALL ? OPERATION_CALL : OPERATION_JUMP;
    to->conditional = from->id != X86_INS_CALL && from->id != X86_INS_JMP;
    if (x86->operands[0].type == X86_OP_IMM)
        to->target = (uint64_t)x86->operands[0].imm;
    else if (x86->operands[0].type == X86_OP_MEM)
        set_memory(from, &x86->operands[0], to);
    else
        set_source(&x86->operands[0], to);
}

static void translate_stack(const cs_x86 *x86, struct instruction *to, enum operation operation)
{
    to->operation = operation;
    to->width = 8;
    if (operation == OPERATION_POP) {
        set_destination(&x86->operands[0], to);
    } else if (x86->operands[0].type == X86_OP_MEM) {
        to->source = REGISTER_UNKNOWN;
    } else {
        set_source(&x86->operands[0], to);
    }
}

/* An exchange with memory is how a compiler writes an atomic store. */
static void translate_exchange(const cs_insn *from, const cs_x86 *x86, struct instruction *to)
{
    if (x86->operands[0].type != X86_OP_MEM)
        return;
    set_memory(from, &x86->operands[0], to);
    set_source(&x86->operands[1], to);
    to->operation = OPERATION_STORE;
}

static bool is_locked(const cs_x86 *x86)
{
    return x86->prefix[0] == X86_PREFIX_LOCK && x86->op_count > 0 &&
           x86->operands[0].type == X86_OP_MEM;
}

static void translate_locked(const cs_insn *from, const cs_x86 *x86, struct instruction *to)
{
    to->operation = OPERATION_ATOMIC;
    set_memory(from, &x86->operands[0], to);
}

/*
 * What arch/x86/kernel/uprobes.c emulates, without prefixes: jumps and calls that are relative,
 * nop, push of a register. (Longer nops only since 6.18.)
 */
static bool is_emulated(const cs_insn *from)
{
    uint8_t first = from->bytes[0], second = from->bytes[1];

    return (first >= 0x70 && first <= 0x7f) || (first == 0x0f && (second & 0xf0) == 0x80) ||
           first == 0xe8 || first == 0xe9 || first == 0xeb || first == 0x90 ||
           (first & 0xf8) == 0x50 || (first == 0x41 && (second & 0xf8) == 0x50);
}

static bool is_conditional_set(unsigned id)
{
    return id >= X86_INS_SETAE && id <= X86_INS_SETS; /* Capstone's order is that of the alphabet */
}

static void translate_other(csh handle, const cs_insn *from, const cs_x86 *x86,
                            struct instruction *to)
{
    if (cs_insn_group(handle, from, CS_GRP_JUMP) || from->id == X86_INS_CALL) {
        translate_branch(from, x86, to);
    } else if (cs_insn_group(handle, from, CS_GRP_RET)) {
        to->operation = OPERATION_RETURN;
    } else if (is_conditional_set(from->id) && x86->operands[0].type == X86_OP_MEM) {
        set_memory(from, &x86->operands[0], to);
        to->source = REGISTER_UNKNOWN;
        to->operation = OPERATION_STORE;
    }
}

void translate_x86_64(csh handle, const cs_insn *from, struct instruction *to)
{
    const cs_x86 *x86 = &from->detail->x86;

    to->written = written_by(handle, from);
    to->emulated = is_emulated(from);
    if (is_locked(x86)) {
        translate_locked(from, x86, to);
        return;
    }
    switch (from->id) {
    case X86_INS_MOV:
    case X86_INS_MOVABS:
    case X86_INS_MOVZX:
        translate_move(from, x86, to);
        break;
    case X86_INS_MOVSX:
    case X86_INS_MOVSXD:
        to->sign_extend = true;
        translate_move(from, x86, to);
        break;
    case X86_INS_LEA:
        translate_lea(from, x86, to);
        break;
    case X86_INS_ADD:
    case X86_INS_SUB:
    case X86_INS_OR:
    case X86_INS_AND:
    case X86_INS_XOR:
        translate_arithmetic(from, x86, to);
        break;
    case X86_INS_SHL:
        translate_shift(x86, to);
        break;
    case X86_INS_NOP:
        to->operation = OPERATION_NOP;
        break;
    case X86_INS_CMP:
    case X86_INS_TEST:
        translate_compare(from, x86, to);
        break;
    case X86_INS_PUSH:
        translate_stack(x86, to, OPERATION_PUSH);
        break;
    case X86_INS_POP:
        translate_stack(x86, to, OPERATION_POP);
        break;
    case X86_INS_XCHG:
        translate_exchange(from, x86, to);
        break;
    case X86_INS_INT3:
    case X86_INS_UD2:
        to->operation = OPERATION_TRAP;
        break;
    default:
        translate_other(handle, from, x86, to);
    }
}
