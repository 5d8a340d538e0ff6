/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "locate/cache.h"
#include "util/number.h"

static const struct {
    const char *name;
    enum format format;
} formats[] = {
    {"table", FORMAT_TABLE}, {"wide", FORMAT_WIDE},       {"json", FORMAT_JSON},
    {"jsonl", FORMAT_JSONL}, {"prom", FORMAT_PROMETHEUS},
};

static const struct {
    const char *name;
    enum source source;
} sources[] = {
    {"symtab", SOURCE_SYMTAB},
    {"debug-file", SOURCE_DEBUG_FILE},
    {"pack", SOURCE_PACK},
    {"structure", SOURCE_STRUCTURE},
};

static int complain(const char *verb, const char *what, const char *value, const char *wanted)
{
    fprintf(stderr, "clrmon %s: %s '%s' is not %s\n", verb, what, value, wanted);
    return -EINVAL;
}

static int take_pid(struct options *options, const char *verb, const char *text)
{
    uint64_t pid;

    if (number_decimal(text, INT_MAX, &pid) < 0 || pid == 0)
        return complain(verb, "process id", text, "a positive number");
    if (options->pid_count == OPTIONS_PIDS_MAX)
        return complain(verb, "process id", text, "one of 4096 at most");
    options->pids[options->pid_count++] = (pid_t)pid;
    return 0;
}

static int take_name(struct options *options, const char *verb, const char *text)
{
    if (!*text || options->name_count == OPTIONS_NAMES_MAX)
        return complain(verb, "name", text, "a name, or one of 64 at most");
    options->names[options->name_count++] = text;
    return 0;
}

static int take_format(struct options *options, const char *verb, const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (strcmp(formats[i].name, text) == 0 && options->formats & formats[i].format) {
            options->format = formats[i].format;
            return 0;
        }
    return complain(verb, "format", text, "one that this verb has");
}

static int take_folder(struct options *options, const char *verb, const char *text)
{
    if (!*text || options->locator.debug_folder_count == OPTIONS_FOLDERS_MAX)
        return complain(verb, "folder", text, "a folder, or one of 16 at most");
    options->folders[options->locator.debug_folder_count++] = text;
    return 0;
}

static int take_source(struct options *options, const char *verb, const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
        if (strcmp(sources[i].name, text) == 0) {
            options->sources |= 1u << sources[i].source;
            return 0;
        }
    return complain(verb, "source", text, "symtab, debug-file, pack or structure");
}

static int take_cache(struct options *options, const char *verb, const char *text)
{
    if (strlen(text) >= sizeof(options->cache) || (*text && *text != '/'))
        return complain(verb, "cache folder", text, "an absolute path");
    strcpy(options->cache, text);
    return 0;
}

void options_init(struct options *options, unsigned accepted)
{
    memset(options, 0, sizeof(*options));
    options->formats = accepted;
    options->format = FORMAT_TABLE;
    cache_default_folder(options->cache, sizeof(options->cache));
}

int options_take(struct options *options, const char *verb, int option)
{
    switch (option) {
    case 'p':
        return take_pid(options, verb, optarg);
    case 'n':
        return take_name(options, verb, optarg);
    case 'o':
        return take_format(options, verb, optarg);
    case 'j':
        return take_format(options, verb, "json");
    case OPTION_DEBUG_DIR:
        return take_folder(options, verb, optarg);
    case OPTION_SOURCE:
        return take_source(options, verb, optarg);
    case OPTION_CACHE_DIR:
        return take_cache(options, verb, optarg);
    case OPTION_NO_CACHE:
        return take_cache(options, verb, "");
    default:
        return -EINVAL; /* getopt has said what it does not know */
    }
}

void options_finish(struct options *options)
{
    options->locator.sources = options->sources ? options->sources : SOURCES_ALL;
    options->locator.debug_folders = options->folders;
    options->locator.cache = options->cache;
}
