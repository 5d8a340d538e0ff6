/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include <stdarg.h>
#include <stdio.h>

#include "verbs.h"

int subject_open(struct subject *subject, const char *verb)
{
    const struct options *options = &subject->options;
    struct reason why = {"no memory"};

    if (options->pid_count != 1 || options->name_count) {
        fprintf(stderr, "clrmon %s: it takes one process, by -p PID\n", verb);
        return EXIT_USAGE;
    }
    if (locator_new(&subject->locator, &options->locator) == 0)
        subject->opened =
            target_open(options->pids[0], subject->locator, &subject->target, &why) == 0;
    if (!subject->opened)
        fprintf(stderr, "clrmon %s: pid %d: %s\n", verb, (int)options->pids[0], why.text);
    return subject->opened ? 0 : EXIT_CANNOT_TELL;
}

void subject_close(struct subject *subject)
{
    if (subject->opened)
        target_close(&subject->target);
    locator_free(&subject->locator);
}

void subject_say(const struct subject *subject, const char *verb, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "clrmon %s: %s (pid %d): ", verb, process_title(&subject->target.process),
            (int)subject->target.process.pid);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}
