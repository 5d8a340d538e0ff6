/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which events of a provider are on: those with one of the keywords and at most the level. The
 * union of two sets is that of their keywords and the higher level, as the runtime takes it.
 */

enum {
    LEVEL_LOG_ALWAYS = 0,
    LEVEL_CRITICAL = 1,
    LEVEL_ERROR = 2,
    LEVEL_WARNING = 3,
    LEVEL_INFORMATIONAL = 4,
    LEVEL_VERBOSE = 5,
};

/* The native providers of the runtime, "Microsoft-Windows-DotNETRuntime" and its suffixes. */
enum provider {
    PROVIDER_RUNTIME,
    PROVIDER_PRIVATE,
    PROVIDER_RUNDOWN,
    PROVIDER_STRESS,
    PROVIDER_MAX,
};

struct event_set {
    uint32_t level;
    uint64_t keywords;
};

#define LEVEL_TEXT_MAX    24
#define KEYWORDS_TEXT_MAX 256

const char *provider_name(enum provider provider);       /* "Microsoft-Windows-DotNETRuntime" */
const char *provider_short_name(enum provider provider); /* "Runtime" */
enum provider provider_of_name(const char *name);        /* PROVIDER_MAX: another one */

/* "Verbose(5)"; "Level(9)" for one that has no name; "None(0)" for the empty set. */
void level_format(struct event_set set, char text[static LEVEL_TEXT_MAX]);

/*
 * "GC, Contention", the names of the keywords of a runtime provider, from ClrEtwAll.man; bits
 * without a name are left out, all bits are "all", and a list that does not fit ends in "...".
 * Of PROVIDER_MAX, another provider, none has a name.
 */
void keywords_format(enum provider provider, uint64_t keywords,
                     char text[static KEYWORDS_TEXT_MAX]);

static inline bool event_set_equal(struct event_set a, struct event_set b)
{
    return a.level == b.level && a.keywords == b.keywords;
}

/* Has @set a higher level, or keywords that @other has not? */
static inline bool event_set_exceeds(struct event_set set, struct event_set other)
{
    return set.level > other.level || set.keywords & ~other.keywords;
}

static inline void event_set_add(struct event_set *to, struct event_set more)
{
    to->keywords |= more.keywords;
    to->level = more.level > to->level ? more.level : to->level;
}
