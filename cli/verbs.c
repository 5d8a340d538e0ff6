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
     "          [--level informational|verbose] [--grace DURATION] [LOCATING] [--daemon]",
     "is GC verbose on, who asked for it, was it left on", verb_check},
    {"contention",
     "[-p PID]... [-n NAME]... [--by process|lock|stack|owner|thread]\n"
     "          [-i DURATION [--count N] | --total] [--top N] [-o table|wide|json|jsonl]\n"
     "          -f [--min-wait DURATION] [-p PID]... [-n NAME]... [-o table|wide|jsonl]\n"
     "          --eventpipe -p PID [--duration DURATION] [--by ...] [-o ...]",
     "who waits for locks, for how long, on whom, in what code, from clrmond; --eventpipe: without",
     verb_contention},
    {"top", "[-i DURATION] [-n COUNT]",
     "check and contention as a live screen, from clrmond; q quits", verb_top},
    {"events",
     "[-f] [--since TIME|DURATION] [-p PID]... [-n NAME]...\n"
     "          [-o table|jsonl]",
     "what has changed, when, and who did it, from clrmond; -f: as it happens", verb_events},
    {"history",
     "[--since TIME|DURATION] [--until TIME|DURATION] [-p PID]...\n"
     "          [-n NAME]... [-o table|jsonl]",
     "the same, of the past", verb_history},
    {"probes", "[FAMILY on|off [-p PID]] [-o table|json]",
     "which of clrmond's probes are on; root switches them", verb_probes},
    {"sessions", "[-p PID]... [-n NAME]... [-o table|json|jsonl] [LOCATING]",
     "every tracing session in a process, who has it, and what is on without one", verb_sessions},
    {"reset", "-p PID [--dry-run] [--force] [-o table|json] [LOCATING]",
     "put back what a session has left on", verb_reset},
    {"stop", "-p PID --session INDEX|ID [--yes] [-o table|json] [LOCATING]",
     "end a session that nobody has any more", verb_stop},
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
        fprintf(to, "  %-7s %s\n          %s\n", verbs[i].name, verbs[i].arguments, verbs[i].help);
    fprintf(to,
            "\n"
            "  LOCATING: [--debug-dir DIR]... [--source symtab|debug-file|pack|structure]...\n"
            "          [--cache-dir DIR | --no-cache]\n"
            "  DURATION: 250ms, 10s, 5m, 2h, 1d, seconds, dd:hh:mm:ss; TIME: 06:30,\n"
            "          2026-11-24 06:30, ... -h after a verb: how that is used.\n"
            "  -j is -o json. Exit status of check: 0 off, 1 verbose, 2 leaked, 3 cannot tell,\n"
            "  4 usage or internal error.\n");
}

/* Without the help: "usage" is of what was not understood. */
static void print_usage_of(FILE *to, const char *verb, bool help)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (strcmp(verbs[i].name, verb) == 0)
            fprintf(to, "usage: clrmon %s %s\n%s%s%s", verb, verbs[i].arguments, help ? "\n  " : "",
                    help ? verbs[i].help : "", help ? "\n" : "");
}

int usage_of(const char *verb)
{
    print_usage_of(stderr, verb, false);
    return EXIT_USAGE;
}

const char *socket_path(void)
{
    return chosen_socket;
}

/* How many words at @argv say where the socket is: "--socket PATH" or "--socket=PATH"; 0: none. */
static int take_socket(char **argv)
{
    if (strncmp(*argv, "--socket=", strlen("--socket=")) == 0) {
        chosen_socket = *argv + strlen("--socket=");
        return 1;
    }
    if (strcmp(*argv, "--socket") != 0)
        return 0;
    chosen_socket = argv[1] ? argv[1] : "";
    return argv[1] ? 2 : 1;
}

/* Wherever it stands, so that verbs need not know of it. False: there is no path. */
static bool take_sockets(int *argc, char **argv)
{
    int kept = 1, at = 1;

    while (at < *argc && strcmp(argv[at], "--") != 0) {
        int taken = take_socket(argv + at);

        if (!taken)
            argv[kept++] = argv[at];
        at += taken ? taken : 1;
    }
    while (at < *argc)
        argv[kept++] = argv[at++];
    argv[kept] = NULL;
    *argc = kept;
    return *chosen_socket != 0;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool asks_for_help(char **arguments)
{
    for (; *arguments && strcmp(*arguments, "--") != 0; arguments++)
        if (is_help(*arguments))
            return true;
    return false;
}

/* What getopt complains of begins with argv[0], as all that we complain of does. */
static int run_verb(size_t verb, int argc, char **argv)
{
    char name[32];
    int status = 0;

    snprintf(name, sizeof(name), "clrmon %s", verbs[verb].name);
    if (asks_for_help(argv + 1)) {
        print_usage_of(stdout, verbs[verb].name, true);
    } else {
        argv[0] = name;
        status = verbs[verb].run(argc, argv);
    }
    return status;
}

/* An answer that could not be written is none. */
static int finish(int status)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? status : EXIT_USAGE;
}

int verbs_main(int argc, char **argv)
{
    const char *verb;

    if (!take_sockets(&argc, argv))
        return fprintf(stderr, "clrmon: --socket needs a path\n"), EXIT_USAGE;
    verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "--version") == 0 || strcmp(verb, "version") == 0)
        return puts("clrmon " CLRMON_VERSION), finish(0);
    if (is_help(verb) || strcmp(verb, "help") == 0)
        return print_usage(stdout), finish(0);
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (strcmp(verbs[i].name, verb) == 0)
            return finish(run_verb(i, argc - 1, argv + 1));
    if (*verb)
        fprintf(stderr, "clrmon: no verb '%s'\n", verb);
    print_usage(stderr);
    return EXIT_USAGE;
}
