/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "elf/dynamic.h"
#include "locate/references.h"
#include "locate/structure.h"

/*
 * Each native provider is created by generated code (src/coreclr/scripts/genEventPipe.py):
 *
 *     const WCHAR *DotNETRuntimeName = W("Microsoft-Windows-DotNETRuntime");
 *     EventPipeProviderDotNETRuntime =
 *         create_provider(DotNETRuntimeName, EventPipeEtwCallbackDotNETRuntime);
 *
 * The conversion of the name is inlined, so the shape is: the name (or the pointer to it) is
 * loaded, and the next call whose second argument is a function creates the provider. That function
 * is the provider's callback, and where the result is stored the provider object. The callback
 * (src/coreclr/vm/eventtrace.cpp, EtwCallbackCommon) copies what the provider now has into the
 * context that the runtime tests:
 *
 *     context->EventPipeProvider.Level = level;                        byte at +8, argument 2
 *     context->EventPipeProvider.IsEnabled = controlCode != 0;         byte at +9, since 5.0
 *     context->EventPipeProvider.EnabledKeywordsBitmask = keywords;    u64 at +16, argument 3
 *
 * Some builds inline that into each callback, others pass a number to a common function that takes
 * the context from a table; following the callback with its arguments known covers both. The other
 * copies of these contexts, hundreds in 8.0 and later, one per compilation unit, are never written.
 */

#define MENTIONS_MAX 16384
#define FOLLOW_MAX   2

enum { CONTEXT_LEVEL = 8, CONTEXT_ENABLED = 9, CONTEXT_KEYWORDS = 16 };
enum { ARGUMENT_LEVEL = 2, ARGUMENT_KEYWORDS = 3 };

static const struct {
    const char *name;
    enum site context;
    enum site callback; /* SITE_MAX: not asked for */
} providers[] = {
    {"Microsoft-Windows-DotNETRuntime", SITE_PROVIDER_CONTEXT_RUNTIME,
     SITE_PROVIDER_CALLBACK_RUNTIME},
    {"Microsoft-Windows-DotNETRuntimePrivate", SITE_PROVIDER_CONTEXT_PRIVATE,
     SITE_PROVIDER_CALLBACK_PRIVATE},
    {"Microsoft-Windows-DotNETRuntimeRundown", SITE_PROVIDER_CONTEXT_RUNDOWN, SITE_MAX},
    {"Microsoft-Windows-DotNETRuntimeStress", SITE_PROVIDER_CONTEXT_STRESS, SITE_MAX},
};

#define PROVIDERS   ARRAY_SIZE(providers)
#define STEM_LENGTH (sizeof("Microsoft-Windows-DotNETRuntime") - 1)

/* A place that means a provider: its name, in UTF-16 or UTF-8, or a pointer to the name. */
struct mention {
    uint64_t address;
    size_t provider;
};

struct mentions {
    struct mention items[MENTIONS_MAX]; /* sorted by address */
    size_t count;
};

struct creation {
    uint64_t callback; /* 0: not seen */
    uint64_t object;   /* where the provider pointer is stored; 0: not seen */
    uint64_t creator;  /* the function that does it */
    bool ambiguous;
};

static void add_mention(struct mentions *mentions, uint64_t address, size_t provider)
{
    if (mentions->count < MENTIONS_MAX)
        mentions->items[mentions->count++] = (struct mention){address, provider};
}

/* The provider whose name is the common stem and what @rest holds, one character in @step bytes. */
static size_t provider_named(const uint8_t *rest, size_t left, size_t step)
{
    for (size_t p = 0; p < PROVIDERS; p++) {
        const char *suffix = providers[p].name + STEM_LENGTH;
        size_t length = strlen(suffix) + 1, i = 0;

        while (i < length && (i + 1) * step <= left && rest[i * step] == (uint8_t)suffix[i])
            i++;
        if (i == length)
            return p;
    }
    return PROVIDERS;
}

static void find_names_in(const struct image *image, const struct segment *segment,
                          const uint8_t *stem, size_t step, struct mentions *out)
{
    const uint8_t *start = image_bytes(image, segment->offset, segment->file_size), *at = start;
    size_t left = segment->file_size, length = STEM_LENGTH * step;

    while (start && (at = memmem(at, left, stem, length))) {
        size_t after = segment->file_size - (size_t)(at - start) - length;
        size_t p = provider_named(at + length, after, step);

        if (p < PROVIDERS)
            add_mention(out, segment->va + (uint64_t)(at - start), p);
        at += length;
        left = after;
    }
}

/* Names are in UTF-16; since 8.0 also in UTF-8. */
static void find_names(const struct image *image, struct mentions *out)
{
    uint8_t narrow[STEM_LENGTH], wide[2 * STEM_LENGTH] = {0};

    for (size_t i = 0; i < STEM_LENGTH; i++)
        wide[2 * i] = narrow[i] = (uint8_t)providers[0].name[i];
    for (size_t i = 0; i < image->segment_count; i++) {
        find_names_in(image, &image->segments[i], narrow, 1, out);
        find_names_in(image, &image->segments[i], wide, 2, out);
    }
}

static int by_address(const void *a, const void *b)
{
    const struct mention *x = a, *y = b;

    return (x->address > y->address) - (x->address < y->address);
}

static const struct mention *mention_at(const struct mentions *mentions, uint64_t address)
{
    struct mention key = {.address = address};

    return bsearch(&key, mentions->items, mentions->count, sizeof(key), by_address);
}

static void sort_mentions(struct mentions *mentions)
{
    qsort(mentions->items, mentions->count, sizeof(*mentions->items), by_address);
}

/* Pointers to what is mentioned already: the variable that holds a name, then its slot in the GOT.
 */
static void add_pointers(const struct image *image, struct mentions *mentions)
{
    size_t known = mentions->count;

    for (size_t i = 0; known && i < image->relocation_count; i++) {
        struct mention key = {.address = image->relocations[i].target};
        const struct mention *to = bsearch(&key, mentions->items, known, sizeof(key), by_address);

        if (to)
            add_mention(mentions, image->relocations[i].slot, to->provider);
    }
    sort_mentions(mentions);
}

static void find_mentions(const struct image *image, struct mentions *out)
{
    find_names(image, out);
    sort_mentions(out);
    add_pointers(image, out);
    add_pointers(image, out);
}

static int find_creators(const struct code *code, const struct mentions *mentions,
                         struct function_list *out)
{
    _free_ uint64_t *addresses = calloc(mentions->count, sizeof(*addresses));

    if (!addresses)
        return -ENOMEM;
    for (size_t i = 0; i < mentions->count; i++)
        addresses[i] = mentions->items[i].address;
    return references_find(code, addresses, mentions->count, out);
}

/* The provider that the current instruction mentions, or PROVIDERS. */
static size_t mentioned_by(const struct walk *walk, const struct mentions *mentions)
{
    const struct instruction *instruction = &walk->instruction;
    const struct mention *mention = NULL;
    uint64_t address;

    if (instruction->operation == OPERATION_CONSTANT)
        mention = mention_at(mentions, instruction->constant);
    else if (instruction->operation == OPERATION_LOAD && walk_address(walk, &address))
        mention = mention_at(mentions, address);
    else if (instruction->operation == OPERATION_ADD &&
             walk_register(walk, instruction->source).kind == VALUE_CONSTANT)
        mention = mention_at(mentions,
                             walk_register(walk, instruction->source).n + instruction->constant);
    return mention ? mention->provider : PROVIDERS;
}

static bool is_creation(const struct walk *walk)
{
    struct value callback = walk_argument(walk, 1);
    const struct function *function;

    if (walk->instruction.operation != OPERATION_CALL || callback.kind != VALUE_CONSTANT)
        return false;
    function = frames_function(walk->code->image, callback.n);
    return function && function->start == callback.n;
}

static void note_creation(struct creation *creation, uint64_t callback)
{
    if (creation->callback && creation->callback != callback)
        creation->ambiguous = true;
    creation->callback = callback;
}

static void read_creator(const struct code *code, const struct function *function,
                         const struct mentions *mentions,
                         struct creation creations[static PROVIDERS])
{
    size_t named = PROVIDERS, created = PROVIDERS;
    uint64_t call = 0, address;
    struct walk walk;

    walk_start(&walk, code, function);
    while (walk_next(&walk)) {
        size_t mentioned = mentioned_by(&walk, mentions);

        if (mentioned < PROVIDERS)
            named = mentioned;
        if (named < PROVIDERS && is_creation(&walk)) {
            created = named;
            call = walk.instruction.address;
            note_creation(&creations[created], walk_argument(&walk, 1).n);
            named = PROVIDERS;
        }
        if (created < PROVIDERS && walk.instruction.operation == OPERATION_STORE &&
            walk.instruction.width == 8 && value_is(walk_source(&walk), VALUE_RESULT, call) &&
            walk_address(&walk, &address) && image_is_writable(code->image, address)) {
            creations[created].object = address;
            creations[created].creator = function->start;
        }
    }
}

/* The stores of a callback, relative to the context they are in. */
struct stores {
    uint64_t level, keywords, enabled; /* address stored to, 0: none */
    bool ambiguous;
};

static void note_address(uint64_t *slot, uint64_t address, bool *ambiguous)
{
    if (*slot && *slot != address)
        *ambiguous = true;
    *slot = address;
}

static void note_store(const struct walk *walk, struct stores *stores)
{
    struct value value = walk_source(walk);
    uint64_t address;

    if (!walk_address(walk, &address) || !image_is_writable(walk->code->image, address))
        return;
    if (walk->instruction.width == 1 && value_is(value, VALUE_ARGUMENT, ARGUMENT_LEVEL))
        note_address(&stores->level, address, &stores->ambiguous);
    else if (walk->instruction.width == 8 && value_is(value, VALUE_ARGUMENT, ARGUMENT_KEYWORDS))
        note_address(&stores->keywords, address, &stores->ambiguous);
    else if (walk->instruction.width == 1 && address == stores->level + 1)
        stores->enabled = address;
}

/* Where a callback goes on: a tail jump that hands on level and keywords unchanged. */
static bool passes_on(const struct walk *walk)
{
    const struct instruction *instruction = &walk->instruction;

    return instruction->operation == OPERATION_JUMP && !instruction->conditional &&
           instruction->target &&
           value_is(walk_argument(walk, ARGUMENT_LEVEL), VALUE_ARGUMENT, ARGUMENT_LEVEL) &&
           value_is(walk_argument(walk, ARGUMENT_KEYWORDS), VALUE_ARGUMENT, ARGUMENT_KEYWORDS);
}

static struct stores read_callback(const struct code *code, uint64_t callback)
{
    const struct function *function = frames_function(code->image, callback);
    struct stores stores = {0};
    struct walk walk;
    int followed = 0;

    if (!function || function->start != callback)
        return stores;
    walk_start(&walk, code, function);
    while (walk_next(&walk)) {
        if (walk.instruction.operation == OPERATION_STORE)
            note_store(&walk, &stores);
        if (!stores.level && followed < FOLLOW_MAX && passes_on(&walk) &&
            walk_follow(&walk, walk.instruction.target))
            followed++;
    }
    return stores;
}

static void add_context(const struct code *code, size_t p, const struct creation *creation,
                        struct findings *findings)
{
    struct stores stores = read_callback(code, creation->callback);
    uint64_t context = stores.level - CONTEXT_LEVEL;

    if (stores.ambiguous || creation->ambiguous)
        findings_miss(findings, providers[p].context,
                      "not unique: its callback at 0x%llx stores "
                      "levels or keywords to more than one place",
                      (unsigned long long)creation->callback);
    else if (!stores.level || stores.keywords != context + CONTEXT_KEYWORDS)
        findings_miss(findings, providers[p].context,
                      "the callback at 0x%llx does not store a level and keywords as a context has",
                      (unsigned long long)creation->callback);
    else
        findings_add(findings, providers[p].context, SOURCE_STRUCTURE, CONFIDENCE_PROVEN, context,
                     "written by the callback at 0x%llx that %s is created with",
                     (unsigned long long)creation->callback, providers[p].name);
    if (p == 0 && stores.level)
        findings->layout.context_has_enabled = stores.enabled != 0;
}

static void add_callback(size_t p, const struct creation *creation, struct findings *findings)
{
    if (providers[p].callback == SITE_MAX)
        return;
    if (creation->ambiguous)
        findings_miss(findings, providers[p].callback,
                      "not unique: %s is created with two callbacks", providers[p].name);
    else
        findings_add(findings, providers[p].callback, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                     creation->callback, "the function that %s is created with", providers[p].name);
}

int structure_find_providers(const struct code *code, struct clues *clues,
                             struct findings *findings, struct reason *why)
{
    _function_list_ struct function_list creators = {0};
    _free_ struct mentions *mentions = calloc(1, sizeof(*mentions));
    struct creation creations[PROVIDERS] = {0};
    int r;

    if (!mentions)
        return reason_set(why, -ENOMEM, "no memory");
    find_mentions(code->image, mentions);
    if (!mentions->count)
        return reason_set(why, -ENOENT, "the image does not name %s", providers[0].name);
    r = find_creators(code, mentions, &creators);
    if (r < 0)
        return reason_set(why, r, "too many functions mention a provider's name");
    for (size_t i = 0; i < creators.count; i++)
        read_creator(code, &creators.items[i], mentions, creations);
    for (size_t p = 0; p < PROVIDERS; p++) {
        if (!creations[p].callback) {
            findings_miss(findings, providers[p].context, "no call creates %s", providers[p].name);
            continue;
        }
        add_context(code, p, &creations[p], findings);
        add_callback(p, &creations[p], findings);
    }
    if (!creations[0].object || creations[0].ambiguous)
        return reason_set(why, -ENOENT, "no single call that creates %s stores its result",
                          providers[0].name);
    clues->creator = creations[0].creator;
    findings_add(findings, SITE_EVENTPIPE_PROVIDER_RUNTIME, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                 creations[0].object, "result of the call that creates %s, %zu function(s) name it",
                 providers[0].name, creators.count);
    return 0;
}
