/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "control/protocol.h"
#include "util/cleanup.h"
#include "verbs.h"

static const char *chosen_socket = CONTROL_SOCKET;

static const struct {
    const char *name;
    const char *arguments;
    const char *help;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"check",
     "[-p PID]... [-n NAME]... [-q] [-o table|wide|json|jsonl|prom]\n"
     "          [--level informational|verbose] [--grace SECONDS] [LOCATING] [--daemon]",
     "is GC verbose on, who asked for it, was it left on", verb_check},
    {"top", "[-i SECONDS] [-n COUNT]", "the same as a live screen, from clrmond; q quits",
     verb_top},
    {"events",
     "[-f] [--since TIME|DURATION] [-p PID]... [-n NAME]...\n"
     "          [-o table|jsonl]",
     "what has changed, when, and who did it, from clrmond; -f: as it happens", verb_events},
    {"history",
     "[--since TIME|DURATION] [--until TIME|DURATION] [-p PID]...\n"
     "          [-n NAME]... [-o table|jsonl]",
     "the same, of the past", verb_history},
    {"status", "[-o table|json]", "how clrmond fares: probes, losses, cost", verb_status},
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
    fprintf(to, "usage: clrmon [--socket PATH] VERB [OPTION]...\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        fprintf(to, "  %-8s%s\n          %s\n", verbs[i].name, verbs[i].arguments, verbs[i].help);
    fprintf(
        to,
        "\n"
        "  LOCATING: [--debug-dir DIR]... [--source symtab|debug-file|pack|structure]...\n"
        "          [--cache-dir DIR | --no-cache]\n"
        "  DURATION: 10s, 5m, 2h, 1d, seconds, dd:hh:mm:ss; TIME: 06:30, 2026-11-24 06:30, ...\n"
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

const char *socket_path(void)
{
    return chosen_socket;
}

/* Takes "--socket PATH" or "--socket=PATH" from the front. False: there is no path. */
static bool take_socket(int *argc, char ***argv)
{
    const char *first = *argc > 1 ? (*argv)[1] : "";
    int taken = 0;

    if (strncmp(first, "--socket=", strlen("--socket=")) == 0) {
        chosen_socket = first + strlen("--socket=");
        taken = 1;
    } else if (strcmp(first, "--socket") == 0) {
        chosen_socket = *argc > 2 ? (*argv)[2] : "";
        taken = 2;
    }
    *argc -= taken;
    *argv += taken;
    return *chosen_socket != 0;
}

int verbs_main(int argc, char **argv)
{
    const char *verb;

    if (!take_socket(&argc, &argv))
        return fprintf(stderr, "clrmon: --socket needs a path\n"), EXIT_USAGE;
    verb = argc > 1 ? argv[1] : "";
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
