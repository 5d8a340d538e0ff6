/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/dynamic.h"
#include "locate/event_map.h"
#include "locate/exits.h"
#include "locate/references.h"
#include "locate/structure.h"
#include "util/number.h"

/*
 * A thread that finds a monitor taken, and has spun, calls
 *
 *     BOOL AwareLock::EnterEpilogHelper(Thread *pCurThread, INT32 timeOut)
 *
 * (src/coreclr/vm/syncblk.cpp) and waits there, whether or not anybody traces. It writes both
 * ContentionStart (81) and ContentionStop (91). Each event has a function of its own that tests
 * whether it is on and one that writes it; they alone read the event's variable. Of the functions
 * that read an event's variable or call one that does, one has both events: the other two writers,
 * LogContentionStart and LogContentionStop of managed locks, have one each.
 *
 * Checks: it tests the contention keyword, 0x4000; it changes the state of the lock, the first
 * field of `this`, by a compare-and-exchange; few functions call it; and it does to the lock what
 * the layout is read from:
 *
 *     m_dwSyncIndex & 0x7fffffff, an index of g_pSyncTable
 *     m_HoldingThread = pCurThread, or m_HoldingThreadId = pCurThread->m_ThreadId (10.0)
 *     m_HoldingOSThreadId = pCurThread->m_OSThreadId (8.0 and later)
 */

#define KEYWORD_CONTENTION 0x4000
#define SYNC_INDEX_MASK    0x7fffffff
#define CALLERS_MAX        8
#define VARIABLES_MAX      64

enum { EVENT_CONTENTION_START = 81, EVENT_CONTENTION_STOP = 91 };
enum { ARGUMENT_LOCK = 0, ARGUMENT_THREAD = 1 };

static const uint16_t wanted[] = {EVENT_CONTENTION_START, EVENT_CONTENTION_STOP};

struct variable {
    uint64_t address;
    uint16_t id;
    uint8_t version;
};

struct variables {
    struct variable items[VARIABLES_MAX]; /* sorted by address */
    size_t count;
};

/* A function that reads variables of events: bit per index in struct variables. */
struct user {
    struct function function;
    uint64_t reads;
};

struct users {
    struct user *items; /* owned; sorted by start */
    size_t count;
};

static int by_address(const void *a, const void *b)
{
    const struct variable *x = a, *y = b;

    return (x->address > y->address) - (x->address < y->address);
}

static void choose_variables(const struct event_map *map, struct variables *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        const struct event *event = map->items;

        while ((event = event_map_next(map, event, wanted[i])) && out->count < VARIABLES_MAX) {
            out->items[out->count++] =
                (struct variable){event->variable, event->id, event->version};
            event++;
        }
    }
    qsort(out->items, out->count, sizeof(*out->items), by_address);
}

static uint64_t bits_of(const struct variables *variables, uint16_t id)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < variables->count; i++)
        if (variables->items[i].id == id)
            bits |= 1ull << i;
    return bits;
}

static uint64_t bit_of_address(const struct variables *variables, uint64_t address)
{
    struct variable key = {.address = address};
    const struct variable *variable =
        bsearch(&key, variables->items, variables->count, sizeof(key), by_address);

    return variable ? 1ull << (variable - variables->items) : 0;
}

/* The variable that the current instruction reads, or forms the address of. */
static uint64_t read_by(const struct walk *walk, const struct variables *variables)
{
    const struct instruction *instruction = &walk->instruction;
    uint64_t address;

    switch (instruction->operation) {
    case OPERATION_CONSTANT:
        return bit_of_address(variables, instruction->constant);
    case OPERATION_LOAD:
    case OPERATION_COMPARE:
        return walk_address(walk, &address) ? bit_of_address(variables, address) : 0;
    case OPERATION_ADD:
        return walk_register(walk, instruction->source).kind == VALUE_CONSTANT
                   ? bit_of_address(variables, walk_register(walk, instruction->source).n +
                                                   instruction->constant)
                   : 0;
    default:
        return 0;
    }
}

static struct user read_user(const struct code *code, const struct function *function,
                             const struct variables *variables)
{
    struct user user = {.function = *function};
    struct walk walk;

    walk_start(&walk, code, function);
    while (walk_next(&walk))
        user.reads |= read_by(&walk, variables);
    return user;
}

/* The variables themselves, and what the GOT has of them: before 3.0 all is read through it. */
static size_t list_addresses(const struct image *image, const struct variables *variables,
                             uint64_t addresses[static 2 * VARIABLES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < variables->count; i++)
        addresses[count++] = variables->items[i].address;
    for (size_t i = 0; count && i < image->relocation_count; i++) {
        const struct relocation *relocation = &image->relocations[i];

        if (count < 2 * VARIABLES_MAX && bit_of_address(variables, relocation->target))
            addresses[count++] = relocation->slot;
    }
    qsort(addresses, count, sizeof(*addresses), number_compare);
    return count;
}

static int find_users(const struct code *code, const struct variables *variables, uint64_t creator,
                      struct users *out)
{
    _function_list_ struct function_list list = {0};
    uint64_t addresses[2 * VARIABLES_MAX];
    size_t count = list_addresses(code->image, variables, addresses);
    int r = references_find(code, addresses, count, &list);

    if (r < 0)
        return r;
    out->items = calloc(list.count + 1, sizeof(*out->items));
    if (!out->items)
        return -ENOMEM;
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].start == creator)
            continue;
        out->items[out->count] = read_user(code, &list.items[i], variables);
        if (out->items[out->count].reads)
            out->count++;
    }
    return 0;
}

static int by_start(const void *a, const void *b)
{
    const struct user *x = a, *y = b;

    return number_compare(&x->function.start, &y->function.start);
}

static const struct user *user_at(const struct users *users, uint64_t start)
{
    const struct user key = {.function.start = start};

    return users->count ? bsearch(&key, users->items, users->count, sizeof(key), by_start) : NULL;
}

/* What a function reads itself or through those that it calls directly. */
static uint64_t fired_by(const struct code *code, const struct function *function,
                         const struct users *users)
{
    const struct user *self = user_at(users, function->start);
    uint64_t fired = self ? self->reads : 0;
    struct walk walk;

    walk_start(&walk, code, function);
    while (walk_next(&walk)) {
        const struct user *callee = walk.instruction.operation == OPERATION_CALL ||
                                            walk.instruction.operation == OPERATION_JUMP
                                        ? user_at(users, walk.instruction.target)
                                        : NULL;

        fired |= callee ? callee->reads : 0;
    }
    return fired;
}

static int find_callers(const struct code *code, const struct users *users, uint64_t reads,
                        struct function_list *out)
{
    _free_ uint64_t *targets = calloc(users->count + 1, sizeof(*targets));
    size_t count = 0;

    if (!targets)
        return -ENOMEM;
    for (size_t i = 0; i < users->count; i++)
        if (users->items[i].reads & reads)
            targets[count++] = users->items[i].function.start;
    return references_find_callers(code, targets, count, out);
}

static bool has_function(const struct function_list *list, const struct user *user)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].start == user->function.start)
            return true;
    return false;
}

/* The only function that fires both events. */
static int find_helper(const struct code *code, const struct variables *variables,
                       const struct users *users, struct function *out, struct reason *why)
{
    uint64_t start = bits_of(variables, EVENT_CONTENTION_START);
    uint64_t stop = bits_of(variables, EVENT_CONTENTION_STOP);
    _function_list_ struct function_list callers = {0};
    size_t matches = 0;
    int r = find_callers(code, users, start | stop, &callers);

    if (r < 0)
        return reason_set(why, r, "too many functions may write ContentionStart or ContentionStop");
    for (size_t i = 0; i < callers.count; i++) {
        uint64_t fired = fired_by(code, &callers.items[i], users);

        if (!(fired & start) || !(fired & stop))
            continue;
        *out = callers.items[i];
        matches++;
    }
    for (size_t i = 0; i < users->count; i++) { /* those that call none */
        const struct user *user = &users->items[i];

        if (!(user->reads & start) || !(user->reads & stop) || has_function(&callers, user))
            continue;
        *out = user->function;
        matches++;
    }
    if (!matches)
        return reason_set(why, -ENOENT,
                          "no function writes both ContentionStart and ContentionStop, so "
                          "monitors are not native here");
    if (matches > 1)
        return reason_set(why, -ENOTUNIQ,
                          "not unique: %zu functions write both ContentionStart and ContentionStop",
                          matches);
    return 0;
}

/* What may be the helper. */
struct candidate {
    struct function function;
    bool asks_first; /* whether its events are on */
};

/* What the helper's code shows. */
struct helper {
    bool tests_keyword;
    bool changes_state;
    struct lock_layout layout;
    uint8_t index; /* the register that holds m_dwSyncIndex now; REGISTER_NONE: none */
    uint16_t index_offset;
};

static bool is_object(const struct walk *walk, unsigned argument)
{
    const struct memory_operand *memory = &walk->instruction.memory;

    return memory->index == REGISTER_NONE && memory->displacement >= 0 &&
           memory->displacement <= FIELD_OFFSET_MAX &&
           value_is(walk_register(walk, memory->base), VALUE_ARGUMENT, argument);
}

/* `sync index & mask` is an index of g_pSyncTable, whose elements are 16 bytes. */
static void note_index(const struct walk *walk, struct helper *helper)
{
    const struct instruction *instruction = &walk->instruction;
    struct value source = walk_register(walk, instruction->source);
    struct value table = walk_register(walk, instruction->memory.base);

    if (instruction->operation == OPERATION_AND && instruction->constant == SYNC_INDEX_MASK &&
        source.kind == VALUE_FIELD && source.n >> 16 == ARGUMENT_LOCK) {
        helper->index = instruction->destination;
        helper->index_offset = (uint16_t)source.n;
        return;
    }
    if (helper->index == REGISTER_NONE)
        return;
    if (instruction->memory.index == helper->index && table.kind == VALUE_LOADED) {
        helper->layout.sync_table = table.n;
        helper->layout.sync_index = helper->index_offset;
    }
    if (instruction->written >> helper->index & 1 && instruction->operation != OPERATION_SHIFT)
        helper->index = REGISTER_NONE;
}

/* The lock's new owner is written as a Thread, or as its ids. */
static void note_owner(const struct walk *walk, struct lock_layout *layout)
{
    const struct instruction *instruction = &walk->instruction;
    struct value value = walk_source(walk);
    uint16_t offset = (uint16_t)instruction->memory.displacement;
    bool of_thread = value.kind == VALUE_FIELD && value.n >> 16 == ARGUMENT_THREAD;

    if (!is_object(walk, ARGUMENT_LOCK))
        return;
    if (instruction->width == 8 && value_is(value, VALUE_ARGUMENT, ARGUMENT_THREAD)) {
        layout->holder = offset;
        layout->holder_is_thread = true;
    } else if (instruction->width == 8 && of_thread) {
        layout->owner_tid = offset;
        layout->thread_tid = (uint16_t)value.n;
    } else if (instruction->width == 4 && of_thread) {
        layout->holder = offset;
        layout->holder_is_thread = false;
    }
}

static struct helper read_helper(const struct code *code, const struct function *function)
{
    struct helper helper = {.index = REGISTER_NONE};
    struct walk walk;

    walk_start(&walk, code, function);
    while (walk_next(&walk)) {
        const struct instruction *instruction = &walk.instruction;

        helper.tests_keyword |= instruction->operation == OPERATION_CONSTANT &&
                                instruction->constant == KEYWORD_CONTENTION;
        helper.changes_state |= instruction->operation == OPERATION_ATOMIC &&
                                instruction->memory.displacement == 0 &&
                                is_object(&walk, ARGUMENT_LOCK);
        note_index(&walk, &helper);
        if (instruction->operation == OPERATION_STORE)
            note_owner(&walk, &helper.layout);
    }
    return helper;
}

static bool layout_is_credible(const struct lock_layout *layout)
{
    return layout->holder && layout->holder < LOCK_SIZE_MAX && layout->sync_index &&
           layout->sync_index < LOCK_SIZE_MAX && layout->sync_index % 4 == 0 &&
           layout->sync_table && layout->owner_tid < LOCK_SIZE_MAX && layout->owner_tid % 8 == 0 &&
           !layout->owner_tid == !layout->thread_tid && layout->thread_tid < THREAD_SIZE_MAX &&
           layout->thread_tid % 8 == 0;
}

static int check_callers(const struct code *code, uint64_t start, size_t *count, struct reason *why)
{
    _function_list_ struct function_list callers = {0};
    int r = references_find_callers(code, &start, 1, &callers);

    if (r < 0 || !callers.count || callers.count > CALLERS_MAX)
        return reason_set(why, -EBADMSG, "%zu functions call the one at 0x%llx, not 1 to %d",
                          callers.count, (unsigned long long)start, CALLERS_MAX);
    *count = callers.count;
    return 0;
}

static int check_helper(const struct code *code, const struct candidate *candidate,
                        struct lock_layout *layout, struct reason *why)
{
    struct helper helper = read_helper(code, &candidate->function);
    unsigned long long at = candidate->function.start;
    const char *missing = candidate->asks_first && !helper.tests_keyword ? "test keyword 0x4000"
                          : !helper.changes_state                        ? "change the lock's state"
                          : !layout_is_credible(&helper.layout) ? "show where a lock's owner is"
                                                                : NULL;

    if (missing)
        return reason_set(why, -EBADMSG, "the function at 0x%llx does not %s", at, missing);
    *layout = helper.layout;
    return 0;
}

static void add_exits(const struct code *code, uint64_t start, struct findings *findings)
{
    struct reason why = {""};

    if (exits_find(code, start, &findings->lock_exits, &why) < 0)
        findings_miss(findings, SITE_LOCK_CONTENTION_EXIT, "not all ways out are known: %s",
                      why.text);
    else
        findings_add(findings, SITE_LOCK_CONTENTION_EXIT, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                     findings->lock_exits.items[0].address,
                     "the first of %zu ways out of 0x%llx, of which each call passes one",
                     findings->lock_exits.count, (unsigned long long)start);
}

/* Since ContentionStop has a version 1, 3.0, its keyword is tested before it is written. */
static bool asks_first(const struct variables *variables)
{
    for (size_t i = 0; i < variables->count; i++)
        if (variables->items[i].id == EVENT_CONTENTION_STOP && variables->items[i].version)
            return true;
    return false;
}

static int find_by_events(const struct code *code, struct clues *clues, struct candidate *out,
                          struct reason *why)
{
    const struct event_map *map;
    struct variables variables = {0};
    struct users users = {0};
    int r = clues_events(code, clues, &map, why);

    if (r < 0)
        return r;
    choose_variables(map, &variables);
    r = find_users(code, &variables, clues->creator, &users);
    if (r < 0)
        reason_set(why, r, "too many functions may read the events' variables");
    else
        r = find_helper(code, &variables, &users, &out->function, why);
    free(users.items);
    out->asks_first = asks_first(&variables);
    return r;
}

/* Where symbols name the function and the events do not lead to it, it is what they say. */
static bool is_named(const struct code *code, const struct clues *clues, struct candidate *out)
{
    const struct finding *named =
        clues->named ? &clues->named->sites[SITE_LOCK_CONTENTION_ENTER] : NULL;
    const struct function *function =
        named && finding_is_found(named) ? frames_function(code->image, named->address) : NULL;

    if (!function || function->start != named->address)
        return false;
    *out = (struct candidate){.function = *function};
    return true;
}

int structure_find_locks(const struct code *code, struct clues *clues, struct findings *findings,
                         struct reason *why)
{
    struct candidate candidate = {0};
    size_t callers = 0;
    int found = find_by_events(code, clues, &candidate, why);
    int r = found < 0 && is_named(code, clues, &candidate) ? 0 : found;

    if (r == 0)
        r = check_helper(code, &candidate, &findings->lock, why);
    if (r == 0)
        r = check_callers(code, candidate.function.start, &callers, why);
    if (r < 0) {
        findings->lock = (struct lock_layout){0};
        return r;
    }
    if (found < 0)
        findings_miss(findings, SITE_LOCK_CONTENTION_ENTER, "%s", why->text);
    else
        findings_add(findings, SITE_LOCK_CONTENTION_ENTER, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                     candidate.function.start,
                     "the only function that writes ContentionStart and ContentionStop; %zu call "
                     "it",
                     callers);
    add_exits(code, candidate.function.start, findings);
    return 0;
}
