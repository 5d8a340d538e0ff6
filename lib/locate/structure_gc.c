/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "elf/dynamic.h"
#include "locate/structure.h"

/*
 * IGCHeap is an abstract class (src/coreclr/gc/gcinterface.h), so every GC has a vtable, and two
 * adjacent slots of it are
 *
 *     void ControlEvents(GCEventKeyword keyword, GCEventLevel level)
 *     void ControlPrivateEvents(GCEventKeyword keyword, GCEventLevel level)
 *
 * Each inlines GCEventStatus::Set(provider, keyword, level): a leaf without branches that stores
 * the level (argument 2) to enabledLevels[provider] and the keywords (argument 1) to
 * enabledKeywords[provider], int32 each; provider 0 is the public one, 1 the private. So the second
 * function's two addresses are the first's plus 4. In every build tried, 3.0 to 10.0, x86-64 and
 * aarch64, exactly one pair of addresses in the image is written like that.
 *
 * The workstation and the server GC are compiled from the same source and write the same variables.
 * A later slot tells them apart: GetNumberOfHeaps() is the constant 1 in the one and a variable in
 * the other, and exactly one slot differs in that way.
 */

#define LEAF_INSTRUCTIONS_MAX 24
#define LEAF_BYTES_MAX        128
#define VTABLES_MAX           8
#define VTABLE_AHEAD          32

struct control {
    uint64_t levels;
    uint64_t keywords;
};

struct vtable {
    uint64_t slot; /* of ControlEvents */
    uint64_t public_function;
    uint64_t private_function;
};

struct matches {
    struct control control; /* the variables, from the public function */
    struct vtable vtables[VTABLES_MAX];
    size_t count;
};

static struct function leaf_at(const struct code *code, uint64_t va)
{
    const struct function *known = frames_function(code->image, va);

    if (known && known->start == va)
        return *known;
    return (struct function){va, va + LEAF_BYTES_MAX};
}

/* Notes one of the two stores; false when it is neither. */
static bool note_store(const struct walk *walk, struct control *out)
{
    struct value value = walk_source(walk);
    uint64_t address;

    if (walk->instruction.width != 4 || !walk_address(walk, &address) ||
        !image_is_writable(walk->code->image, address))
        return false;
    if (value_is(value, VALUE_ARGUMENT, 2) && !out->levels) {
        out->levels = address;
        return true;
    }
    if (value_is(value, VALUE_ARGUMENT, 1) && !out->keywords) {
        out->keywords = address;
        return true;
    }
    return false;
}

static bool read_control(const struct code *code, uint64_t va, struct control *out)
{
    struct function function = leaf_at(code, va);
    struct walk walk;

    *out = (struct control){0};
    walk_start(&walk, code, &function);
    for (int i = 0; i < LEAF_INSTRUCTIONS_MAX && walk_next(&walk); i++) {
        switch (walk.instruction.operation) {
        case OPERATION_RETURN:
            return out->levels && out->keywords;
        case OPERATION_CALL:
        case OPERATION_JUMP:
        case OPERATION_TRAP:
            return false;
        case OPERATION_STORE:
            if (!note_store(&walk, out))
                return false;
            break;
        default:
            break;
        }
    }
    return false;
}

static bool add_match(struct matches *matches, const struct control *control,
                      const struct vtable *vtable)
{
    if (matches->count && (matches->control.levels != control->levels ||
                           matches->control.keywords != control->keywords))
        return false;
    matches->control = *control;
    for (size_t i = 0; i < matches->count; i++)
        if (matches->vtables[i].public_function == vtable->public_function)
            return true;
    if (matches->count == VTABLES_MAX)
        return false;
    matches->vtables[matches->count++] = *vtable;
    return true;
}

static int search_vtables(const struct code *code, struct matches *matches, struct reason *why)
{
    const struct image *image = code->image;

    for (size_t i = 0; i + 1 < image->relocation_count; i++) {
        const struct relocation *first = &image->relocations[i], *second = first + 1;
        struct control public, private;

        if (second->slot != first->slot + 8 || !image_is_code(image, first->target) ||
            !image_is_code(image, second->target) || !read_control(code, first->target, &public) ||
            !read_control(code, second->target, &private))
            continue;
        if (private.levels != public.levels + 4 || private.keywords != public.keywords + 4)
            continue;
        if (!add_match(matches, &public,
                       &(struct vtable){first->slot, first->target, second->target}))
            return reason_set(why, -ENOTUNIQ,
                              "not unique: ControlEvents pairs at 0x%llx and before it differ",
                              (unsigned long long)first->target);
    }
    if (!matches->count)
        return reason_set(why, -ENOENT,
                          "no vtable has the pair ControlEvents, ControlPrivateEvents");
    return 0;
}

enum heaps { HEAPS_OTHER, HEAPS_ONE, HEAPS_VARIABLE };

/* What the function in a slot returns: the constant 1, a 32-bit variable, or something else. */
static enum heaps heaps_in_slot(const struct code *code, uint64_t slot)
{
    const struct relocation *relocation = dynamic_relocation(code->image, slot);
    struct function function;
    struct walk walk;

    if (!relocation || !image_is_code(code->image, relocation->target))
        return HEAPS_OTHER;
    function = leaf_at(code, relocation->target);
    walk_start(&walk, code, &function);
    for (int i = 0; i < LEAF_INSTRUCTIONS_MAX && walk_next(&walk); i++) {
        struct value result = walk_register(&walk, decoder_convention(code->decoder)->result);

        switch (walk.instruction.operation) {
        case OPERATION_RETURN:
            return value_is(result, VALUE_CONSTANT, 1) ? HEAPS_ONE
                   : result.kind == VALUE_LOADED       ? HEAPS_VARIABLE
                                                       : HEAPS_OTHER;
        case OPERATION_CALL:
        case OPERATION_JUMP:
        case OPERATION_STORE:
        case OPERATION_TRAP:
            return HEAPS_OTHER;
        default:
            break;
        }
    }
    return HEAPS_OTHER;
}

/* 0 or 1: which of two vtables is the workstation GC's; negative when no one slot tells. */
static int workstation_of(const struct code *code, const struct vtable vtables[static 2])
{
    int answer = -ENOENT;

    for (unsigned ahead = 2; ahead < VTABLE_AHEAD; ahead++) {
        enum heaps first = heaps_in_slot(code, vtables[0].slot + 8 * ahead);
        enum heaps second = heaps_in_slot(code, vtables[1].slot + 8 * ahead);
        bool differs = (first == HEAPS_ONE && second == HEAPS_VARIABLE) ||
                       (first == HEAPS_VARIABLE && second == HEAPS_ONE);

        if (!differs)
            continue;
        if (answer >= 0)
            return -ENOTUNIQ;
        answer = first == HEAPS_ONE ? 0 : 1;
    }
    return answer;
}

static void add_functions(struct findings *findings, const struct vtable *vtable,
                          enum site public_site, enum site private_site, const char *evidence)
{
    findings_add(findings, public_site, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                 vtable->public_function, "vtable slot 0x%llx; %s",
                 (unsigned long long)vtable->slot, evidence);
    findings_add(findings, private_site, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                 vtable->private_function, "vtable slot 0x%llx; %s",
                 (unsigned long long)vtable->slot + 8, evidence);
}

static void miss_functions(struct findings *findings, enum site from, const char *why)
{
    findings_miss(findings, from, "%s", why);
    findings_miss(findings, from + 2, "%s", why); /* the private one of the same GC */
}

static void tell_apart(const struct code *code, const struct matches *matches,
                       struct findings *findings)
{
    int workstation = matches->count == 2 ? workstation_of(code, matches->vtables) : -ENOENT;

    if (matches->count == 1) {
        add_functions(findings, &matches->vtables[0], SITE_GC_CONTROL_PUBLIC_WKS,
                      SITE_GC_CONTROL_PRIVATE_WKS, "the only GC in the image");
        miss_functions(findings, SITE_GC_CONTROL_PUBLIC_SVR, "the image has one GC, not two");
    } else if (workstation >= 0) {
        add_functions(findings, &matches->vtables[workstation], SITE_GC_CONTROL_PUBLIC_WKS,
                      SITE_GC_CONTROL_PRIVATE_WKS, "its GetNumberOfHeaps is the constant 1");
        add_functions(findings, &matches->vtables[1 - workstation], SITE_GC_CONTROL_PUBLIC_SVR,
                      SITE_GC_CONTROL_PRIVATE_SVR, "its GetNumberOfHeaps reads a variable");
    } else {
        const char *why = "vtables found, but no slot tells workstation from server GC";

        miss_functions(findings, SITE_GC_CONTROL_PUBLIC_WKS, why);
        miss_functions(findings, SITE_GC_CONTROL_PUBLIC_SVR, why);
    }
}

int structure_find_gc(const struct code *code, struct clues *clues, struct findings *findings,
                      struct reason *why)
{
    struct matches matches = {0};
    int r = search_vtables(code, &matches, why);

    if (r < 0)
        return r;
    findings_add(findings, SITE_GC_STATE_LEVELS, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                 matches.control.levels,
                 "level stored by ControlEvents at 0x%llx, %zu vtable(s) agree",
                 (unsigned long long)matches.vtables[0].public_function, matches.count);
    findings_add(findings, SITE_GC_STATE_KEYWORDS, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                 matches.control.keywords,
                 "keywords stored by ControlEvents at 0x%llx, %zu vtable(s) agree",
                 (unsigned long long)matches.vtables[0].public_function, matches.count);
    tell_apart(code, &matches, findings);
    return 0;
}
