/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"
#include "verbs.h"

static const struct {
    const char *name;
    const char *arguments;
    const char *help;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"check",
     "[-p PID]... [-n NAME]... [-q] [-o table|wide|json|jsonl|prom]\n"
     "          [--level informational|verbose] [--grace SECONDS] [LOCATING]",
     "is GC verbose on, who asked for it, was it left on", verb_check},
    {"ps", "[-p PID]... [-n NAME]... [-o table|wide|json|jsonl] [LOCATING]",
     "every .NET process, and what can be observed of it", verb_ps},
    {"symbols",
     "FILE... | -p PID...  [-o table|json] [LOCATING]\n"
     "          export FILE | -p PID   |   import PACK...",
     "where things are in an image of the runtime, and how that is known", verb_symbols},
    {"doctor", "[-o table|json]", "what this kernel and these rights allow", verb_doctor},
};

static void print_usage(FILE *to)
{
    fprintf(to, "usage: clrmon VERB [OPTION]...\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        fprintf(to, "  %-8s%s\n          %s\n", verbs[i].name, verbs[i].arguments, verbs[i].help);
    fprintf(to,
            "\n"
            "  LOCATING: [--debug-dir DIR]... [--source symtab|debug-file|pack|structure]...\n"
            "          [--cache-dir DIR | --no-cache]\n"
            "  -j is -o json. Exit status of check: 0 off, 1 verbose, 2 leaked, 3 cannot tell,\n"
            "  4 usage or internal error.\n");
}

int usage_of(const char *verb)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (strcmp(verbs[i].name, verb) == 0)
            fprintf(stderr, "usage: clrmon %s %s\n", verb, verbs[i].arguments);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (strcmp(verb, "--version") == 0 || strcmp(verb, "version") == 0)
        return printf("clrmon " CLRMON_VERSION "\n") < 0 ? EXIT_USAGE : 0;
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 || strcmp(verb, "help") == 0) {
        print_usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        int status;

        if (strcmp(verbs[i].name, verb) != 0)
            continue;
        status = verbs[i].run(argc - 1, argv + 1);
        return fflush(stdout) == 0 ? status : EXIT_USAGE;
    }
    if (*verb)
        fprintf(stderr, "clrmon: no verb '%s'\n", verb);
    print_usage(stderr);
    return EXIT_USAGE;
}
