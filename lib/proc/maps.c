/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/maps.h"

#include <string.h>

#include "proc/procfs.h"
#include "util/number.h"
#include "util/text.h"

#define MAPS_BYTES_MAX (16u << 20)

typedef int number_parser(const char *text, uint64_t most, uint64_t *out);

/* The field up to @end; @rest is behind it, and NULL when the line ended. */
static bool take_number(char **rest, const char *end, number_parser *parse, uint64_t most,
                        uint64_t *out)
{
    char *field = *rest ? strsep(rest, end) : NULL;

    return field && parse(field, most, out) == 0;
}

static bool take_permissions(char **rest, unsigned *out)
{
    static const char letters[] = "rwxs";
    char *field = *rest ? strsep(rest, " ") : NULL;

    if (!field || strlen(field) != 4)
        return false;
    *out = 0;
    for (unsigned i = 0; i < 4; i++) {
        if (field[i] == letters[i])
            *out |= 1u << i;
        else if (field[i] != (i == 3 ? 'p' : '-'))
            return false;
    }
    return true;
}

static void unescape_newlines(char *path)
{
    char *to = path;

    while (*path) {
        if (text_starts_with(path, "\\012")) {
            *to++ = '\n';
            path += 4;
        } else {
            *to++ = *path++;
        }
    }
    *to = '\0';
}

static bool take_suffix(char *path, const char *suffix)
{
    if (!text_ends_with(path, suffix))
        return false;
    path[strlen(path) - strlen(suffix)] = '\0';
    return true;
}

static void take_path(char *rest, struct mapping *out)
{
    char *path = rest ? rest + strspn(rest, " ") : NULL;

    out->path = path ? path : "";
    if (!path)
        return;
    out->deleted = take_suffix(path, " (deleted)");
    unescape_newlines(path);
}

int mapping_parse(char *line, struct mapping *out)
{
    struct mapping mapping = {0};
    uint64_t major, minor;
    char *rest = line;

    if (!take_number(&rest, "-", number_hex, UINT64_MAX, &mapping.start) ||
        !take_number(&rest, " ", number_hex, UINT64_MAX, &mapping.end) ||
        !take_permissions(&rest, &mapping.permissions) ||
        !take_number(&rest, " ", number_hex, UINT64_MAX, &mapping.offset) ||
        !take_number(&rest, ":", number_hex, UINT32_MAX, &major) ||
        !take_number(&rest, " ", number_hex, UINT32_MAX, &minor) ||
        !take_number(&rest, " ", number_decimal, UINT64_MAX, &mapping.inode) ||
        mapping.start >= mapping.end)
        return -EBADMSG;
    mapping.device_major = (uint32_t)major;
    mapping.device_minor = (uint32_t)minor;
    take_path(rest, &mapping);
    *out = mapping;
    return 0;
}

bool mapping_same_file(const struct mapping *a, const struct mapping *b)
{
    return a->inode != 0 && a->inode == b->inode && a->device_major == b->device_major &&
           a->device_minor == b->device_minor;
}

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = length > 0 && text[length - 1] != '\n';

    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

int maps_parse(char *text, size_t length, struct maps *out, struct reason *why)
{
    struct maps maps __attribute__((cleanup(maps_close))) = {.text = text};
    size_t lines = count_lines(text, length);
    char *rest = text;

    *out = (struct maps){0};
    if (memchr(text, '\0', length))
        return reason_set(why, -EBADMSG, "its maps are no text");
    if (lines > MAPS_LINES_MAX)
        return reason_set(why, -E2BIG, "more than %d mappings", MAPS_LINES_MAX);
    maps.entries = calloc(lines ? lines : 1, sizeof(*maps.entries));
    if (!maps.entries)
        return reason_set(why, -ENOMEM, "no memory for %zu mappings", lines);
    while (maps.count < lines) {
        char *line = strsep(&rest, "\n");

        if (!line || mapping_parse(line, &maps.entries[maps.count]) < 0)
            return reason_set(why, -EBADMSG, "line %zu of its maps is no mapping", maps.count + 1);
        maps.count++;
    }
    *out = maps;
    maps = (struct maps){0};
    return 0;
}

int maps_read(pid_t pid, struct maps *out, struct reason *why)
{
    char *text;
    ssize_t length = procfs_load(pid, "maps", MAPS_BYTES_MAX, &text);

    *out = (struct maps){0};
    if (length < 0)
        return procfs_reason(pid, (int)length, why);
    if (length == MAPS_BYTES_MAX) {
        free(text);
        return reason_set(why, -E2BIG, "its maps are longer than %u MiB", MAPS_BYTES_MAX >> 20);
    }
    return maps_parse(text, (size_t)length, out, why);
}

void maps_close(struct maps *maps)
{
    free(maps->entries);
    free(maps->text);
    *maps = (struct maps){0};
}

const struct mapping *maps_find(const struct maps *maps, const char *file_name)
{
    for (size_t i = 0; i < maps->count; i++) {
        const struct mapping *mapping = &maps->entries[i];

        if (mapping->inode != 0 && mapping->permissions & MAPPING_EXECUTABLE &&
            strcmp(text_file_name(mapping->path), file_name) == 0)
            return mapping;
    }
    return NULL;
}

int maps_base(const struct maps *maps, const struct mapping *of, uint64_t *out)
{
    const struct mapping *first = NULL;

    for (size_t i = 0; i < maps->count; i++) {
        const struct mapping *mapping = &maps->entries[i];

        if (!mapping_same_file(mapping, of))
            continue;
        if (mapping->offset == 0)
            first = mapping;
        if (first && mapping->permissions & MAPPING_EXECUTABLE) {
            *out = first->start;
            return 0;
        }
    }
    return -ENOENT;
}
