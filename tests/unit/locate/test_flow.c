/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "locate/flow.h"

/*
 * A graph is a text, a letter a node in the order of addresses:
 *
 *   .  goes on            j  jumps always          b  branches and may be cut
 *   c  calls              B  branches and may not  e  may be cut, goes on (an emulated nop)
 *   r  returns            u  resumes unwinding     n  padding
 *   t  traps              J  a jump that is also an exit
 *
 * @jumps gives for each j, b and B the index of its target.
 */
#define NODES_MAX 32

static struct flow_node nodes[NODES_MAX];

static size_t build(const char *text, const char *jumps)
{
    size_t count = strlen(text);

    for (size_t i = 0; i < count; i++) {
        char kind = text[i];
        bool jumps_on = strchr("jbB", kind);

        nodes[i] = (struct flow_node){
            .next = {FLOW_NONE, FLOW_NONE},
            .leaves = strchr("ruJ", kind),
            .unwinds = kind == 'u',
            .calls = kind == 'c',
            .idle = kind == 'n' || kind == 't',
            .cuttable = strchr("jbeuJ", kind),
        };
        if (!strchr("rutjJ", kind) && i + 1 < count)
            nodes[i].next[0] = (uint32_t)i + 1;
        if (jumps_on)
            nodes[i].next[1] = (uint32_t)(*jumps <= '9' ? *jumps - '0' : *jumps - 'a' + 10);
        jumps += jumps_on;
    }
    return count;
}

/* The cut is a text, too, with x for its nodes. */
static const struct row {
    const char *text, *jumps, *cut;
    bool natural;
} rows[] = {
    /* nothing to cut but the exits; what lies before a call is not behind the wait */
    {"..r", "", "  x", true},
    {"ec.r", "", "   x", true},
    {"ce.r", "", " x  ", false},
    {"cee.r", "", "  x  ", false}, /* the last one */
    {"cJ", "", " x", false},
    /* a branch that only skips is passed on both ways */
    {"cb..r", "4", " x   ", false},
    {"cB..r", "4", "    x", true},
    {"cbe.r", "3", " x   ", false}, /* e lies on one way only */
    {"cb.rt", "4", " x   ", false}, /* nothing comes back from there */
    /* ways that part before and meet after: one on each, or the return */
    {"cB.j..er", "67", "   x  x ", false},
    {"cB.j...r", "47", "       x", true},
    /* 10.0: both ways test the canary, one jumps to the epilogue, the other falls into it */
    {"cB.bj.b.rt", "5799", "   x  x   ", false},
    /* in a loop it would be passed again and again */
    {"ce.B.r", "1", "     x", true},
    {"cb.r", "0", "   x", true},
    {".c.B.e.r", "1", "     x  ", false},
    /* a throw goes on where nothing leads, and ends where unwinding is resumed */
    {"ce.r.u", "", " x   x", false},
    {"ce.r.eu", "", " x    x", false},
    {"c..r.u", "", "   x x", true},
    {"ce.rn.u", "", " x    x", false},
    {"ce.r.c.u", "", " x     x", false},
    {"ce.r.c.u.ru", "", "   x   x xx", true},
    /* a caught exception that comes back before the cut, and one that comes back behind it */
    {"c.e.rcj", "1", "  x    ", false},
    {"c.e.rcj", "3", "  x   x", false},
    /* padding before what is aligned is no landing pad */
    {"cejn.r", "4", "  x   ", false},
};

static void last_cut(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        size_t count = build(rows[i].text, rows[i].jumps);
        char cut[NODES_MAX + 1] = "";
        bool natural;

        if (!flow_cut(nodes, count, &natural))
            fail_msg("row %zu: %s has no cut", i, rows[i].text);
        for (size_t n = 0; n < count; n++)
            cut[n] = nodes[n].cut ? 'x' : ' ';
        if (strcmp(cut, rows[i].cut) != 0 || natural != rows[i].natural)
            fail_msg("row %zu: %s is cut at '%s', natural %d", i, rows[i].text, cut, natural);
        assert_true(flow_cut_holds(nodes, count));
    }
}

static void no_exit(void **state)
{
    static const struct {
        const char *text, *jumps;
    } table[] = {{"t", ""}, {"ct", ""}, {"cj", "0"}, {".c.", ""}, {".tr", ""}};
    bool natural;

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (flow_cut(nodes, build(table[i].text, table[i].jumps), &natural))
            fail_msg("row %zu has a cut", i);
    assert_false(flow_cut(nodes, 0, &natural));
}

static void what_does_not_hold(void **state)
{
    static const struct {
        const char *text, *jumps, *cut;
    } table[] = {
        {"ce.r", "", "    "},                               /* none */
        {"cee.r", "", " xx  "},                             /* two on a way */
        {"ce.r", "", " x x"},                               /* one and the return */
        {"cbe.r", "3", "  x  "},                            /* one way lacks it */
        {"cb.r", "0", " x  "},                              /* again and again */
        {"ce.r.u", "", " x    "}, {"ec.r.u", "", "x    x"}, /* thrown behind it */
        {"ec.r", "", "    "},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        size_t count = build(table[i].text, table[i].jumps);

        for (size_t n = 0; n < count; n++)
            nodes[n].cut = table[i].cut[n] == 'x';
        if (flow_cut_holds(nodes, count))
            fail_msg("row %zu holds", i);
    }
}

/* Every walk of a small graph, by brute force: false when one leaves that passed not one node. */
static bool walks_hold(size_t count, const bool *pads, size_t at, int passed, int left)
{
    const struct flow_node *node = &nodes[at];
    int after = passed + node->cut;

    if (node->leaves && after != 1)
        return false;
    if (!left)
        return true;
    for (size_t i = 0; i < count && node->calls; i++)
        if (pads[i] && !walks_hold(count, pads, i, passed, left - 1))
            return false;
    for (int n = 0; n < 2; n++)
        if (node->next[n] < count && !walks_hold(count, pads, node->next[n], after, left - 1))
            return false;
    return true;
}

static void random_graphs(void **state)
{
    static const char kinds[] = "...cbbBBejjrrut";
    uint32_t seed = 5, cut = 0;

    for (int round = 0; round < 20000; round++) {
        char text[9] = "", jumps[9] = "";
        bool pads[8] = {false}, led[8] = {false}, natural;
        size_t count = 2 + round % 7;

        for (size_t i = 0; i < count; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = kinds[(seed >> 16) % (sizeof(kinds) - 1)];
            jumps[i] = (char)('0' + (seed >> 8) % count);
        }
        build(text, jumps);
        if (!flow_cut(nodes, count, &natural))
            continue;
        for (size_t i = 0; i < count; i++)
            for (int n = 0; n < 2; n++)
                if (!nodes[i].idle && nodes[i].next[n] < count)
                    led[nodes[i].next[n]] = true;
        for (size_t i = 1; i < count; i++)
            pads[i] = !led[i] && !nodes[i].idle;
        if (!walks_hold(count, pads, 0, 0, 10))
            fail_msg("%s, jumps %s: a walk passes not one node", text, jumps);
        cut++;
    }
    assert_true(cut > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_cut),
        cmocka_unit_test(no_exit),
        cmocka_unit_test(what_does_not_hold),
        cmocka_unit_test(random_graphs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
