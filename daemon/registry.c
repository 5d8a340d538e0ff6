/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "util/clock.h"
#include "util/text.h"

struct known_image {
    uint64_t number;
    dev_t device;
    ino_t inode;
    struct timespec changed;
    bool overlay;
    char path[256];
    struct identity identity;
    struct event_table events;
    bool marks_need_event_log;
    enum source source;
    int fd; /* to attach what is switched on later; negative: it could not be kept */
    struct family {
        struct plan plan;
        struct image_probes *probes;
        uint64_t since; /* CLOCK_MONOTONIC ns: attached */
        bool leaving;   /* some of its probes are detached already */
        struct reason trouble;
    } families[PROBES_FAMILY_MAX];
    unsigned processes;
    uint64_t idle_since; /* CLOCK_MONOTONIC ns; 0: in use, or never used yet */
    bool leaving;        /* and so are all of its probes */
    struct known_image *next;
};

struct registry {
    struct known_image *images;
    bool on[PROBES_FAMILY_MAX];
    uint64_t last_number;
};

int registry_new(struct registry **out)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    (*out)->on[PROBES_GC] = true;
    return 0;
}

static void image_free(struct known_image *image)
{
    for (size_t i = 0; i < PROBES_FAMILY_MAX; i++)
        probes_detach(&image->families[i].probes);
    if (image->fd >= 0)
        close(image->fd);
    free(image);
}

void registry_free(struct registry **registry)
{
    if (!*registry)
        return;
    while ((*registry)->images) {
        struct known_image *image = (*registry)->images;

        (*registry)->images = image->next;
        image_free(image);
    }
    free(*registry);
    *registry = NULL;
}

static bool is_on_overlay(int fd)
{
    struct statfs filesystem;

    return fstatfs(fd, &filesystem) == 0 && filesystem.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* Containers of one image see one file of the lower folder, each on a device of its own. Probing it
 * once is enough, for probes are the inode's. */
static bool is_file(const struct known_image *image, const struct stat *status, bool overlay,
                    const struct build_id *id)
{
    return image->inode == status->st_ino && image->changed.tv_sec == status->st_ctim.tv_sec &&
           image->changed.tv_nsec == status->st_ctim.tv_nsec &&
           (image->device == status->st_dev ||
            (overlay && image->overlay && id->length &&
             memcmp(&image->identity.build_id, id, sizeof(*id)) == 0));
}

static struct known_image *by_file(const struct registry *registry, const struct stat *status,
                                   bool overlay, const struct build_id *id)
{
    struct known_image *image = registry->images;

    while (image && !is_file(image, status, overlay, id))
        image = image->next;
    return image;
}

static struct known_image *by_number(const struct registry *registry, uint64_t number)
{
    struct known_image *image = registry->images;

    while (image && image->number != number)
        image = image->next;
    return image;
}

static struct known_image *add(struct registry *registry, int fd, const struct stat *status,
                               bool overlay, const char *path, const struct located *located)
{
    struct known_image *image = calloc(1, sizeof(*image));

    if (!image)
        return NULL;
    *image = (struct known_image){
        .number = ++registry->last_number,
        .device = status->st_dev,
        .inode = status->st_ino,
        .changed = status->st_ctim,
        .overlay = overlay,
        .identity = located->inspection.identity,
        .events = located->inspection.findings.events,
        .marks_need_event_log = located->inspection.findings.marks.need_event_log,
        .source = located->inspection.findings.sites[SITE_GC_STATE_LEVELS].source,
        .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
        .next = registry->images,
    };
    for (enum probe_family i = 0; i < PROBES_FAMILY_MAX; i++)
        plan_make(&located->inspection.findings, i, &image->families[i].plan,
                  &image->families[i].trouble);
    text_copy(image->path, sizeof(image->path), path);
    registry->images = image;
    return image;
}

static void attach(struct known_image *image, int fd, enum probe_family which,
                   struct probes *probes)
{
    struct family *family = &image->families[which];

    if (family->leaving)
        probes_detach(&family->probes);
    family->leaving = false;
    if (family->probes || !family->plan.count)
        return;
    if (fd < 0)
        reason_set(&family->trouble, -EBADF, "its file could not be kept open");
    else if (probes_attach(probes, fd, &family->plan, &family->probes, &family->trouble) == 0) {
        family->trouble.text[0] = 0;
        family->since = clock_monotonic_ns();
    }
}

uint64_t registry_add(struct registry *registry, int fd, const char *path,
                      const struct located *located, struct probes *probes)
{
    bool overlay = is_on_overlay(fd);
    struct known_image *image;
    struct stat status;

    if (fstat(fd, &status) < 0)
        return 0;
    image = by_file(registry, &status, overlay, &located->inspection.identity.build_id);
    if (!image)
        image = add(registry, fd, &status, overlay, path, located);
    if (!image)
        return 0;
    image->leaving = false;
    for (enum probe_family i = 0; probes && i < PROBES_FAMILY_MAX; i++)
        if (registry->on[i])
            attach(image, fd, i, probes);
    return image->number;
}

void registry_set_family(struct registry *registry, struct probes *probes, enum probe_family family,
                         bool on)
{
    registry->on[family] = on;
    for (struct known_image *image = registry->images; image && on && probes; image = image->next)
        if (!image->leaving)
            attach(image, image->fd, family, probes);
}

bool registry_family_is_on(const struct registry *registry, enum probe_family family)
{
    return registry->on[family];
}

uint64_t registry_probed_since(const struct registry *registry, uint64_t number,
                               enum probe_family family, struct reason *why)
{
    const struct known_image *image = by_number(registry, number);

    if (!image)
        return 0;
    if (!image->families[family].probes && why)
        *why = image->families[family].trouble;
    return image->families[family].probes ? image->families[family].since : 0;
}

bool registry_is_by_marks(const struct registry *registry, uint64_t number)
{
    const struct known_image *image = by_number(registry, number);

    return image && plan_is_by_marks(&image->families[PROBES_CONTENTION].plan);
}

bool registry_marks_are_passed(const struct registry *registry, uint64_t number, bool event_log)
{
    const struct known_image *image = by_number(registry, number);

    return image && (!image->marks_need_event_log || event_log);
}

const struct event_table *registry_events(const struct registry *registry, uint64_t number)
{
    const struct known_image *image = by_number(registry, number);

    return image ? &image->events : NULL;
}

void registry_hold(struct registry *registry, uint64_t number)
{
    struct known_image *image = by_number(registry, number);

    if (!image)
        return;
    image->processes++;
    image->idle_since = 0;
    image->leaving = false;
}

void registry_release(struct registry *registry, uint64_t number)
{
    struct known_image *image = by_number(registry, number);

    if (image && image->processes && --image->processes == 0)
        image->idle_since = clock_monotonic_ns();
}

void registry_sweep(struct registry *registry, uint64_t now, uint64_t idle_ns)
{
    for (struct known_image *image = registry->images; image; image = image->next)
        if (image->idle_since && now - image->idle_since > idle_ns)
            image->leaving = true;
}

/* True: it has something to detach, of which one link has gone. */
static bool detach_one(const struct registry *registry, struct known_image *image)
{
    for (size_t i = 0; i < PROBES_FAMILY_MAX; i++) {
        struct family *family = &image->families[i];

        if (!family->probes || (registry->on[i] && !image->leaving))
            continue;
        family->leaving = probes_detach_next(&family->probes);
        return true;
    }
    return false;
}

bool registry_detach_next(struct registry *registry)
{
    struct known_image **at = &registry->images;

    while (*at) {
        struct known_image *image = *at;

        if (detach_one(registry, image))
            return true;
        if (image->leaving) {
            *at = image->next;
            image_free(image);
        } else {
            at = &image->next;
        }
    }
    return false;
}

bool registry_is_leaving(const struct registry *registry)
{
    for (const struct known_image *image = registry->images; image; image = image->next) {
        if (image->leaving)
            return true;
        for (size_t i = 0; i < PROBES_FAMILY_MAX; i++)
            if (image->families[i].probes && !registry->on[i])
                return true;
    }
    return false;
}

static void describe(const struct known_image *image, struct health_image *out)
{
    *out = (struct health_image){
        .number = image->number,
        .source = image->source,
        .processes = image->processes,
        .trouble = image->families[PROBES_GC].trouble,
    };
    for (size_t i = 0; i < PROBES_FAMILY_MAX; i++) {
        out->families[i].probes = (unsigned)probes_attached(image->families[i].probes);
        out->families[i].trouble = image->families[i].trouble;
        out->probes += out->families[i].probes;
    }
    text_copy(out->path, sizeof(out->path), image->path);
    build_id_format(&image->identity.build_id, out->build_id);
    text_copy(out->version, sizeof(out->version), image->identity.version);
}

void registry_health(const struct registry *registry, struct health *out)
{
    out->image_count = out->more_images = 0;
    memcpy(out->family_is_on, registry->on, sizeof(out->family_is_on));
    for (const struct known_image *image = registry->images; image; image = image->next) {
        if (out->image_count == HEALTH_IMAGES_MAX)
            out->more_images++;
        else
            describe(image, &out->images[out->image_count++]);
    }
}
