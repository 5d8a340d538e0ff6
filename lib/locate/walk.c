/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/walk.h"

#include <string.h>

#include "elf/dynamic.h"

#define FUNCTION_BYTES_MAX (1 << 17)

static const struct value unknown = {VALUE_UNKNOWN, 0};

static struct value constant(uint64_t n)
{
    return (struct value){VALUE_CONSTANT, n};
}

void walk_start(struct walk *walk, const struct code *code, const struct function *function)
{
    const struct convention *convention = decoder_convention(code->decoder);

    *walk = (struct walk){.code = code, .function = *function, .next = function->start};
    for (unsigned i = 0; i < ARGUMENTS_MAX; i++)
        walk->registers[convention->arguments[i]] = (struct value){VALUE_ARGUMENT, i};
}

struct value walk_register(const struct walk *walk, uint8_t number)
{
    return number < REGISTER_COUNT ? walk->registers[number] : unknown;
}

struct value walk_source(const struct walk *walk)
{
    const struct instruction *instruction = &walk->instruction;

    return instruction->source == REGISTER_NONE ? constant(instruction->constant)
                                                : walk_register(walk, instruction->source);
}

struct value walk_argument(const struct walk *walk, unsigned n)
{
    return walk_register(walk, decoder_convention(walk->code->decoder)->arguments[n]);
}

bool walk_address(const struct walk *walk, uint64_t *address)
{
    const struct memory_operand *memory = &walk->instruction.memory;
    uint64_t sum = (uint64_t)memory->displacement;

    if (memory->base != REGISTER_NONE) {
        struct value base = walk_register(walk, memory->base);

        if (base.kind != VALUE_CONSTANT)
            return false;
        sum += base.n;
    }
    if (memory->index != REGISTER_NONE) {
        struct value index = walk_register(walk, memory->index);

        if (index.kind != VALUE_CONSTANT)
            return false;
        sum += index.n * memory->scale;
    }
    *address = sum;
    return true;
}

/* A pointer that the loader wrote once, or read-only data, is as good as a constant. */
static struct value loaded(const struct walk *walk, uint64_t address)
{
    const struct image *image = walk->code->image;
    const struct instruction *instruction = &walk->instruction;
    const struct relocation *relocation = dynamic_relocation(image, address);
    uint64_t value = 0;
    const void *bytes;

    if (image_is_writable(image, address))
        return (struct value){VALUE_LOADED, address};
    if (relocation)
        return instruction->width == 8 ? constant(relocation->target) : unknown;
    bytes = instruction->width <= 8 && !instruction->sign_extend
                ? image_at(image, address, instruction->width)
                : NULL;
    if (!bytes || !image_is_constant(image, address))
        return unknown;
    memcpy(&value, bytes, instruction->width);
    return constant(value);
}

static bool is_on_stack(const struct walk *walk)
{
    const struct convention *convention = decoder_convention(walk->code->decoder);
    const struct memory_operand *memory = &walk->instruction.memory;

    return memory->index == REGISTER_NONE && walk->instruction.width == 8 &&
           (memory->base == convention->stack_pointer || memory->base == convention->frame_pointer);
}

static struct spill *spill_at(struct walk *walk, uint8_t base, int64_t displacement)
{
    for (size_t i = 0; i < walk->spill_count; i++)
        if (walk->spills[i].base == base && walk->spills[i].displacement == displacement)
            return &walk->spills[i];
    return NULL;
}

static void spill(struct walk *walk, int64_t displacement, struct value value)
{
    uint8_t base = walk->instruction.memory.base;
    struct spill *known = spill_at(walk, base, displacement);

    if (known)
        known->value = value;
    else if (value.kind != VALUE_UNKNOWN && walk->spill_count < WALK_SPILLS_MAX)
        walk->spills[walk->spill_count++] = (struct spill){base, displacement, value};
}

static void spill_stored(struct walk *walk)
{
    const struct instruction *instruction = &walk->instruction;

    if (!is_on_stack(walk))
        return;
    spill(walk, instruction->memory.displacement, walk_source(walk));
    if (instruction->second != REGISTER_NONE)
        spill(walk, instruction->memory.displacement + 8, walk_register(walk, instruction->second));
}

/* A base that moves takes all that was stored by it. */
static void drop_spills(struct walk *walk, uint64_t written)
{
    for (size_t i = walk->spill_count; i-- > 0;)
        if (written >> walk->spills[i].base & 1)
            walk->spills[i] = walk->spills[--walk->spill_count];
}

/* From the stack, or out of the object that an argument points to. */
static struct value loaded_from_base(struct walk *walk)
{
    const struct memory_operand *memory = &walk->instruction.memory;
    struct value base = walk_register(walk, memory->base);
    const struct spill *known;

    if (is_on_stack(walk)) {
        known = spill_at(walk, memory->base, memory->displacement);
        return known ? known->value : unknown;
    }
    if (base.kind != VALUE_ARGUMENT || memory->index != REGISTER_NONE || memory->displacement < 0 ||
        memory->displacement > FIELD_OFFSET_MAX)
        return unknown;
    return (struct value){VALUE_FIELD,
                          value_field((unsigned)base.n, (uint64_t)memory->displacement)};
}

static struct value narrowed(struct value value, uint8_t width)
{
    if (value.kind == VALUE_CONSTANT && width < 8)
        value.n &= (1ull << 8 * width) - 1;
    return value;
}

static struct value computed(struct walk *walk)
{
    const struct instruction *instruction = &walk->instruction;
    struct value source = walk_register(walk, instruction->source);
    uint64_t address;

    switch (instruction->operation) {
    case OPERATION_CONSTANT:
        return constant(instruction->constant);
    case OPERATION_INSERT:
        if (source.kind != VALUE_CONSTANT || instruction->shift > 48)
            return unknown;
        return constant((source.n & ~(0xffffull << instruction->shift)) |
                        instruction->constant << instruction->shift);
    case OPERATION_MOVE:
        return instruction->sign_extend && source.kind == VALUE_CONSTANT &&
                       source.n >> (8 * instruction->width - 1)
                   ? unknown
                   : source;
    case OPERATION_ADD:
        return source.kind == VALUE_CONSTANT ? constant(source.n + instruction->constant) : unknown;
    case OPERATION_OR:
        return source.kind == VALUE_CONSTANT ? constant(source.n | instruction->constant) : unknown;
    case OPERATION_AND:
        return source.kind == VALUE_CONSTANT ? constant(source.n & instruction->constant) : unknown;
    case OPERATION_SHIFT:
        return source.kind == VALUE_CONSTANT ? constant(source.n << instruction->shift) : unknown;
    case OPERATION_ADDRESS:
        return walk_address(walk, &address) ? constant(address) : unknown;
    case OPERATION_LOAD:
        return walk_address(walk, &address) ? loaded(walk, address) : loaded_from_base(walk);
    default:
        return unknown;
    }
}

static void forget(struct walk *walk, uint64_t mask)
{
    for (unsigned i = 0; i < REGISTER_COUNT; i++)
        if (mask >> i & 1)
            walk->registers[i] = unknown;
}

static void execute(struct walk *walk)
{
    const struct convention *convention = decoder_convention(walk->code->decoder);
    const struct instruction *instruction = &walk->instruction;
    struct value value = narrowed(computed(walk), instruction->width);

    if (instruction->operation == OPERATION_CALL) {
        forget(walk, convention->clobbered);
        walk->registers[convention->result] = (struct value){VALUE_RESULT, instruction->address};
        return;
    }
    if (instruction->operation == OPERATION_STORE)
        spill_stored(walk);
    if (instruction->operation != OPERATION_COMPARE) {
        forget(walk, instruction->written);
        drop_spills(walk, instruction->written);
    }
    if (instruction->destination < REGISTER_UNKNOWN && instruction->operation != OPERATION_OTHER &&
        instruction->operation != OPERATION_COMPARE)
        walk->registers[instruction->destination] = value;
}

bool walk_next(struct walk *walk)
{
    size_t left = (size_t)(walk->function.end - walk->next);
    const uint8_t *bytes;

    if (walk->instruction.size)
        execute(walk);
    if (walk->next >= walk->function.end ||
        walk->function.end - walk->function.start > FUNCTION_BYTES_MAX)
        return false;
    bytes = image_at(walk->code->image, walk->next, left);
    if (!bytes ||
        !decoder_decode(walk->code->decoder, bytes, left, walk->next, &walk->instruction)) {
        walk->broken = true;
        return false;
    }
    walk->next += walk->instruction.size;
    return true;
}

bool walk_follow(struct walk *walk, uint64_t target)
{
    const struct function *function = frames_function(walk->code->image, target);

    if (!function || function->start != target)
        return false;
    walk->function = *function;
    walk->next = target;
    walk->instruction.size = 0;
    return true;
}
