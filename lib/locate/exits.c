/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/exits.h"

#include "elf/dynamic.h"
#include "locate/flow.h"

/* A function, and what the compiler moved out of it: each has a frame of its own. */
#define PARTS_MAX 4

#define SLOTS_MAX             4
#define STUB_INSTRUCTIONS_MAX 5
#define STUB_BYTES_MAX        32

/* What a call means that does not come back. */
enum callee { CALLEE_ANY, CALLEE_UNWINDS, CALLEE_ENDS };

static const struct {
    const char *name;
    enum callee callee;
} imports[] = {
    {"_Unwind_Resume", CALLEE_UNWINDS},
    {"__stack_chk_fail", CALLEE_ENDS},
    {"abort", CALLEE_ENDS},
};

struct import_slots {
    uint64_t items[ARRAY_SIZE(imports)][SLOTS_MAX];
    size_t counts[ARRAY_SIZE(imports)];
};

struct step {
    uint64_t address;
    uint64_t target; /* of a jump; 0: none */
    uint8_t size;
    bool goes_on; /* to the next instruction */
    bool jumps;
    bool emulated;
};

struct body {
    const struct code *code;
    struct import_slots slots;
    struct function parts[PARTS_MAX];
    size_t part_count;
    struct step steps[FLOW_NODES_MAX];
    struct flow_node nodes[FLOW_NODES_MAX];
    size_t count;
};

static struct import_slots read_imports(const struct image *image)
{
    struct import_slots slots = {0};

    for (size_t i = 0; i < ARRAY_SIZE(imports); i++)
        slots.counts[i] = dynamic_imported(image, imports[i].name, slots.items[i], SLOTS_MAX);
    return slots;
}

static enum callee callee_in_slot(const struct import_slots *slots, uint64_t slot)
{
    for (size_t i = 0; i < ARRAY_SIZE(imports); i++)
        for (size_t n = 0; n < slots->counts[i]; n++)
            if (slots->items[i][n] == slot)
                return imports[i].callee;
    return CALLEE_ANY;
}

/* Through the stub of the procedure linkage table, which loads its slot and jumps there. */
static enum callee callee_at(const struct body *body, uint64_t target)
{
    struct function stub = {target, target + STUB_BYTES_MAX};
    enum callee callee = CALLEE_ANY;
    struct walk walk;
    uint64_t slot;

    walk_start(&walk, body->code, &stub);
    for (int i = 0; i < STUB_INSTRUCTIONS_MAX && walk_next(&walk); i++) {
        bool jumps = walk.instruction.operation == OPERATION_JUMP;

        if ((jumps || walk.instruction.operation == OPERATION_LOAD) && !walk.instruction.target &&
            walk_address(&walk, &slot) && callee == CALLEE_ANY)
            callee = callee_in_slot(&body->slots, slot);
        if (jumps)
            return walk.instruction.target ? CALLEE_ANY : callee;
    }
    return CALLEE_ANY;
}

static enum callee callee_of(const struct body *body, const struct walk *walk)
{
    uint64_t slot;

    if (walk->instruction.target)
        return callee_at(body, walk->instruction.target);
    return walk->instruction.memory.base == REGISTER_NONE && walk_address(walk, &slot)
               ? callee_in_slot(&body->slots, slot)
               : CALLEE_ANY;
}

static bool has_part(const struct body *body, uint64_t address)
{
    for (size_t i = 0; i < body->part_count; i++)
        if (address >= body->parts[i].start && address < body->parts[i].end)
            return true;
    return false;
}

/* A jump out of the function leaves it where another begins; into the middle of one it goes on in
 * a part of this one that has a frame of its own. */
static int note_jump(struct body *body, const struct instruction *instruction,
                     struct flow_node *node, struct reason *why)
{
    const struct function *function = frames_function(body->code->image, instruction->target);

    if (!instruction->target)
        return reason_set(why, -ENOTSUP, "an indirect jump at 0x%llx",
                          (unsigned long long)instruction->address);
    if (has_part(body, instruction->target))
        return 0;
    if (!function || function->start == instruction->target) {
        node->leaves = true;
        return 0;
    }
    if (body->part_count == PARTS_MAX)
        return reason_set(why, -E2BIG, "jumps into more than %d other functions", PARTS_MAX);
    body->parts[body->part_count++] = *function;
    return 0;
}

static int note_step(struct body *body, const struct walk *walk, struct reason *why)
{
    const struct instruction *instruction = &walk->instruction;
    struct flow_node *node = &body->nodes[body->count];
    struct step *step = &body->steps[body->count];
    enum callee callee = CALLEE_ANY;

    *node = (struct flow_node){.next = {FLOW_NONE, FLOW_NONE}};
    *step = (struct step){
        .address = instruction->address,
        .size = instruction->size,
        .goes_on = true,
        .emulated = instruction->emulated,
    };
    body->count++;
    switch (instruction->operation) {
    case OPERATION_RETURN:
        node->leaves = true;
        step->goes_on = false;
        break;
    case OPERATION_TRAP:
        node->idle = true;
        step->goes_on = false;
        break;
    case OPERATION_NOP:
        node->idle = true;
        break;
    case OPERATION_CALL:
        callee = callee_of(body, walk);
        node->calls = callee == CALLEE_ANY;
        node->unwinds = node->leaves = callee == CALLEE_UNWINDS;
        step->goes_on = callee == CALLEE_ANY;
        break;
    case OPERATION_JUMP:
        node->cuttable = instruction->emulated;
        step->goes_on = instruction->conditional;
        step->jumps = true;
        step->target = instruction->target;
        return note_jump(body, instruction, node, why);
    default:
        break;
    }
    node->cuttable = instruction->emulated && !node->calls;
    return 0;
}

static int read_part(struct body *body, const struct function *part, struct reason *why)
{
    struct walk walk;
    int r = 0;

    walk_start(&walk, body->code, part);
    while (r == 0 && walk_next(&walk)) {
        if (body->count == FLOW_NODES_MAX)
            return reason_set(why, -E2BIG, "takes more than %d instructions", FLOW_NODES_MAX);
        r = note_step(body, &walk, why);
    }
    if (r == 0 && (walk.broken || walk.next != part->end))
        return reason_set(why, -EBADMSG, "the bytes at 0x%llx are no code",
                          (unsigned long long)walk.next);
    return r;
}

/* The index of the instruction at @address; the count when none starts there. */
static size_t step_at(const struct body *body, uint64_t address)
{
    size_t i = 0;

    while (i < body->count && body->steps[i].address != address)
        i++;
    return i;
}

static int connect(struct body *body, struct reason *why)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct step *step = &body->steps[i];
        size_t target = step->jumps ? step_at(body, step->target) : body->count;

        if (step->goes_on && i + 1 < body->count &&
            body->steps[i + 1].address == step->address + step->size)
            body->nodes[i].next[0] = (uint32_t)(i + 1);
        if (target < body->count)
            body->nodes[i].next[1] = (uint32_t)target;
        else if (step->jumps && !body->nodes[i].leaves)
            return reason_set(why, -EBADMSG, "jumps into an instruction, from 0x%llx",
                              (unsigned long long)step->address);
    }
    return 0;
}

static int list_exits(const struct body *body, struct function_exits *out, struct reason *why)
{
    for (size_t i = 0; i < body->count; i++) {
        if (!body->nodes[i].cut)
            continue;
        if (out->count == EXITS_MAX)
            return reason_set(why, -E2BIG, "has more than %d exits", EXITS_MAX);
        out->items[out->count++] = (struct function_exit){
            .address = body->steps[i].address,
            .kind = body->nodes[i].unwinds ? EXIT_THROWS : EXIT_RETURNS,
            .emulated = body->steps[i].emulated,
        };
    }
    return 0;
}

static int cut_body(struct body *body, struct function_exits *out, struct reason *why)
{
    struct function_exits exits = {0};
    bool natural;
    int r;

    if (!flow_cut(body->nodes, body->count, &natural))
        return reason_set(why, -ENOENT, "no set of exits that each path passes once");
    r = list_exits(body, &exits, why);
    if (r == -E2BIG && !natural) { /* more than there are returns, perhaps */
        for (size_t i = 0; i < body->count; i++)
            body->nodes[i].cuttable = body->nodes[i].leaves;
        exits.count = 0;
        if (!flow_cut(body->nodes, body->count, &natural))
            return r;
        r = list_exits(body, &exits, why);
    }
    if (r == 0)
        *out = exits;
    return r;
}

int exits_find(const struct code *code, uint64_t start, struct function_exits *out,
               struct reason *why)
{
    const struct function *function = frames_function(code->image, start);
    _free_ struct body *body = calloc(1, sizeof(*body));
    int r = 0;

    if (!body)
        return reason_set(why, -ENOMEM, "no memory");
    if (!function || function->start != start)
        return reason_set(why, -ENOENT, "no function starts at 0x%llx", (unsigned long long)start);
    body->code = code;
    body->slots = read_imports(code->image);
    body->parts[body->part_count++] = *function;
    for (size_t i = 0; i < body->part_count && r == 0; i++)
        r = read_part(body, &body->parts[i], why);
    if (r == 0)
        r = connect(body, why);
    return r < 0 ? r : cut_body(body, out, why);
}
