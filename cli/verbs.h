/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A verb gets its own arguments, argv[0] being its name, and returns the exit status.
 */

enum {
    EXIT_OFF = 0,
    EXIT_VERBOSE = 1,
    EXIT_LEAKED = 2,
    EXIT_CANNOT_TELL = 3,
    EXIT_USAGE = 4, /* and internal errors */
};

/* Of a verb that changes something: 0 when it is as was wanted. */
enum {
    EXIT_REFUSED = 1,  /* nothing was done */
    EXIT_NOT_DONE = 2, /* it was tried, and is not as was wanted */
};

int verb_check(int argc, char **argv);
int verb_contention(int argc, char **argv);
int verb_doctor(int argc, char **argv);
int verb_events(int argc, char **argv);
int verb_history(int argc, char **argv);
int verb_probes(int argc, char **argv);
int verb_ps(int argc, char **argv);
int verb_reset(int argc, char **argv);
int verb_sessions(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_stop(int argc, char **argv);
int verb_symbols(int argc, char **argv);
int verb_top(int argc, char **argv);

/* Says on stderr how @verb is used, from the verb table. Returns EXIT_USAGE. */
int usage_of(const char *verb);

/* Where clrmond is asked: clrmon --socket PATH VERB, or the default. */
const char *socket_path(void);

/* The whole command: the verb that argv names. Returns the exit status. */
int verbs_main(int argc, char **argv);
