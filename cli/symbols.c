/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "locate/cache.h"
#include "locate/marks.h"
#include "locate/pack.h"
#include "report/json.h"
#include "select.h"
#include "verbs.h"

static const struct option long_options[] = {
    OPTIONS_SELECTION,
    OPTIONS_OUTPUT,
    OPTIONS_LOCATING,
    {0},
};

/* An image to be shown: a file, or one that a process has mapped. */
struct shown {
    const char *path;
    const struct located *located;
};

/* Opened without waiting for whatever it may be: a FIFO has nobody at its other end. */
static int open_file(const char *path, struct reason *why)
{
    _close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return reason_set(why, -errno, "%s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return reason_set(why, -EINVAL, "not a regular file");
    return TAKE_FD(fd);
}

static int locate_file(struct locator *locator, const char *path, const struct located **out,
                       struct reason *why)
{
    _close_ int fd = open_file(path, why);
    int r = fd < 0 ? fd : locator_find(locator, fd, path, out, why);

    if (r == 0 && (*out)->inspection.identity.kind == IMAGE_OTHER)
        return reason_set(why, -ENOEXEC, "holds no .NET runtime: none of its exported names");
    return r;
}

static json_t *encode_marks(const struct contention_marks *marks)
{
    char start[MARK_NAME_MAX], stop[MARK_NAME_MAX];

    if (!marks->found)
        return json_null();
    mark_name("ContentionStart", marks->start, start);
    mark_name("ContentionStop", marks->stop, stop);
    return json_pack("{s:s, s:s, s:s, s:b}", "provider", MARK_PROVIDER, "start", start, "stop",
                     stop, "need_event_log", marks->need_event_log);
}

static json_t *encode_image(const struct shown *shown)
{
    const struct located *located = shown->located;
    const struct identity *identity = &located->inspection.identity;
    char build_id[BUILD_ID_TEXT_MAX];

    build_id_format(&identity->build_id, build_id);
    return json_pack("{s:s, s:o, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o}", "path", shown->path,
                     "build_id", json_text_or_null(build_id), "arch",
                     machine_name(identity->machine), "kind", image_kind_name(identity->kind),
                     "version", json_text_or_null(identity->version), "from_cache",
                     located->from_cache, "debug_file", json_text_or_null(located->debug_file.text),
                     "cache_fault", json_text_or_null(located->cache_fault.text), "sites",
                     pack_sites(&located->inspection.findings), "marks",
                     encode_marks(&located->inspection.findings.marks));
}

static void print_exits(const struct function_exits *exits)
{
    for (size_t i = 0; i < exits->count; i++)
        printf("      0x%llx %s%s\n", (unsigned long long)exits->items[i].address,
               exits->items[i].kind == EXIT_THROWS ? "throws" : "returns",
               exits->items[i].emulated ? ", emulated" : ", single-stepped");
}

static void print_lock(const struct lock_layout *lock)
{
    if (!lock->holder)
        return;
    printf("      holder +%u (%s)", lock->holder,
           lock->holder_is_thread ? "Thread *" : "managed thread id");
    if (lock->owner_tid)
        printf(", owner's tid +%u from Thread +%u", lock->owner_tid, lock->thread_tid);
    printf(", sync index +%u of the table at 0x%llx\n", lock->sync_index,
           (unsigned long long)lock->sync_table);
}

static void print_shapes(const struct findings *findings, enum site site)
{
    if (site == SITE_LOCK_CONTENTION_ENTER)
        print_lock(&findings->lock);
    else if (site == SITE_LOCK_CONTENTION_EXIT)
        print_exits(&findings->lock_exits);
    else if (site == SITE_WAIT_EXIT)
        print_exits(&findings->wait_exits);
}

static void print_marks(const struct contention_marks *marks)
{
    char start[MARK_NAME_MAX], stop[MARK_NAME_MAX];

    if (!marks->found)
        return;
    mark_name("ContentionStart", marks->start, start);
    mark_name("ContentionStop", marks->stop, stop);
    printf("  marks for tracers           " MARK_PROVIDER ":%s, %s\n      passed %s\n", start, stop,
           marks->need_event_log ? "only by a process that was started with EnableEventLog=1"
                                 : "at every wait");
}

static void print_image(const struct shown *shown)
{
    const struct located *located = shown->located;
    const struct identity *identity = &located->inspection.identity;
    char build_id[BUILD_ID_TEXT_MAX];

    build_id_format(&identity->build_id, build_id);
    printf("%s\n  %s %s, %s, build id %s%s\n", shown->path, image_kind_name(identity->kind),
           identity->version[0] ? identity->version : "of unknown version",
           machine_name(identity->machine), build_id[0] ? build_id : "none",
           located->from_cache ? ", from the cache" : "");
    if (located->debug_file.text[0])
        printf("  debug file %s\n", located->debug_file.text);
    if (located->cache_fault.text[0])
        printf("  cache: %s\n", located->cache_fault.text);
    for (enum site site = 0; site < SITE_MAX; site++) {
        const struct finding *finding = &located->inspection.findings.sites[site];

        if (finding_is_found(finding))
            printf("  %-27s 0x%-8llx %s, %s\n", site_name(site),
                   (unsigned long long)finding->address, source_name(finding->source),
                   confidence_name(finding->confidence));
        else
            printf("  %-27s not found\n", site_name(site));
        printf("      %s\n", finding->evidence);
        print_shapes(&located->inspection.findings, site);
    }
    print_marks(&located->inspection.findings.marks);
}

/* A single file's document has its sites at the top; several images make a list. */
static void show(const struct options *options, const struct shown *images, size_t count,
                 bool single_file)
{
    json_t *list;

    if (options->format != FORMAT_JSON) {
        for (size_t i = 0; i < count; i++)
            print_image(&images[i]);
        return;
    }
    if (single_file && count == 1) {
        json_t *document = encode_image(&images[0]);

        json_object_set_new(document, "schema", json_string("clrmon.symbols/1"));
        json_print(document, false);
        return;
    }
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, encode_image(&images[i]));
    json_print(json_pack("{s:s, s:o}", "schema", "clrmon.symbols/1", "images", list), false);
}

static int complain(const char *what, const struct reason *why)
{
    fprintf(stderr, "clrmon symbols: %s: %s\n", what, why->text);
    return EXIT_CANNOT_TELL;
}

static int show_files(const struct options *options, struct locator *locator, char **paths,
                      size_t count)
{
    _free_ struct shown *images = calloc(count, sizeof(*images));
    int status = 0;
    size_t shown = 0;

    for (size_t i = 0; images && i < count; i++) {
        struct reason why;

        images[shown].path = paths[i];
        if (locate_file(locator, paths[i], &images[shown].located, &why) < 0)
            status = complain(paths[i], &why);
        else
            shown++;
    }
    if (shown)
        show(options, images, shown, count == 1);
    return status;
}

static int show_process(const struct options *options, struct locator *locator, pid_t pid)
{
    struct shown images[2];
    struct target target;
    struct reason why;
    char name[32];
    size_t count = 1;

    if (target_open(pid, locator, &target, &why) < 0) {
        snprintf(name, sizeof(name), "process %d", (int)pid);
        return complain(name, &why);
    }
    images[0] = (struct shown){target.runtime.image.mapping->path, target.image};
    if (target.gc && target.gc != target.image)
        images[count++] = (struct shown){target.runtime.gc.mapping->path, target.gc};
    show(options, images, count, false);
    target_close(&target);
    return 0;
}

static int export_pack(struct locator *locator, const char *path, const struct options *options)
{
    const struct located *located = NULL;
    struct target target = {0};
    struct reason why;
    int r = path ? locate_file(locator, path, &located, &why)
                 : target_open(options->pids[0], locator, &target, &why);

    if (r < 0)
        return complain(path ? path : "process", &why);
    json_print(pack_encode(&(path ? located : target.image)->inspection), false);
    if (!path)
        target_close(&target);
    return 0;
}

static int read_pack(const char *path, struct inspection *out, struct reason *why)
{
    _close_ int fd = open_file(path, why);
    _free_ char *text = malloc(PACK_SIZE_MAX + 1);
    ssize_t n;

    if (fd < 0)
        return fd;
    n = text ? read(fd, text, PACK_SIZE_MAX + 1) : -1;
    if (n < 0)
        return reason_set(why, -EIO, "can't be read");
    return pack_parse(text, (size_t)n, out, why);
}

static int import_pack(const struct options *options, const char *path)
{
    char build_id[BUILD_ID_TEXT_MAX];
    struct inspection pack;
    struct reason why;

    if (read_pack(path, &pack, &why) < 0 ||
        cache_write(options->cache, PACK_IMPORTED, &pack, &why) < 0)
        return complain(path, &why);
    build_id_format(&pack.identity.build_id, build_id);
    printf("%s: sites for build id %s\n", path, build_id);
    return 0;
}

static int import_packs(const struct options *options, char **paths, size_t count)
{
    int status = 0;

    if (!options->cache[0])
        return complain("import", &(struct reason){"there is no cache folder to import to"});
    for (size_t i = 0; i < count; i++)
        if (import_pack(options, paths[i]) != 0)
            status = EXIT_CANNOT_TELL;
    return status;
}

static int run(const struct options *options, char **arguments, size_t count)
{
    _locator_free_ struct locator *locator = NULL;
    const char *first = count ? arguments[0] : "";
    int status = 0;

    if (locator_new(&locator, &options->locator) < 0)
        return EXIT_USAGE;
    if (strcmp(first, "import") == 0 && count > 1 && !options->pid_count)
        return import_packs(options, arguments + 1, count - 1);
    if (strcmp(first, "export") == 0 && count - 1 + options->pid_count == 1)
        return export_pack(locator, count == 2 ? arguments[1] : NULL, options);
    if (count && !options->pid_count && strcmp(first, "import") != 0 &&
        strcmp(first, "export") != 0)
        return show_files(options, locator, arguments, count);
    if (count || !options->pid_count)
        return usage_of("symbols");
    for (size_t i = 0; i < options->pid_count; i++)
        if (show_process(options, locator, options->pids[i]) != 0)
            status = EXIT_CANNOT_TELL;
    return status;
}

int verb_symbols(int argc, char **argv)
{
    struct options options;
    int option;

    options_init(&options, FORMAT_TABLE | FORMAT_JSON);
    while ((option = getopt_long(argc, argv, OPTIONS_LETTERS, long_options, NULL)) != -1)
        if (options_take(&options, "symbols", option) < 0)
            return usage_of("symbols");
    options_finish(&options);
    return run(&options, argv + optind, (size_t)(argc - optind));
}
