/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/locator.h"

#include <string.h>
#include <sys/stat.h>

#include "locate/cache.h"
#include "locate/debug_file.h"

/* A file as it was when we looked: another inode, size or change time is another file. */
struct file_key {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct entry {
    struct file_key key;
    struct located located;
    struct reason why;
    int result;
    struct entry *next;
};

struct locator {
    struct locator_options options;
    struct entry *entries;
    size_t count;
};

int locator_new(struct locator **out, const struct locator_options *options)
{
    struct locator *locator = calloc(1, sizeof(*locator));

    if (!locator)
        return -ENOMEM;
    locator->options = *options;
    *out = locator;
    return 0;
}

void locator_free(struct locator **locator)
{
    if (!*locator)
        return;
    while ((*locator)->entries) {
        struct entry *entry = (*locator)->entries;

        (*locator)->entries = entry->next;
        free(entry);
    }
    free(*locator);
    *locator = NULL;
}

static bool has_cache(const struct locator *locator)
{
    return locator->options.cache && locator->options.cache[0];
}

static bool same_build(const struct inspection *pack, const struct identity *identity, int fd)
{
    return pack->identity.machine == identity->machine &&
           pack->identity.build_id.length == identity->build_id.length &&
           memcmp(pack->identity.build_id.bytes, identity->build_id.bytes,
                  identity->build_id.length) == 0 &&
           fingerprint_matches(&pack->fingerprint, fd);
}

/* A pack for this very image; a fault is noted, an absent one is not. */
static bool read_pack(const struct locator *locator, enum pack_origin origin,
                      const struct identity *identity, int fd, struct inspection *pack,
                      struct reason *fault)
{
    struct reason why;
    int r = cache_read(locator->options.cache, origin, &identity->build_id, pack, &why);

    if (r == 0 && same_build(pack, identity, fd))
        return true;
    if (r == 0)
        reason_set(fault, 0, "a pack has this build id but other bytes, so it is not used");
    else if (r != -ENOENT && !(r == -ESTALE && origin == PACK_SCANNED))
        *fault = why;
    return false;
}

/* A scan by an earlier release of ours did not look for everything that this one does. */
static bool is_complete(const struct findings *findings)
{
    for (enum site site = 0; site < SITE_MAX; site++)
        if (!finding_is_found(&findings->sites[site]) && !findings->sites[site].evidence[0])
            return false;
    return true;
}

static bool read_scanned(const struct locator *locator, const struct identity *identity, int fd,
                         struct located *out)
{
    /* With debug folders, sources left out or packs imported, what an earlier run found may not be
     * what this one would. */
    if (locator->options.sources != SOURCES_ALL || locator->options.debug_folder_count ||
        !read_pack(locator, PACK_SCANNED, identity, fd, &out->inspection, &out->cache_fault) ||
        !is_complete(&out->inspection.findings))
        return false;
    out->inspection.identity = *identity;
    out->from_cache = true;
    return true;
}

/* What goes with a site that is the pack's. */
static void take_shapes(const struct findings *pack, struct findings *out)
{
    if (out->sites[SITE_LOCK_CONTENTION_ENTER].source == SOURCE_PACK)
        out->lock = pack->lock;
    if (out->sites[SITE_LOCK_CONTENTION_EXIT].source == SOURCE_PACK)
        out->lock_exits = pack->lock_exits;
    if (out->sites[SITE_WAIT_EXIT].source == SOURCE_PACK)
        out->wait_exits = pack->wait_exits;
    if (out->sites[SITE_EVENTPIPE_WRITE].source == SOURCE_PACK)
        out->events = pack->events;
    if (!out->marks.found)
        out->marks = pack->marks;
}

/* Fills what symbols have not found from an imported pack, before structure is asked. */
static void add_imported(const struct locator *locator, int fd, struct located *out)
{
    struct inspection *inspection = &out->inspection, pack;

    if (!sources_have(locator->options.sources, SOURCE_PACK) ||
        !read_pack(locator, PACK_IMPORTED, &inspection->identity, fd, &pack, &out->cache_fault))
        return;
    for (enum site site = 0; site < SITE_MAX; site++) {
        struct finding *known = &inspection->findings.sites[site];
        struct finding *packed = &pack.findings.sites[site];

        if (!finding_is_found(packed) || known->source == SOURCE_SYMTAB ||
            known->source == SOURCE_DEBUG_FILE)
            continue;
        *known = *packed;
        known->source = SOURCE_PACK;
    }
    take_shapes(&pack.findings, &inspection->findings);
}

static bool is_trusted(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && (status.st_uid == 0 || status.st_uid == geteuid());
}

static void keep(const struct locator *locator, int fd, struct located *located)
{
    if (locator->options.sources != SOURCES_ALL || locator->options.debug_folder_count ||
        !located->inspection.identity.build_id.length ||
        located->inspection.identity.kind == IMAGE_OTHER || !is_trusted(fd))
        return;
    (void)!cache_write(locator->options.cache, PACK_SCANNED, &located->inspection,
                       &located->cache_fault);
}

static int look(const struct locator *locator, int fd, const char *path, struct located *out,
                struct reason *why)
{
    _close_ int debug_fd = -1;
    struct identity identity;
    int r = inspect_identity(fd, &identity, why);

    if (r < 0)
        return r;
    if (identity.kind == IMAGE_OTHER) {
        out->inspection.identity = identity;
        return 0;
    }
    if (has_cache(locator) && read_scanned(locator, &identity, fd, out)) {
        add_imported(locator, fd, out);
        return 0;
    }
    if (sources_have(locator->options.sources, SOURCE_DEBUG_FILE))
        debug_fd = debug_file_open(&identity, path, locator->options.debug_folders,
                                   locator->options.debug_folder_count, &out->debug_file);
    r = inspect_image(fd, debug_fd, locator->options.sources, &out->inspection, why);
    if (r < 0 || !has_cache(locator))
        return r;
    keep(locator, fd, out);
    add_imported(locator, fd, out);
    return 0;
}

static bool same_file(const struct file_key *a, const struct file_key *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* The last one asked for is the first of the list. */
static struct entry *remember(struct locator *locator, const struct file_key *key)
{
    struct entry **at = &locator->entries, *entry;

    while (*at && !same_file(&(*at)->key, key))
        at = &(*at)->next;
    entry = *at;
    if (!entry)
        return NULL;
    *at = entry->next;
    entry->next = locator->entries;
    locator->entries = entry;
    return entry;
}

static void forget_last(struct locator *locator)
{
    struct entry **at = &locator->entries;

    while ((*at)->next)
        at = &(*at)->next;
    free(*at);
    *at = NULL;
    locator->count--;
}

static int read_key(int fd, struct file_key *out, struct reason *why)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return reason_set(why, -errno, "can't be read: %s", strerror(errno));
    *out = (struct file_key){status.st_dev, status.st_ino, status.st_size, status.st_ctim};
    return 0;
}

static int add_entry(struct locator *locator, const struct file_key *key, struct entry **out,
                     struct reason *why)
{
    struct entry *entry;

    if (locator->options.images_max && locator->count == locator->options.images_max)
        forget_last(locator);
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return reason_set(why, -ENOMEM, "no memory");
    entry->key = *key;
    entry->next = locator->entries;
    locator->entries = entry;
    locator->count++;
    *out = entry;
    return 0;
}

int locator_find(struct locator *locator, int fd, const char *path, const struct located **out,
                 struct reason *why)
{
    struct entry *entry;
    struct file_key key;
    int r = read_key(fd, &key, why);

    if (r < 0)
        return r;
    entry = remember(locator, &key);
    if (!entry) {
        r = add_entry(locator, &key, &entry, why);
        if (r < 0)
            return r;
        entry->result = look(locator, fd, path, &entry->located, &entry->why);
    }
    *out = &entry->located;
    return entry->result < 0 ? reason_set(why, entry->result, "%s", entry->why.text) : 0;
}

bool locator_knows(struct locator *locator, int fd)
{
    struct file_key key;

    return read_key(fd, &key, NULL) == 0 && remember(locator, &key);
}

int locator_adopt(struct locator *locator, int fd, const struct located *located, int result,
                  const struct reason *why)
{
    struct entry *entry;
    struct file_key key;
    int r = read_key(fd, &key, NULL);

    if (r == 0 && !(entry = remember(locator, &key)))
        r = add_entry(locator, &key, &entry, NULL);
    if (r < 0)
        return r;
    entry->located = *located;
    entry->result = result;
    entry->why = *why;
    return 0;
}
