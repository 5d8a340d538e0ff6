/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "state/observation.h"

/*
 * What an observation means. Pure: the same code judges a direct read and the daemon's record.
 *
 * The runtime fires the events that are on in four places (GC state, provider contexts, the
 * provider object, each session), and takes the union of what sessions ask when one is opened, not
 * when one is closed. So what is on can be more than anybody alive has asked for: that is a leak.
 * The sessions themselves are the measure: wanted is their union, effective is what the GC and the
 * contexts have.
 */

enum verdict {
    VERDICT_OFF,
    VERDICT_INFORMATIONAL, /* on, below the bar */
    VERDICT_UNKNOWN,
    VERDICT_VERBOSE, /* at or above the bar, and somebody alive asks for it, or may */
    VERDICT_LEAKED,  /* at or above the bar, and nobody alive asks for all of it */
    VERDICT_MAX,     /* in the order of badness */
};

#define REASONS_MAX 16
#define REASON_MAX  512

struct judgement {
    enum verdict verdict;
    /* A session is starting or ending: what looks left over may be put right in a moment. Look
     * again before a leak is reported. */
    bool unsettled;
    char reasons[REASONS_MAX][REASON_MAX];
    size_t reason_count;
};

/* @bar: LEVEL_VERBOSE, or LEVEL_INFORMATIONAL to count that as verbose too. */
void judge(const struct observation *observation, uint32_t bar, struct judgement *out);

const char *verdict_name(enum verdict verdict); /* "off", "leaked", ... */
