/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/flow.h"

/*
 * A cut is a division of all that lies on a way from the entry to an exit into before and after.
 * Where a node follows another, both sides of the step are the same; only a node of the cut is
 * before when it begins and after when it is done. The last cut has as little after it as can be:
 * what comes behind an exit is after, and everything else only if it follows from that.
 */
struct marks {
    bool reached; /* from the entry */
    bool live;    /* reached, and leads to an exit */
    bool pad;     /* an exception may go on here */
    bool after;   /* the cut lies before this node */
    bool done;    /* or before its end */
};

static bool mark_pads(const struct flow_node *nodes, struct marks *marks, size_t count)
{
    _free_ bool *led = calloc(count, sizeof(*led));

    if (!led)
        return false;
    for (int idle = 0; idle < 2; idle++) /* padding leads on only if something leads there */
        for (size_t i = 0; i < count; i++)
            for (int n = 0; n < 2; n++)
                if (nodes[i].idle == idle && (!idle || led[i]) && nodes[i].next[n] < count)
                    led[nodes[i].next[n]] = true;
    for (size_t i = 1; i < count; i++)
        marks[i].pad = !led[i] && !nodes[i].idle;
    return true;
}

static bool set_mark(bool *mark)
{
    bool is_new = !*mark;

    *mark = true;
    return is_new;
}

static void mark_reached(const struct flow_node *nodes, struct marks *marks, size_t count)
{
    bool changed = true, thrown = false;

    marks[0].reached = true;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < count; i++) {
            if (marks[i].pad && thrown && !marks[i].reached)
                changed = marks[i].reached = true;
            if (!marks[i].reached)
                continue;
            thrown |= nodes[i].calls;
            for (int n = 0; n < 2; n++)
                if (nodes[i].next[n] < count)
                    changed |= set_mark(&marks[nodes[i].next[n]].reached);
        }
        for (size_t i = 0; thrown && i < count; i++)
            if (marks[i].pad)
                changed |= set_mark(&marks[i].reached);
    }
}

/* Does a path go on from this node to an exit, by a jump or a throw? */
static bool leads_on(const struct flow_node *node, const struct marks *marks, size_t count,
                     bool pads_live)
{
    for (int n = 0; n < 2; n++)
        if (node->next[n] < count && marks[node->next[n]].live)
            return true;
    return node->calls && pads_live;
}

static bool mark_live(const struct flow_node *nodes, struct marks *marks, size_t count)
{
    bool changed = true, pads_live = false;

    while (changed) {
        changed = false;
        for (size_t i = count; i-- > 0;) {
            if (!marks[i].reached || marks[i].live ||
                !(nodes[i].leaves || leads_on(&nodes[i], marks, count, pads_live)))
                continue;
            changed = marks[i].live = true;
            pads_live |= marks[i].pad;
        }
    }
    return marks[0].live;
}

static bool may_cut(const struct flow_node *node, bool natural)
{
    return natural ? node->leaves : node->cuttable || node->unwinds;
}

/* What of a node follows from itself and from the steps out of it. */
static bool settle(const struct flow_node *nodes, struct marks *marks, size_t count, size_t i,
                   bool natural)
{
    struct marks *mark = &marks[i];
    bool changed = false;

    if (nodes[i].leaves || mark->after)
        changed |= set_mark(&mark->done);
    for (int n = 0; n < 2; n++) {
        struct marks *next = nodes[i].next[n] < count ? &marks[nodes[i].next[n]] : NULL;

        if (!next || !next->live)
            continue;
        if (next->after)
            changed |= set_mark(&mark->done);
        if (mark->done)
            changed |= set_mark(&next->after);
    }
    if (mark->done && !may_cut(&nodes[i], natural))
        changed |= set_mark(&mark->after);
    return changed;
}

/* A cut there is if nothing says that the entry, a call or a landing pad lies behind it. */
static bool is_before(const struct flow_node *node, const struct marks *mark, bool entry)
{
    return !mark->after || !(entry || node->calls || node->unwinds || mark->pad);
}

static bool find_cut(struct flow_node *nodes, struct marks *marks, size_t count, bool natural)
{
    bool changed = true, found = true;

    for (size_t i = 0; i < count; i++)
        marks[i].after = marks[i].done = nodes[i].cut = false;
    while (changed) {
        changed = false;
        for (size_t i = count; i-- > 0;)
            if (marks[i].live)
                changed |= settle(nodes, marks, count, i, natural);
    }
    for (size_t i = 0; i < count; i++) {
        if (!marks[i].live)
            continue;
        found &= is_before(&nodes[i], &marks[i], i == 0);
        nodes[i].cut = marks[i].done && !marks[i].after;
        found &= !(nodes[i].cut && nodes[i].calls && !nodes[i].leaves);
    }
    return found && flow_cut_holds(nodes, count);
}

bool flow_cut(struct flow_node *nodes, size_t count, bool *natural)
{
    _free_ struct marks *marks = count ? calloc(count, sizeof(*marks)) : NULL;

    if (!marks || !mark_pads(nodes, marks, count))
        return false;
    mark_reached(nodes, marks, count);
    *natural = false;
    if (!mark_live(nodes, marks, count))
        return false;
    if (find_cut(nodes, marks, count, false))
        return true;
    *natural = true;
    return find_cut(nodes, marks, count, true);
}

/* How many nodes of the cut a path to here may have passed: a bit for none, one, more. */
enum { PASSED_NONE = 1, PASSED_ONE = 2, PASSED_MORE = 4 };

static uint8_t passed_after(const struct flow_node *node, uint8_t before)
{
    if (!node->cut)
        return before;
    return (uint8_t)(((before & PASSED_NONE) ? PASSED_ONE : 0) |
                     ((before & (PASSED_ONE | PASSED_MORE)) ? PASSED_MORE : 0));
}

static bool pass_on(uint8_t *passed, uint8_t more)
{
    bool changed = (*passed | more) != *passed;

    *passed |= more;
    return changed;
}

bool flow_cut_holds(const struct flow_node *nodes, size_t count)
{
    _free_ struct marks *marks = count ? calloc(count, sizeof(*marks)) : NULL;
    _free_ uint8_t *passed = count ? calloc(count, 1) : NULL;
    bool changed = true, holds = true, left = false;
    uint8_t thrown = 0;

    if (!marks || !passed || !mark_pads(nodes, marks, count))
        return false;
    passed[0] = PASSED_NONE;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < count; i++) {
            uint8_t after;

            if (marks[i].pad)
                changed |= pass_on(&passed[i], thrown);
            after = passed_after(&nodes[i], passed[i]);
            if (nodes[i].calls)
                changed |= pass_on(&thrown, passed[i]);
            for (int n = 0; n < 2; n++)
                if (nodes[i].next[n] < count)
                    changed |= pass_on(&passed[nodes[i].next[n]], after);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!nodes[i].leaves || !passed[i])
            continue;
        left = true;
        holds &= passed_after(&nodes[i], passed[i]) == PASSED_ONE;
    }
    return holds && left;
}
