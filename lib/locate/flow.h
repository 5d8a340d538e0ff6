/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * The control flow of one function as a graph, an instruction a node, and a cut of it: nodes of
 * which every path from the entry to an exit passes exactly one.
 *
 * Among all cuts the last one is taken, as close to the exits as can be: behind it no call is made
 * any more, so what the function waits for lies before it. A function that ends by exception goes
 * through the call that resumes unwinding, which always is in the cut itself. Code that nothing
 * leads to is where a caught exception goes on, from any call.
 */

#define FLOW_NODES_MAX 4096
#define FLOW_NONE      UINT32_MAX

struct flow_node {
    uint32_t next[2]; /* FLOW_NONE: none */
    bool leaves;      /* out of the function */
    bool unwinds;     /* out of it by exception; also leaves */
    bool calls;       /* something that comes back, or throws */
    bool idle;        /* padding, if nothing leads to it */
    bool cuttable;    /* may be in the cut; exits always may */
    bool cut;         /* the answer */
};

/*
 * The entry is node 0. Marks the last cut of cuttable nodes; where there is none, the exits
 * themselves, and says so by @natural. False when no exit can be reached, or when even the exits
 * are none (an exit that is followed by another).
 */
bool flow_cut(struct flow_node *nodes, size_t count, bool *natural);

/* Does every path from the entry to an exit pass exactly one node of the cut, and is there one? */
bool flow_cut_holds(const struct flow_node *nodes, size_t count);
