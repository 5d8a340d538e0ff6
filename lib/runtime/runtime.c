/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/runtime.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "proc/procfs.h"
#include "proc/threads.h"
#include "util/text.h"

const char *flavour_text(enum flavour flavour)
{
    static const char *const texts[FLAVOUR_MAX] = {
        [FLAVOUR_UNKNOWN] = "unknown",
        [FLAVOUR_SINGLE_FILE] = "single-file",
        [FLAVOUR_NATIVE_AOT] = "NativeAOT",
        [FLAVOUR_FRAMEWORK_DEPENDENT] = "framework-dependent",
        [FLAVOUR_SELF_CONTAINED] = "self-contained",
    };

    return texts[flavour];
}

const char *libc_text(enum libc libc)
{
    static const char *const texts[LIBC_MAX] = {
        [LIBC_UNKNOWN] = "unknown",
        [LIBC_GLIBC] = "glibc",
        [LIBC_MUSL] = "musl",
    };

    return texts[libc];
}

const char *gc_flavour_text(enum gc_flavour flavour)
{
    static const char *const texts[GC_MAX] = {
        [GC_UNKNOWN] = "unknown",
        [GC_WORKSTATION] = "workstation",
        [GC_SERVER] = "server",
    };

    return texts[flavour];
}

/* The folder VERSION of ".../shared/Microsoft.NETCore.App/VERSION/libcoreclr.so", if it is one. */
static bool take_version(const char *path, char out[static RUNTIME_VERSION_MAX])
{
    static const char folder[] = "/shared/Microsoft.NETCore.App/";
    const char *version = NULL, *at = path;
    size_t length;

    while ((at = strstr(at, folder)))
        version = at += sizeof(folder) - 1;
    if (!version || !isdigit((unsigned char)*version))
        return false;
    length = strcspn(version, "/");
    if (length >= RUNTIME_VERSION_MAX || strcmp(version + length, "/libcoreclr.so") != 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)version[i]) && !strchr(".-+", version[i]))
            return false;
    }
    text_copy(out, length + 1, version);
    return true;
}

static bool is_musl(const char *name)
{
    return text_starts_with(name, "ld-musl-") || text_starts_with(name, "libc.musl-");
}

static bool is_glibc(const char *name)
{
    return text_starts_with(name, "ld-linux") || text_starts_with(name, "libc-2.") ||
           text_starts_with(name, "ld-2.") || strcmp(name, "libc.so.6") == 0;
}

static bool is_gc(const char *name)
{
    return text_starts_with(name, "libclrgc") && text_ends_with(name, ".so");
}

static struct runtime_image image_of(const struct maps *maps, const struct mapping *mapping)
{
    struct runtime_image image = {.mapping = mapping};

    if (!mapping || maps_base(maps, mapping, &image.base) < 0)
        return (struct runtime_image){0};
    return image;
}

static const struct mapping *find_path(const struct maps *maps, const char *path)
{
    size_t length = strlen(path);
    const char *deleted = " (deleted)";

    if (text_ends_with(path, deleted))
        length -= strlen(deleted);
    for (size_t i = 0; i < maps->count; i++) {
        const struct mapping *mapping = &maps->entries[i];

        if (mapping->inode != 0 && strncmp(mapping->path, path, length) == 0 &&
            mapping->path[length] == '\0')
            return mapping;
    }
    return NULL;
}

static void take_names(struct runtime *out)
{
    for (size_t i = 0; i < out->maps.count; i++) {
        const struct mapping *mapping = &out->maps.entries[i];
        const char *name = text_file_name(mapping->path);

        if (mapping->inode == 0)
            continue;
        if (is_musl(name))
            out->libc = LIBC_MUSL;
        else if (out->libc == LIBC_UNKNOWN && is_glibc(name))
            out->libc = LIBC_GLIBC;
        else if (!out->gc.mapping && is_gc(name))
            out->gc = image_of(&out->maps, mapping);
    }
}

int runtime_identify(const char *executable, struct runtime *out, struct reason *why)
{
    const struct maps *maps = &out->maps;

    out->image = image_of(maps, maps_find(maps, "libcoreclr.so"));
    if (!out->image.mapping) {
        out->flavour = FLAVOUR_UNKNOWN;
        out->image = image_of(maps, find_path(maps, executable));
    } else if (take_version(out->image.mapping->path, out->version)) {
        out->flavour = FLAVOUR_FRAMEWORK_DEPENDENT;
    } else {
        out->flavour = FLAVOUR_SELF_CONTAINED;
    }
    if (!out->image.mapping)
        return reason_set(why, -ENOEXEC, "neither libcoreclr.so nor its executable is mapped");
    take_names(out);
    if (!out->gc.mapping && out->settings.gc_name.value)
        out->gc = image_of(maps, maps_find(maps, text_file_name(out->settings.gc_name.value)));
    return 0;
}

static int read_parts(const struct process *process, struct runtime *out, struct reason *why)
{
    char executable[PATH_MAX];
    ssize_t length = procfs_link(process->pid, "exe", executable, sizeof(executable));
    int error;

    if (length < 0)
        return procfs_reason(process->pid, (int)length, why);
    error = maps_read(process->pid, &out->maps, why);
    if (error < 0)
        return error;
    error = environment_read(process->pid, &out->environment, why);
    if (error < 0)
        return error;
    settings_parse(&out->environment, &out->settings);
    return runtime_identify(executable, out, why);
}

int runtime_read(const struct process *process, struct runtime *out, struct reason *why)
{
    int error;

    *out = (struct runtime){0};
    error = read_parts(process, out, why);
    if (error < 0)
        runtime_close(out);
    return error;
}

void runtime_close(struct runtime *runtime)
{
    maps_close(&runtime->maps);
    environment_close(&runtime->environment);
    *runtime = (struct runtime){0};
}

static bool has_double_mapper(const struct maps *maps)
{
    for (size_t i = 0; i < maps->count; i++) {
        if (text_starts_with(maps->entries[i].path, "/memfd:doublemapper"))
            return true;
    }
    return false;
}

static bool has_socket(const struct process *process)
{
    char path[128];

    snprintf(path, sizeof(path), "/proc/%d/root/tmp/dotnet-diagnostic-%d-%" PRIu64 "-socket",
             process->pid, process->namespace_pid, process->start_time);
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool runtime_candidate(const struct process *process, const struct runtime *runtime)
{
    struct threads threads;

    return (threads_read(process->pid, THREADS_MAX, &threads) == 0 &&
            threads_have(&threads, ".NET ")) ||
           has_double_mapper(&runtime->maps) || has_socket(process);
}

enum gc_flavour runtime_gc_flavour(const struct process *process, const struct settings *settings)
{
    struct threads threads;

    if (threads_read(process->pid, THREADS_MAX, &threads) == 0) {
        if (threads_have(&threads, ".NET Server GC"))
            return GC_SERVER;
        if (threads_have(&threads, ".NET "))
            return GC_WORKSTATION;
    }
    if (!settings->gc_server.value)
        return GC_UNKNOWN;
    return settings_is_on(settings->gc_server) ? GC_SERVER : GC_WORKSTATION;
}
