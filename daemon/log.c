/* SPDX-License-Identifier: Apache-2.0 */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

/* systemd says which device and inode the stream to the journal is; a redirected stderr is another.
 */
static bool goes_to_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat status;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_say(enum log_level level, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!goes_to_journal() ||
        sd_journal_send("MESSAGE=%s", text, "PRIORITY=%d", (int)level, NULL) < 0)
        fprintf(stderr, "clrmond: %s\n", text);
}

static const char *describe(const struct event *event, char *text, size_t size)
{
    switch (event->kind) {
    case EVENT_VERDICT:
        snprintf(text, size, "%s (pid %d): %s, was %s%s%s", event->name, (int)event->pid,
                 verdict_name(event->new_verdict), verdict_name(event->old_verdict),
                 event->detail[0] ? ": " : "", event->detail);
        return text;
    case EVENT_LOSS:
        snprintf(text, size, "%llu record(s) were lost: %s", (unsigned long long)event->lost,
                 event->detail);
        return text;
    case EVENT_GAP:
        snprintf(text, size, "not watching until now: %s", event->detail);
        return text;
    case EVENT_RESET:
        snprintf(text, size, "%s (pid %d): reset %s", event->name, (int)event->pid, event->detail);
        return text;
    default:
        return NULL;
    }
}

void log_event(const struct event *event)
{
    char text[400];
    bool leaks = event->kind == EVENT_VERDICT && event->new_verdict == VERDICT_LEAKED;
    bool fails = event->kind == EVENT_RESET && event->outcome != OUTCOME_PUT_BACK;
    int level = leaks || fails ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE;

    if (!describe(event, text, sizeof(text)))
        return;
    if (!goes_to_journal() ||
        sd_journal_send("MESSAGE=%s", text, "PRIORITY=%d", level, "CLRMON_KIND=%s",
                        event_kind_name(event->kind), "CLRMON_PID=%d", (int)event->pid,
                        "CLRMON_NAME=%s", event->name, "CLRMON_VERDICT=%s",
                        verdict_name(event->new_verdict), NULL) < 0)
        fprintf(stderr, "clrmond: %s\n", text);
}
