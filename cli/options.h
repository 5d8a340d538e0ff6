/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <getopt.h>
#include <limits.h>

#include "locate/locator.h"

/*
 * The options that verbs share: which processes, where things are sought, in what form the answer
 * is given. A verb names those it takes in its own table and handles the rest itself.
 */

#define OPTIONS_PIDS_MAX    4096
#define OPTIONS_NAMES_MAX   64
#define OPTIONS_FOLDERS_MAX 16

enum format {
    FORMAT_TABLE = 1 << 0,
    FORMAT_WIDE = 1 << 1,
    FORMAT_JSON = 1 << 2,
    FORMAT_JSONL = 1 << 3,
    FORMAT_PROMETHEUS = 1 << 4,
};

struct options {
    unsigned formats; /* bits of enum format that the verb takes; set by the verb */
    pid_t pids[OPTIONS_PIDS_MAX];
    size_t pid_count;
    const char *names[OPTIONS_NAMES_MAX];
    size_t name_count;
    enum format format;
    const char *folders[OPTIONS_FOLDERS_MAX];
    source_set sources;
    char cache[PATH_MAX];
    struct locator_options locator;
};

/* Long options without a letter; those of a verb begin at OPTION_VERB. */
enum {
    OPTION_DEBUG_DIR = 256,
    OPTION_SOURCE,
    OPTION_CACHE_DIR,
    OPTION_NO_CACHE,
    OPTION_VERB,
};

#define OPTIONS_LETTERS "p:n:o:j"

#define OPTIONS_SELECTION                                                                          \
    {"pid", required_argument, NULL, 'p'}, {"process-id", required_argument, NULL, 'p'},           \
    {                                                                                              \
        "name", required_argument, NULL, 'n'                                                       \
    }

#define OPTIONS_OUTPUT                                                                             \
    {"output", required_argument, NULL, 'o'},                                                      \
    {                                                                                              \
        "json", no_argument, NULL, 'j'                                                             \
    }

#define OPTIONS_LOCATING                                                                           \
    {"debug-dir", required_argument, NULL, OPTION_DEBUG_DIR},                                      \
        {"source", required_argument, NULL, OPTION_SOURCE},                                        \
        {"cache-dir", required_argument, NULL, OPTION_CACHE_DIR},                                  \
    {                                                                                              \
        "no-cache", no_argument, NULL, OPTION_NO_CACHE                                             \
    }

void options_init(struct options *options, unsigned formats);

/* Takes one option that getopt_long() has found. -EINVAL, having said on stderr what is wrong. */
_must_check_ int options_take(struct options *options, const char *verb, int option);

/* Once all options are taken: fills options->locator. */
void options_finish(struct options *options);
