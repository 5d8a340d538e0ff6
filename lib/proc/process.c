/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/process.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "proc/procfs.h"
#include "util/number.h"
#include "util/text.h"

#define CONTAINER_DIGITS   64
#define FLAG_KERNEL_THREAD 0x00200000u /* PF_KTHREAD, include/linux/sched.h */

/* Places in stat after the name's ")", proc_pid_stat(5) counts from 1 and the state is 3. */
enum {
    FIELD_STATE = 0,
    FIELD_FLAGS = 9 - 3,
    FIELD_THREADS = 20 - 3,
    FIELD_START_TIME = 22 - 3,
    FIELD_START_STACK = 28 - 3,
    FIELD_COUNT,
};

static int take_fields(const char *text, char *room, size_t size, char *fields[static FIELD_COUNT])
{
    char *rest = room;

    text_copy(room, size, text);
    for (int i = 0; i < FIELD_COUNT; i++) {
        fields[i] = strsep(&rest, " ");
        if (!fields[i])
            return -EBADMSG;
    }
    return 0;
}

static void set_name(struct process *out, const char *from, size_t length)
{
    size_t most = sizeof(out->name) - 1;

    length = length < most ? length : most;
    memcpy(out->name, from, length);
    out->name[length] = '\0';
    text_printable(out->name);
}

int process_parse_stat(const char *text, struct process *out)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    char room[768], *fields[FIELD_COUNT];
    uint64_t flags, threads, start_time, start_stack;

    if (!open || !close || close < open || close[1] != ' ')
        return -EBADMSG;
    if (take_fields(close + 2, room, sizeof(room), fields) < 0 ||
        strlen(fields[FIELD_STATE]) != 1 ||
        number_decimal(fields[FIELD_FLAGS], UINT32_MAX, &flags) < 0 ||
        number_decimal(fields[FIELD_THREADS], INT_MAX, &threads) < 0 ||
        number_decimal(fields[FIELD_START_TIME], UINT64_MAX, &start_time) < 0 ||
        number_decimal(fields[FIELD_START_STACK], UINT64_MAX, &start_stack) < 0)
        return -EBADMSG;
    out->state = isalpha((unsigned char)*fields[FIELD_STATE]) ? *fields[FIELD_STATE] : '?';
    out->kernel_thread = flags & FLAG_KERNEL_THREAD;
    out->threads = (unsigned)threads;
    out->start_time = start_time;
    out->start_stack = start_stack;
    set_name(out, open + 1, (size_t)(close - open - 1));
    return 0;
}

/* The word number @index (or the last, for -1) of the line that starts with @key. */
static int take_word(const char *text, const char *key, int index, uint64_t most, uint64_t *out)
{
    const char *line = strstr(text, key);
    char room[256], *rest = room, *word = NULL, *next;

    if (!line)
        return -EBADMSG;
    text_copy(room, sizeof(room), line + strlen(key));
    room[strcspn(room, "\n")] = '\0';
    while ((next = strsep(&rest, " \t"))) {
        if (!*next)
            continue;
        word = next;
        if (index-- == 0)
            break;
    }
    return word && index < 0 ? number_decimal(word, most, out) : -EBADMSG;
}

int process_parse_status(const char *text, struct process *out, pid_t *group)
{
    uint64_t group_id, uid, namespace_pid;

    if (take_word(text, "\nTgid:", 0, INT_MAX, &group_id) < 0 ||
        take_word(text, "\nUid:", 1, UINT32_MAX, &uid) < 0)
        return -EBADMSG;
    if (take_word(text, "\nNSpid:", -1, INT_MAX, &namespace_pid) < 0)
        namespace_pid = group_id;
    out->uid = (uid_t)uid;
    out->namespace_pid = (pid_t)namespace_pid;
    *group = (pid_t)group_id;
    return 0;
}

static void set_file_name(char to[static PROCESS_FILE_MAX], const char *path)
{
    text_copy(to, PROCESS_FILE_MAX, text_file_name(path));
    text_printable(to);
}

void process_parse_arguments(const char *text, size_t length, struct process *out)
{
    const char *end = text + length;

    set_file_name(out->executable, length ? text : "");
    out->assembly[0] = '\0';
    for (const char *argument = text; argument < end; argument += strlen(argument) + 1) {
        if (text_ends_with(argument, ".dll")) {
            set_file_name(out->assembly, argument);
            break;
        }
    }
    snprintf(out->command, sizeof(out->command), "%s%s%s",
             *out->executable ? out->executable : out->name, *out->assembly ? " " : "",
             out->assembly);
}

/* "docker-HEX.scope", "cri-containerd-HEX.scope", "kubepods-pod1.slice:cri-containerd:HEX", "HEX"
 */
static const char *container_digits(const char *component, size_t length)
{
    static const char suffix[] = ".scope";
    size_t tail = sizeof(suffix) - 1;
    const char *digits;

    if (length > tail && memcmp(component + length - tail, suffix, tail) == 0)
        length -= tail;
    if (length < CONTAINER_DIGITS)
        return NULL;
    digits = component + length - CONTAINER_DIGITS;
    if (digits > component && digits[-1] != '-' && digits[-1] != ':')
        return NULL;
    for (int i = 0; i < CONTAINER_DIGITS; i++) {
        if (!isxdigit((unsigned char)digits[i]))
            return NULL;
    }
    return digits;
}

void process_parse_container(const char *text, struct process *out)
{
    const char *found = NULL;

    for (size_t length; *text; text += length + (text[length] != '\0')) {
        const char *digits;

        length = strcspn(text, "/\n");
        digits = container_digits(text, length);
        if (digits)
            found = digits;
    }
    text_copy(out->container, found ? CONTAINER_DIGITS + 1 : 1, found ? found : "");
}

static int read_stat(pid_t pid, struct process *out)
{
    char text[1024];
    ssize_t length = procfs_read(pid, "stat", text, sizeof(text));

    return length < 0 ? (int)length : process_parse_stat(text, out);
}

static int read_status(pid_t pid, struct process *out, struct reason *why)
{
    char text[4096];
    pid_t group = pid;
    ssize_t length = procfs_read(pid, "status", text, sizeof(text));
    int error = length < 0 ? (int)length : process_parse_status(text, out, &group);

    if (error < 0)
        return procfs_reason(pid, error, why);
    if (group != pid)
        return reason_set(why, -ESRCH, "%d is a thread of process %d", pid, group);
    return 0;
}

static void read_arguments(pid_t pid, struct process *out)
{
    char text[4096];
    ssize_t length = procfs_read(pid, "cmdline", text, sizeof(text));

    process_parse_arguments(text, length > 0 ? (size_t)length : 0, out);
}

static void read_container(pid_t pid, struct process *out)
{
    char text[8192];

    if (procfs_read(pid, "cgroup", text, sizeof(text)) > 0)
        process_parse_container(text, out);
}

static int check_rights(pid_t pid, struct reason *why)
{
    char target[PATH_MAX];
    ssize_t length = procfs_link(pid, "exe", target, sizeof(target));

    if (length >= 0 || length == -ENAMETOOLONG)
        return 0;
    return procfs_reason(pid, (int)length, why);
}

static bool has_ended(const struct process *process)
{
    return process->state == 'Z' || process->state == 'X';
}

int process_read(pid_t pid, struct process *out, struct reason *why)
{
    int error;

    *out = (struct process){.pid = pid, .namespace_pid = pid, .state = '?'};
    error = read_stat(pid, out);
    if (error < 0)
        return procfs_reason(pid, error, why);
    error = read_status(pid, out, why);
    if (error < 0)
        return error;
    read_arguments(pid, out);
    read_container(pid, out);
    if (out->kernel_thread)
        return reason_set(why, -ENOEXEC, "%d (%s) is a kernel thread", pid, out->name);
    if (has_ended(out))
        return reason_set(why, -ESRCH, "%d (%s) is a zombie: it has ended", pid, out->name);
    return check_rights(pid, why);
}

int process_threads(pid_t pid)
{
    struct process process;
    int r = read_stat(pid, &process);

    return r < 0 ? r : has_ended(&process) ? -ESRCH : (int)process.threads;
}

bool process_alive(const struct process *process)
{
    struct process now = {.pid = process->pid};

    return read_stat(process->pid, &now) == 0 && !has_ended(&now) && process_same(&now, process);
}

bool process_same(const struct process *a, const struct process *b)
{
    return a->pid == b->pid && a->start_time == b->start_time && a->start_stack == b->start_stack;
}

const char *process_title(const struct process *process)
{
    return *process->assembly ? process->assembly : process->name;
}

static bool is_assembly(const char *assembly, const char *name)
{
    size_t length = strlen(name);

    return *assembly && strncmp(assembly, name, length) == 0 &&
           (assembly[length] == '\0' || strcmp(assembly + length, ".dll") == 0);
}

bool process_matches(const struct process *process, const char *name)
{
    return *name && (strcmp(process->name, name) == 0 || strcmp(process->executable, name) == 0 ||
                     is_assembly(process->assembly, name));
}
