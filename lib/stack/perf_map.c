/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/perf_map.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "proc/procfs.h"
#include "util/confine.h"
#include "util/text.h"

#define READ_MAX (64u << 20)

static int open_path_below(int root, const char *path)
{
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
    };
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

    return fd >= 0 ? fd : -errno;
}

int perf_map_open(const struct process *process)
{
    _close_ int root = procfs_open(process->pid, "root", O_PATH | O_DIRECTORY), found = -1;
    struct stat status;
    char path[64];

    if (root < 0)
        return root;
    snprintf(path, sizeof(path), "tmp/perf-%d.map", process->namespace_pid);
    found = open_path_below(root, path);
    if (found < 0)
        return found;
    if (fstat(found, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_uid != process->uid)
        return -ENOENT;
    return procfs_reopen(found);
}

/* The "[workload] " in front of a method's type. */
static const char *skip_assembly(const char *name, const char *end)
{
    for (const char *at = name; at < end; at++) {
        const char *close;

        if (*at != '[' || (at > name && at[-1] != ' '))
            continue;
        close = memchr(at, ']', (size_t)(end - at));
        if (close && close + 1 < end && close[1] == ' ')
            return close + 2;
    }
    return NULL;
}

static void copy_method(const char *from, const char *end, char *out, size_t size)
{
    static const char made[] = "dynamicClass::"; /* no type at all */
    size_t skipped = sizeof(made) - 1, length = 0;
    bool has_type = false;
    unsigned depth = 0;

    if ((size_t)(end - from) > skipped && memcmp(from, made, skipped) == 0)
        from += skipped;
    for (; from < end && *from != '(' && length + 1 < size; from++) {
        depth += *from == '[';
        if (depth == 0 && !has_type && *from == ':' && from + 1 < end && from[1] == ':') {
            has_type = true;
            out[length++] = '.';
            from++;
        } else if (depth == 0) {
            out[length++] = *from;
        }
        depth -= *from == ']' && depth > 0;
    }
    out[length] = 0;
}

void perf_map_name(const char *name, size_t length, char *out, size_t size)
{
    const char *end = name + length, *method = skip_assembly(name, end);

    out[0] = 0;
    if (method)
        copy_method(method, end, out, size);
    if (!out[0]) {
        length = length < size - 1 ? length : size - 1;
        memcpy(out, name, length);
        out[length] = 0;
    }
    text_printable(out);
}

/* A hexadecimal number and the space behind it; NULL if it is none. */
static const char *read_number(const char *at, const char *end, uint64_t *value)
{
    const char *start = at;

    *value = 0;
    if (end - at > 2 && at[0] == '0' && (at[1] | 0x20) == 'x')
        start = at += 2;
    for (; at < end && isxdigit((unsigned char)*at) && at - start < 16; at++)
        *value = *value << 4 |
                 (uint64_t)(isdigit((unsigned char)*at) ? *at - '0' : (*at | 0x20) - 'a' + 10);
    return at > start && at < end && *at == ' ' ? at + 1 : NULL;
}

static void read_line(const char *line, const char *end, const struct perf_map *question,
                      struct bytes *names)
{
    uint64_t start, size;
    const char *at = read_number(line, end, &start);

    at = at ? read_number(at, end, &size) : NULL;
    if (!at || at == end)
        return;
    for (size_t i = 0; i < question->count; i++)
        if (question->addresses[i] >= start && question->addresses[i] - start < size)
            names[i] = (struct bytes){(const uint8_t *)at, (size_t)(end - at)};
}

void perf_map_answer(struct bytes text, const struct perf_map *question, struct frame *frames)
{
    struct bytes names[PERF_MAP_PLACES_MAX] = {0};
    const char *at = (const char *)text.data, *end = at + text.size, *newline;

    for (; at < end && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1)
        read_line(at, newline, question, names);
    for (size_t i = 0; i < question->count; i++) {
        frames[i] = (struct frame){0};
        if (!names[i].data)
            continue;
        perf_map_name((const char *)names[i].data, names[i].size, frames[i].text,
                      sizeof(frames[i].text));
        frames[i].source = FRAME_PERF_MAP;
    }
}

static int answer_confined(const struct mapped_file *maps, const void *data, void *reply,
                           struct reason *why)
{
    struct bytes text = {maps[0].data, maps[0].size};

    if (text.size > READ_MAX)
        text = bytes_from(text, text.size - READ_MAX);
    perf_map_answer(text, data, reply);
    return 0;
}

int perf_map_ask(int fd, const struct perf_map *question, struct frame *frames, struct reason *why)
{
    return frames_parse(fd, answer_confined, question, frames, question->count, why);
}
