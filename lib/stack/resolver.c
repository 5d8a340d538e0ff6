/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/resolver.h"

#include <inttypes.h>
#include <string.h>

#include "proc/image_file.h"
#include "stack/jitted.h"
#include "stack/names.h"
#include "stack/naming.h"
#include "util/clock.h"
#include "util/text.h"

#define FILES_MAX 64                   /* that could not be read */
#define FILE_NS   (600000 * NS_PER_MS) /* until one of them is read again */

struct unreadable {
    uint32_t device_major, device_minor;
    uint64_t inode;
    uint64_t until; /* CLOCK_MONOTONIC ns */
};

struct resolver {
    struct process process;
    struct maps maps; /* while names are looked for */
    struct jitted *jitted;
    uint64_t site_address[SITE_MAX]; /* in the process; 0: unknown */
    uint64_t site_offset[SITE_MAX];
    struct unreadable unreadable[FILES_MAX];
    size_t unreadable_next;
    struct names *names;
};

/* An address without a name yet. */
struct unnamed {
    uint64_t address;
    const struct mapping *mapping; /* NULL: none covers it */
    struct frame frame;
};

int resolver_new(struct resolver **out, const struct process *process, struct reason *why)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    int r = resolver ? 0 : -ENOMEM;

    *out = NULL;
    if (r == 0) {
        resolver->process = *process;
        r = jitted_new(&resolver->jitted, &resolver->process);
        if (r == 0)
            r = names_new(&resolver->names);
    }
    if (r < 0)
        reason_set(why, r, "no memory");
    else
        r = maps_read(process->pid, &resolver->maps, why); /* may we? */
    if (r < 0)
        resolver_free(&resolver);
    else
        maps_close(&resolver->maps);
    *out = resolver;
    return r;
}

void resolver_free(struct resolver **resolver)
{
    if (!*resolver)
        return;
    jitted_free(&(*resolver)->jitted);
    maps_close(&(*resolver)->maps);
    names_free(&(*resolver)->names);
    free(*resolver);
    *resolver = NULL;
}

void resolver_set_sites(struct resolver *resolver, const struct findings *findings, uint64_t bias)
{
    for (enum site site = 0; site < SITE_MAX; site++) {
        const struct finding *finding = &findings->sites[site];
        bool is_found = site_is_function(site) && finding_is_found(finding);

        resolver->site_address[site] = is_found ? bias + finding->address : 0;
        resolver->site_offset[site] = finding->offset;
    }
}

static const struct mapping *mapping_of(const struct resolver *resolver, uint64_t address)
{
    size_t low = 0, high = resolver->maps.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (resolver->maps.entries[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < resolver->maps.count && resolver->maps.entries[low].start <= address
               ? &resolver->maps.entries[low]
               : NULL;
}

static bool is_code(const struct mapping *mapping)
{
    return mapping && mapping->permissions & MAPPING_EXECUTABLE;
}

/* With W^X the runtime maps its code from a file without a name (utilcode's ExecutableAllocator).
 */
static bool is_made_at_run_time(const struct mapping *mapping)
{
    return mapping->inode == 0 ? !mapping->path[0] || text_starts_with(mapping->path, "[anon")
                               : text_starts_with(mapping->path, "/memfd:doublemapper");
}

static bool is_unreadable(const struct resolver *resolver, const struct mapping *mapping)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        const struct unreadable *file = &resolver->unreadable[i];

        if (file->inode == mapping->inode && file->device_major == mapping->device_major &&
            file->device_minor == mapping->device_minor && file->until > clock_monotonic_ns())
            return true;
    }
    return false;
}

static void set_unreadable(struct resolver *resolver, const struct mapping *mapping)
{
    resolver->unreadable[resolver->unreadable_next++ % FILES_MAX] = (struct unreadable){
        mapping->device_major,
        mapping->device_minor,
        mapping->inode,
        clock_monotonic_ns() + FILE_NS,
    };
}

static bool is_gap(const struct mapping *mapping)
{
    return mapping->inode == 0 && !mapping->permissions;
}

/*
 * A managed image's headers are the nearest piece of its file below that is only read; between the
 * pieces its room is reserved (pal/src/map/map.cpp's MAPMapPEFile).
 */
static uint64_t image_of(const struct resolver *resolver, const struct mapping *mapping)
{
    for (const struct mapping *at = mapping; at-- > resolver->maps.entries;) {
        if (is_gap(at))
            continue;
        if (!mapping_same_file(at, mapping))
            break;
        if (!(at->permissions & (MAPPING_EXECUTABLE | MAPPING_WRITABLE)))
            return at->offset;
    }
    return NAMING_NATIVE;
}

static void set_sites(const struct resolver *resolver, const struct mapping *mapping,
                      struct naming *question)
{
    for (enum site site = 0; site < SITE_MAX; site++) {
        const struct mapping *of = mapping_of(resolver, resolver->site_address[site]);

        if (of && mapping_same_file(of, mapping))
            question->sites[site] = resolver->site_offset[site];
    }
}

static void name_by_file(struct resolver *resolver, struct unnamed *places, size_t count)
{
    const struct mapping *mapping = places[0].mapping;
    struct naming question = {.count = count};
    struct frame frames[NAMING_PLACES_MAX];
    struct reason ignored;
    _close_ int fd = is_unreadable(resolver, mapping)
                         ? -ENOENT
                         : image_file_open(resolver->process.pid, mapping, NULL, &ignored);

    text_copy(question.file, sizeof(question.file), text_file_name(mapping->path));
    set_sites(resolver, mapping, &question);
    for (size_t i = 0; i < count; i++)
        question.places[i] = (struct naming_place){
            .offset = places[i].mapping->offset + (places[i].address - places[i].mapping->start),
            .image = image_of(resolver, places[i].mapping),
        };
    if (fd < 0 || naming_ask(fd, &question, frames, &ignored) < 0) {
        set_unreadable(resolver, mapping);
        return;
    }
    for (size_t i = 0; i < count; i++)
        places[i].frame = frames[i];
}

static void name_made(struct resolver *resolver, struct unnamed *places, size_t count)
{
    uint64_t addresses[NAMING_PLACES_MAX] = {0};
    struct frame frames[NAMING_PLACES_MAX];

    for (size_t i = 0; i < count; i++)
        addresses[i] = places[i].address;
    jitted_names(resolver->jitted, addresses, count, frames);
    for (size_t i = 0; i < count; i++)
        places[i].frame = frames[i];
}

/* 0 where there is nothing to ask, 1 for code made at run time; then by file. */
static int by_file(const void *a, const void *b)
{
    const struct mapping *x = ((const struct unnamed *)a)->mapping;
    const struct mapping *y = ((const struct unnamed *)b)->mapping;
    int rank_x = !is_code(x) ? 0 : is_made_at_run_time(x) ? 1 : 2;
    int rank_y = !is_code(y) ? 0 : is_made_at_run_time(y) ? 1 : 2;

    if (rank_x != rank_y || rank_x < 2)
        return rank_x - rank_y;
    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    if (x->device_major != y->device_major)
        return x->device_major < y->device_major ? -1 : 1;
    return (x->device_minor > y->device_minor) - (x->device_minor < y->device_minor);
}

/* "[vdso]" */
static void name_by_mapping(struct unnamed *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(places[i].frame.text, sizeof(places[i].frame.text), "%.32s+0x%" PRIx64,
                 places[i].mapping->path, places[i].address - places[i].mapping->start);
        places[i].frame.source = FRAME_MODULE;
    }
}

static void name_group(struct resolver *resolver, struct unnamed *places, size_t count)
{
    if (!is_code(places[0].mapping))
        return;
    if (is_made_at_run_time(places[0].mapping))
        name_made(resolver, places, count);
    else if (places[0].mapping->inode != 0)
        name_by_file(resolver, places, count);
    else
        name_by_mapping(places, count);
}

static void name_all(struct resolver *resolver, struct unnamed *places, size_t count)
{
    qsort(places, count, sizeof(*places), by_file);
    for (size_t i = 0, size; i < count; i += size) {
        size = 1;
        while (i + size < count && size < NAMING_PLACES_MAX &&
               by_file(&places[i], &places[i + size]) == 0)
            size++;
        name_group(resolver, &places[i], size);
    }
}

/* Afresh: what was mapped a moment ago may be something else by now. */
static void find_mappings(struct resolver *resolver, struct unnamed *places, size_t count)
{
    struct reason ignored;

    if (maps_read(resolver->process.pid, &resolver->maps, &ignored) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        places[i].mapping = mapping_of(resolver, places[i].address);
}

static void find_names(struct resolver *resolver, struct unnamed *places, size_t count)
{
    if (!process_alive(&resolver->process))
        return;
    find_mappings(resolver, places, count);
    name_all(resolver, places, count);
    for (size_t i = 0; i < count; i++) {
        places[i].frame.address = places[i].address;
        names_keep(resolver->names, &places[i].frame);
    }
    maps_close(&resolver->maps);
}

static int by_address(const void *a, const void *b)
{
    const struct unnamed *x = a, *y = b;

    return (x->address > y->address) - (x->address < y->address);
}

static size_t drop_repeated(struct unnamed *places, size_t count)
{
    size_t kept = 0;

    qsort(places, count, sizeof(*places), by_address);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || places[i].address != places[kept - 1].address)
            places[kept++] = places[i];
    return kept;
}

static void learn(struct resolver *resolver, const uint64_t *addresses, size_t count)
{
    _free_ struct unnamed *places = calloc(count + 1, sizeof(*places));
    struct frame ignored;
    size_t unnamed = 0;

    for (size_t i = 0; i < count && places; i++)
        if (!names_find(resolver->names, addresses[i], &ignored))
            places[unnamed++].address = addresses[i];
    if (unnamed)
        find_names(resolver, places, drop_repeated(places, unnamed));
}

void resolver_frames(struct resolver *resolver, const uint64_t *addresses, size_t count,
                     struct frame *out)
{
    learn(resolver, addresses, count);
    for (size_t i = 0; i < count; i++)
        (void)names_find(resolver->names, addresses[i], &out[i]);
}

void resolver_type(struct resolver *resolver, uint64_t object, char out[static FRAME_TEXT_MAX])
{
    out[0] = 0;
    if (process_alive(&resolver->process))
        jitted_type(resolver->jitted, object, out);
}

void resolver_table(struct resolver *resolver, uint64_t method_table,
                    char out[static FRAME_TEXT_MAX])
{
    out[0] = 0;
    if (process_alive(&resolver->process))
        jitted_table(resolver->jitted, method_table, out);
}
