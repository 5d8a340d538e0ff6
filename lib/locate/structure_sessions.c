/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <string.h>

#include "elf/dynamic.h"
#include "locate/entry_points.h"
#include "locate/structure.h"

/*
 * EventPipe keeps its sessions in EventPipeSession *_ep_sessions[64] (src/native/eventpipe/ep.c;
 * EventPipe::s_pSessions in 3.x). Managed code names a session by its address, so four of the
 * runtime's QCalls must look an address up in that table, and QCalls are listed by name in a table
 * of pointers that survives stripping: {name, function} since 8.0, {function, name} before.
 *
 * From each of the four, or its direct callees, or theirs, comes a function that forms the address
 * of a variable in .bss and soon after counts to 64 (an index bound of 63 or 64, or 504 or 512 in
 * bytes). A variable that is read as a word (a state) or handed to a call (a lock) is none. The
 * table is the one that all of them have in common; at least two must agree. GetSessionInfo then
 * copies session_start_time and session_start_timestamp out of what it found, which gives their
 * offsets, and with them those of their neighbours (lib/state/session.h).
 */

#define CALLEES_MAX           48
#define VARIABLES_MAX         32
#define VOTES_MIN             2
#define TABLE_BYTES           512
#define LOOP_INSTRUCTIONS_MAX 24

static const char *const lookups[] = {
    "GetSessionInfo",
    "SignalSession",
    "WaitForSessionSignal",
    "GetNextEvent",
};

struct variables {
    uint64_t items[VARIABLES_MAX];
    size_t count;
};

/* A variable whose address has been formed, and how many instructions ago. */
struct formed {
    uint64_t address;
    unsigned age;
    bool counted; /* a bound of 64 came soon after */
};

struct formed_list {
    struct formed items[VARIABLES_MAX];
    size_t count;
};

struct callees {
    uint64_t items[CALLEES_MAX];
    size_t count;
};

static bool contains(const uint64_t *items, size_t count, uint64_t item)
{
    for (size_t i = 0; i < count; i++)
        if (items[i] == item)
            return true;
    return false;
}

static void add_variable(struct variables *variables, uint64_t address)
{
    if (variables->count < VARIABLES_MAX && !contains(variables->items, variables->count, address))
        variables->items[variables->count++] = address;
}

static void form_variable(struct formed_list *formed, uint64_t address)
{
    size_t i = 0;

    while (i < formed->count && formed->items[i].address != address)
        i++;
    if (i == VARIABLES_MAX)
        return;
    if (i == formed->count)
        formed->items[formed->count++] = (struct formed){.address = address};
    formed->items[i].age = 0;
}

static void drop_variable(struct formed_list *formed, uint64_t address)
{
    for (size_t i = 0; i < formed->count; i++)
        if (formed->items[i].address == address)
            formed->items[i] = formed->items[--formed->count];
}

static void age_variables(struct formed_list *formed, bool bound)
{
    for (size_t i = 0; i < formed->count; i++) {
        formed->items[i].age++;
        formed->items[i].counted |= bound && formed->items[i].age <= LOOP_INSTRUCTIONS_MAX;
    }
}

static uint64_t lookup_function(const struct image *image, const char *name)
{
    char qcall[64];
    uint64_t function;

    snprintf(qcall, sizeof(qcall), "EventPipeInternal_%s", name);
    function = entry_points_find(image, qcall, ENTRY_QCALL);
    return function ? function : entry_points_find(image, name, ENTRY_FCALL);
}

static bool is_bound(uint64_t constant)
{
    uint64_t n = (int64_t)constant < 0 ? -constant : constant;

    return n == 0x3f || n == 0x40 || n == 0x1f8 || n == 0x200;
}

static bool compares_with_bound(const struct instruction *instruction)
{
    return (instruction->operation == OPERATION_COMPARE ||
            instruction->operation == OPERATION_ADD) &&
           is_bound(instruction->constant);
}

/* In .bss, as a table that starts empty is: no bytes in the file. */
static bool is_zeroed(const struct image *image, uint64_t address)
{
    const struct segment *segment = image_segment(image, address);

    return segment && segment->flags & SEGMENT_WRITABLE &&
           address - segment->va >= segment->file_size &&
           segment->memory_size - (address - segment->va) >= TABLE_BYTES;
}

/* On aarch64 an address is made of a page (ADRP) and the rest (ADD); elsewhere ADD steps through
 * it. */
static bool completes_page(const struct walk *walk)
{
    return walk->code->image->machine == EM_AARCH64 &&
           walk->instruction.operation == OPERATION_ADD &&
           walk_register(walk, walk->instruction.source).kind == VALUE_CONSTANT;
}

/* The address of a zeroed variable that the current instruction forms without reading it. */
static bool forms_variable(const struct walk *walk, uint64_t *address)
{
    const struct instruction *instruction = &walk->instruction;
    struct value source = walk_register(walk, instruction->source);

    if (instruction->operation == OPERATION_CONSTANT)
        *address = instruction->constant;
    else if (completes_page(walk))
        *address = source.n + instruction->constant;
    else
        return false;
    return is_zeroed(walk->code->image, *address);
}

/* What the current instruction says of the variables: a new one, or that one is no table after all.
 */
static void note_variable(const struct walk *walk, struct formed_list *formed)
{
    const struct instruction *instruction = &walk->instruction;
    uint64_t address;

    if (completes_page(walk)) /* what ADRP made was only the page */
        drop_variable(formed, walk_register(walk, instruction->source).n);
    if (forms_variable(walk, &address))
        form_variable(formed, address);
    else if (instruction->operation == OPERATION_LOAD && instruction->width == 4 &&
             walk_address(walk, &address))
        drop_variable(formed, address);
    else if (instruction->operation == OPERATION_CALL &&
             walk_argument(walk, 0).kind == VALUE_CONSTANT)
        drop_variable(formed, walk_argument(walk, 0).n);
}

static void note_callee(const struct walk *walk, struct callees *callees)
{
    const struct instruction *instruction = &walk->instruction;
    bool leaves =
        instruction->target < walk->function.start || instruction->target >= walk->function.end;

    if ((instruction->operation == OPERATION_CALL || instruction->operation == OPERATION_JUMP) &&
        leaves && callees->count < CALLEES_MAX &&
        !contains(callees->items, callees->count, instruction->target))
        callees->items[callees->count++] = instruction->target;
}

/* Adds the variables that a function counts to 64 with, and lists what it calls. */
static void read_function(const struct code *code, uint64_t start, struct variables *variables,
                          struct callees *callees)
{
    const struct function *function = frames_function(code->image, start);
    struct formed_list formed = {0};
    struct walk walk;

    if (!function || function->start != start) /* a stub in the PLT, which is one long function */
        return;
    walk_start(&walk, code, function);
    while (walk_next(&walk)) {
        age_variables(&formed, compares_with_bound(&walk.instruction));
        note_variable(&walk, &formed);
        note_callee(&walk, callees);
    }
    for (size_t i = 0; i < formed.count; i++)
        if (formed.items[i].counted)
            add_variable(variables, formed.items[i].address);
}

/* The variables that one lookup may mean: its own and its callees', else its callees' callees'. */
static struct variables read_lookup(const struct code *code, uint64_t function)
{
    struct variables variables = {0};
    struct callees first = {0}, second = {0}, ignored = {0};

    read_function(code, function, &variables, &first);
    for (size_t i = 0; i < first.count; i++)
        read_function(code, first.items[i], &variables, &second);
    for (size_t i = 0; !variables.count && i < second.count; i++)
        read_function(code, second.items[i], &variables, &ignored);
    return variables;
}

static void intersect(struct variables *common, const struct variables *vote)
{
    for (size_t i = common->count; i-- > 0;)
        if (!contains(vote->items, vote->count, common->items[i]))
            common->items[i] = common->items[--common->count];
}

/* Offsets of the two fields that GetSessionInfo copies out of the session it has looked up. */
static uint16_t start_time_offset(const struct code *code, uint64_t function)
{
    const struct function *known = frames_function(code->image, function);
    int64_t offsets[2] = {0};
    size_t count = 0;
    struct walk walk;

    if (!known)
        return 0;
    walk_start(&walk, code, known);
    while (count < 2 && walk_next(&walk)) {
        const struct instruction *instruction = &walk.instruction;

        if (instruction->operation == OPERATION_LOAD && instruction->width == 8 &&
            walk_register(&walk, instruction->memory.base).kind == VALUE_RESULT &&
            instruction->memory.displacement > 8)
            offsets[count++] = instruction->memory.displacement;
    }
    return count == 2 && offsets[1] == offsets[0] + 8 && offsets[0] < 256 ? (uint16_t)offsets[0]
                                                                          : 0;
}

int structure_find_sessions(const struct code *code, struct clues *clues, struct findings *findings,
                            struct reason *why)
{
    struct variables common = {0};
    size_t named = 0, votes = 0;

    for (size_t i = 0; i < ARRAY_SIZE(lookups); i++) {
        uint64_t function = lookup_function(code->image, lookups[i]);
        struct variables vote = {0};

        if (!function)
            continue;
        named++;
        if (i == 0)
            findings->layout.session_start_time = start_time_offset(code, function);
        vote = read_lookup(code, function);
        if (!vote.count)
            continue;
        if (votes++ == 0)
            common = vote;
        else
            intersect(&common, &vote);
    }
    if (!named)
        return reason_set(why, -ENOENT, "the image lists no QCall that looks up a session");
    if (votes < VOTES_MIN || common.count != 1)
        return reason_set(why, -ENOTUNIQ,
                          "not unique: %zu of %zu QCalls lead to a table of 64, %zu in common",
                          votes, named, common.count);
    findings_add(findings, SITE_EVENTPIPE_SESSIONS, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                 common.items[0], "the table of 64 that %zu of %zu QCalls search for a session id",
                 votes, named);
    return 0;
}
