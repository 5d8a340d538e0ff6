/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/translate.h"

#define STACK_POINTER 31
#define LINK_REGISTER 30
#define BIT(n)        (1ull << (n))

const struct convention convention_aarch64 = {
    .arguments = {0, 1, 2, 3, 4, 5},
    .result = 0,
    .stack_pointer = STACK_POINTER,
    .frame_pointer = 29,
    .clobbered = 0x7ffff | BIT(LINK_REGISTER), /* x0..x18 */
};

static uint8_t number_of(unsigned reg)
{
    if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
        return (uint8_t)(reg - ARM64_REG_X0);
    if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30)
        return (uint8_t)(reg - ARM64_REG_W0);
    if (reg == ARM64_REG_X29)
        return 29;
    if (reg == ARM64_REG_X30)
        return LINK_REGISTER;
    if (reg == ARM64_REG_SP || reg == ARM64_REG_WSP)
        return STACK_POINTER;
    return REGISTER_NONE;
}

static bool is_zero(unsigned reg)
{
    return reg == ARM64_REG_XZR || reg == ARM64_REG_WZR;
}

static uint8_t width_of(unsigned reg)
{
    return (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30) || reg == ARM64_REG_WZR ? 4 : 8;
}

static uint64_t written_by(csh handle, const cs_insn *from)
{
    const cs_arm64 *arm = &from->detail->arm64;
    cs_regs read, write;
    uint8_t reads, writes;
    uint64_t mask = 0;

    if (cs_regs_access(handle, from, read, &reads, write, &writes) != CS_ERR_OK)
        return ~0ull;
    for (uint8_t i = 0; i < writes; i++) {
        uint8_t n = number_of(write[i]);

        if (n != REGISTER_NONE)
            mask |= BIT(n);
    }
    for (uint8_t i = 0; arm->writeback && i < arm->op_count; i++)
        if (arm->operands[i].type == ARM64_OP_MEM)
            mask |= BIT(number_of(arm->operands[i].mem.base) & 31);
    return mask;
}

static void set_memory(const cs_arm64_op *operand, struct instruction *to)
{
    to->memory.base = number_of(operand->mem.base);
    to->memory.displacement = operand->mem.disp;
    if (operand->mem.index == ARM64_REG_INVALID)
        return;
    to->memory.index = number_of(operand->mem.index);
    to->memory.scale = 1;
    if (operand->shift.type == ARM64_SFT_LSL && operand->shift.value < 4)
        to->memory.scale = (uint8_t)(1u << operand->shift.value);
    else if (operand->shift.type != ARM64_SFT_INVALID)
        to->memory.index = REGISTER_UNKNOWN;
}

static uint64_t shifted(const cs_arm64_op *operand)
{
    uint64_t value = (uint64_t)operand->imm;

    return operand->shift.type == ARM64_SFT_LSL && operand->shift.value < 64
               ? value << operand->shift.value
               : value;
}

static void translate_move(const cs_arm64 *arm, struct instruction *to)
{
    const cs_arm64_op *second = &arm->operands[1];

    to->destination = number_of(arm->operands[0].reg);
    to->width = width_of(arm->operands[0].reg);
    if (second->type == ARM64_OP_IMM) {
        to->operation = OPERATION_CONSTANT;
        to->constant = to->width == 4 ? (uint32_t)shifted(second) : shifted(second);
    } else if (second->type == ARM64_OP_REG && is_zero(second->reg)) {
        to->operation = OPERATION_CONSTANT;
    } else if (second->type == ARM64_OP_REG && second->shift.type == ARM64_SFT_INVALID) {
        to->operation = OPERATION_MOVE;
        to->source = number_of(second->reg);
    }
}

static void translate_insert(const cs_arm64 *arm, struct instruction *to)
{
    to->operation = OPERATION_INSERT;
    to->destination = number_of(arm->operands[0].reg);
    to->source = to->destination;
    to->width = width_of(arm->operands[0].reg);
    to->constant = (uint64_t)arm->operands[1].imm;
    to->shift =
        arm->operands[1].shift.type == ARM64_SFT_LSL ? (uint8_t)arm->operands[1].shift.value : 0;
}

/* add of two registers, the second one shifted, is how an element of an array is addressed. */
static void translate_sum(const cs_arm64 *arm, struct instruction *to)
{
    const cs_arm64_op *third = &arm->operands[2];

    if (third->ext != ARM64_EXT_INVALID ||
        (third->shift.type != ARM64_SFT_INVALID && third->shift.type != ARM64_SFT_LSL) ||
        third->shift.value > 7 || is_zero(third->reg) || is_zero(arm->operands[1].reg))
        return;
    to->operation = OPERATION_ADDRESS;
    to->memory.base = number_of(arm->operands[1].reg);
    to->memory.index = number_of(third->reg);
    to->memory.scale =
        (uint8_t)(1u << (third->shift.type == ARM64_SFT_LSL ? third->shift.value : 0));
}

/* add, sub, and and orr of a register and a constant; orr with the zero register is a move. */
static void translate_arithmetic(const cs_insn *from, const cs_arm64 *arm, struct instruction *to)
{
    const cs_arm64_op *second = &arm->operands[1], *third = &arm->operands[2];
    bool is_or = from->id == ARM64_INS_ORR;

    if (arm->op_count != 3)
        return;
    to->destination = number_of(arm->operands[0].reg);
    to->width = width_of(arm->operands[0].reg);
    if (third->type == ARM64_OP_IMM && is_or && is_zero(second->reg)) {
        to->operation = OPERATION_CONSTANT;
        to->constant = shifted(third);
    } else if (third->type == ARM64_OP_IMM) {
        to->operation = is_or                       ? OPERATION_OR
                        : from->id == ARM64_INS_AND ? OPERATION_AND
                                                    : OPERATION_ADD;
        to->source = number_of(second->reg);
        to->constant = from->id == ARM64_INS_SUB ? -shifted(third) : shifted(third);
    } else if (third->type == ARM64_OP_REG && is_or && is_zero(second->reg) &&
               third->shift.type == ARM64_SFT_INVALID) {
        to->operation = OPERATION_MOVE;
        to->source = number_of(third->reg);
    } else if (third->type == ARM64_OP_REG && from->id == ARM64_INS_ADD) {
        translate_sum(arm, to);
    }
}

static void translate_compare(const cs_arm64 *arm, struct instruction *to)
{
    to->operation = OPERATION_COMPARE;
    to->source = number_of(arm->operands[0].reg);
    to->width = width_of(arm->operands[0].reg);
    if (arm->op_count > 1 && arm->operands[1].type == ARM64_OP_IMM)
        to->constant = shifted(&arm->operands[1]);
}

static void translate_load(const cs_arm64 *arm, struct instruction *to, uint8_t width)
{
    if (arm->operands[1].type != ARM64_OP_MEM)
        return;
    to->operation = OPERATION_LOAD;
    to->destination = number_of(arm->operands[0].reg);
    to->width = width ? width : width_of(arm->operands[0].reg);
    set_memory(&arm->operands[1], to);
}

static void translate_store(const cs_arm64 *arm, struct instruction *to, uint8_t width)
{
    if (arm->operands[1].type != ARM64_OP_MEM)
        return;
    to->operation = OPERATION_STORE;
    to->width = width ? width : width_of(arm->operands[0].reg);
    if (!is_zero(arm->operands[0].reg))
        to->source = number_of(arm->operands[0].reg);
    if (!is_zero(arm->operands[0].reg) && to->source == REGISTER_NONE)
        to->source = REGISTER_UNKNOWN;
    set_memory(&arm->operands[1], to);
}

static uint8_t stored(unsigned reg)
{
    uint8_t number = number_of(reg);

    return is_zero(reg) || number == REGISTER_NONE ? REGISTER_UNKNOWN : number;
}

static bool is_general(unsigned reg)
{
    return is_zero(reg) || number_of(reg) != REGISTER_NONE;
}

static void translate_pair(const cs_arm64 *arm, struct instruction *to)
{
    if (arm->op_count != 3 || arm->operands[2].type != ARM64_OP_MEM || arm->writeback ||
        !is_general(arm->operands[0].reg) || !is_general(arm->operands[1].reg))
        return;
    to->operation = OPERATION_STORE;
    to->width = width_of(arm->operands[0].reg);
    to->source = stored(arm->operands[0].reg);
    to->second = stored(arm->operands[1].reg);
    set_memory(&arm->operands[2], to);
}

/* stlxr status, value, [address]: the second half of what changes memory atomically. */
static void translate_exclusive(const cs_arm64 *arm, struct instruction *to)
{
    if (arm->op_count != 3 || arm->operands[2].type != ARM64_OP_MEM)
        return;
    to->operation = OPERATION_ATOMIC;
    to->width = width_of(arm->operands[1].reg);
    set_memory(&arm->operands[2], to);
}

static void translate_branch(const cs_insn *from, const cs_arm64 *arm, struct instruction *to)
{
    const cs_arm64_op *last = &arm->operands[arm->op_count ? arm->op_count - 1 : 0];

    to->operation =
        from->id == ARM64_INS_BL || from->id == ARM64_INS_BLR ? OPERATION_CALL : OPERATION_JUMP;
    to->conditional = from->id == ARM64_INS_B
                          ? arm->cc != ARM64_CC_INVALID && arm->cc != ARM64_CC_AL
                          : to->operation == OPERATION_JUMP && from->id != ARM64_INS_BR;
    if (arm->op_count && last->type == ARM64_OP_IMM)
        to->target = (uint64_t)last->imm;
}

enum kind {
    KIND_MOVE,
    KIND_INSERT,
    KIND_ARITHMETIC,
    KIND_COMPARE,
    KIND_LOAD,
    KIND_STORE,
    KIND_PAIR,
    KIND_EXCLUSIVE,
    KIND_BRANCH,
    KIND_RETURN,
    KIND_TRAP,
    KIND_NOP,
};

static const struct {
    unsigned id;
    enum kind kind;
    uint8_t width; /* 0: that of the register */
} kinds[] = {
    {ARM64_INS_MOV, KIND_MOVE, 0},        {ARM64_INS_MOVZ, KIND_MOVE, 0},
    {ARM64_INS_ADRP, KIND_MOVE, 0},       {ARM64_INS_ADR, KIND_MOVE, 0},
    {ARM64_INS_MOVK, KIND_INSERT, 0},     {ARM64_INS_ADD, KIND_ARITHMETIC, 0},
    {ARM64_INS_SUB, KIND_ARITHMETIC, 0},  {ARM64_INS_ORR, KIND_ARITHMETIC, 0},
    {ARM64_INS_CMP, KIND_COMPARE, 0},     {ARM64_INS_CMN, KIND_COMPARE, 0},
    {ARM64_INS_TST, KIND_COMPARE, 0},     {ARM64_INS_LDR, KIND_LOAD, 0},
    {ARM64_INS_LDUR, KIND_LOAD, 0},       {ARM64_INS_LDAR, KIND_LOAD, 0},
    {ARM64_INS_LDRB, KIND_LOAD, 1},       {ARM64_INS_LDARB, KIND_LOAD, 1},
    {ARM64_INS_LDRH, KIND_LOAD, 2},       {ARM64_INS_STR, KIND_STORE, 0},
    {ARM64_INS_STUR, KIND_STORE, 0},      {ARM64_INS_STLR, KIND_STORE, 0},
    {ARM64_INS_STRB, KIND_STORE, 1},      {ARM64_INS_STURB, KIND_STORE, 1},
    {ARM64_INS_STLRB, KIND_STORE, 1},     {ARM64_INS_STRH, KIND_STORE, 2},
    {ARM64_INS_B, KIND_BRANCH, 0},        {ARM64_INS_BL, KIND_BRANCH, 0},
    {ARM64_INS_BR, KIND_BRANCH, 0},       {ARM64_INS_BLR, KIND_BRANCH, 0},
    {ARM64_INS_CBZ, KIND_BRANCH, 0},      {ARM64_INS_CBNZ, KIND_BRANCH, 0},
    {ARM64_INS_TBZ, KIND_BRANCH, 0},      {ARM64_INS_TBNZ, KIND_BRANCH, 0},
    {ARM64_INS_RET, KIND_RETURN, 0},      {ARM64_INS_BRK, KIND_TRAP, 0},
    {ARM64_INS_AND, KIND_ARITHMETIC, 0},  {ARM64_INS_STP, KIND_PAIR, 0},
    {ARM64_INS_STLXR, KIND_EXCLUSIVE, 0}, {ARM64_INS_STXR, KIND_EXCLUSIVE, 0},
    {ARM64_INS_NOP, KIND_NOP, 0},
};

/* What arch/arm64/kernel/probes/decode-insn.c simulates: all that reads or writes the PC. */
static bool is_emulated(unsigned id, enum kind kind)
{
    return kind == KIND_BRANCH || kind == KIND_RETURN || id == ARM64_INS_ADR ||
           id == ARM64_INS_ADRP;
}

static void translate_as(enum kind kind, uint8_t width, const cs_insn *from, struct instruction *to)
{
    const cs_arm64 *arm = &from->detail->arm64;

    switch (kind) {
    case KIND_MOVE:
        translate_move(arm, to);
        break;
    case KIND_INSERT:
        translate_insert(arm, to);
        break;
    case KIND_ARITHMETIC:
        translate_arithmetic(from, arm, to);
        break;
    case KIND_COMPARE:
        translate_compare(arm, to);
        break;
    case KIND_LOAD:
        translate_load(arm, to, width);
        break;
    case KIND_STORE:
        translate_store(arm, to, width);
        break;
    case KIND_PAIR:
        translate_pair(arm, to);
        break;
    case KIND_EXCLUSIVE:
        translate_exclusive(arm, to);
        break;
    case KIND_BRANCH:
        translate_branch(from, arm, to);
        break;
    case KIND_RETURN:
        to->operation = OPERATION_RETURN;
        break;
    case KIND_TRAP:
        to->operation = OPERATION_TRAP;
        break;
    case KIND_NOP:
        to->operation = OPERATION_NOP;
        break;
    }
}

void translate_aarch64(csh handle, const cs_insn *from, struct instruction *to)
{
    to->written = written_by(handle, from);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].id == from->id) {
            to->emulated = is_emulated(from->id, kinds[i].kind);
            translate_as(kinds[i].kind, kinds[i].width, from, to);
        }
}
