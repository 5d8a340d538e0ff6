/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/inspect.h"

#include <elf.h>
#include <string.h>
#include <zlib.h>

#include "locate/structure.h"
#include "locate/symbols.h"
#include "util/confine.h"

struct request {
    source_set sources;
    bool has_debug_file;
};

static int parse_identity(const struct mapped_file *maps, const void *data, void *reply,
                          struct reason *why)
{
    struct image image;
    int r = image_open(&image, maps[0].data, maps[0].size, why);

    if (r == 0)
        identity_read(&image, reply);
    return r;
}

static bool belongs_to(const struct image *debug, const struct identity *identity)
{
    struct build_id id = note_build_id(debug);

    if (id.length && id.length == identity->build_id.length)
        return memcmp(id.bytes, identity->build_id.bytes, id.length) == 0;
    return identity->debuglink[0] &&
           crc32_z(0, debug->data, debug->size) == identity->debuglink_crc;
}

/* Debug files keep the program headers of their image but not the bytes: symbols only. */
static void find_in_debug_file(const struct mapped_file *map, const struct image *image,
                               struct inspection *out)
{
    struct reason miss = {""};
    struct image debug;

    if (image_open_debug_file(&debug, map->data, map->size, &miss) < 0 ||
        !belongs_to(&debug, &out->identity))
        return;
    (void)symbols_find(&debug, image, SOURCE_DEBUG_FILE, &out->findings, &miss);
}

static uint64_t offset_of(const struct image *image, uint64_t address)
{
    const struct segment *segment = image_segment(image, address);

    return segment ? address - segment->va + segment->offset : 0;
}

static void add_exit_offsets(const struct image *image, struct function_exits *exits)
{
    for (size_t i = 0; i < exits->count; i++)
        exits->items[i].offset = offset_of(image, exits->items[i].address);
}

/* Where in the file code is, which is how a probe is placed. */
static void add_offsets(const struct image *image, struct findings *findings)
{
    for (enum site site = 0; site < SITE_MAX; site++) {
        struct finding *finding = &findings->sites[site];

        if (site_is_function(site) && finding_is_found(finding))
            finding->offset = offset_of(image, finding->address);
    }
    add_exit_offsets(image, &findings->lock_exits);
    add_exit_offsets(image, &findings->wait_exits);
}

/* What only the code itself tells. */
static void add_shapes(const struct findings *structure, struct findings *out)
{
    out->layout = structure->layout;
    out->lock_exits = structure->lock_exits;
    out->wait_exits = structure->wait_exits;
    out->lock = structure->lock;
    out->events = structure->events;
    out->marks = structure->marks;
}

/* Exits are those of the function that structure found: symbols that name another one make them
 * doubtful. */
static void check_exits(const struct findings *structure, struct findings *findings,
                        enum site enter, enum site exit, struct function_exits *exits)
{
    const struct finding *named = &findings->sites[enter], *shaped = &structure->sites[enter];

    if (finding_is_found(shaped) && finding_is_found(named) && shaped->address != named->address) {
        findings->sites[exit] = (struct finding){0};
        findings_miss(findings, exit, "structure finds the function at 0x%llx, and symbols another",
                      (unsigned long long)shaped->address);
    }
    if (!finding_is_found(&findings->sites[exit]))
        *exits = (struct function_exits){.count = 0};
}

/* What belongs to a site is not known where the site is not. */
static void check_shapes(const struct findings *structure, struct findings *findings)
{
    const struct finding *enter = &findings->sites[SITE_LOCK_CONTENTION_ENTER];

    check_exits(structure, findings, SITE_LOCK_CONTENTION_ENTER, SITE_LOCK_CONTENTION_EXIT,
                &findings->lock_exits);
    check_exits(structure, findings, SITE_WAIT_ENTER, SITE_WAIT_EXIT, &findings->wait_exits);
    if (!finding_is_found(enter) || !finding_is_found(&findings->sites[SITE_LOCK_CONTENTION_EXIT]))
        findings->lock = (struct lock_layout){0};
}

static int parse_image(const struct mapped_file *maps, const void *data, void *reply,
                       struct reason *why)
{
    const struct request *request = data;
    struct inspection *out = reply;
    struct reason miss = {"the sources asked do not have it"};
    struct findings structure = {0};
    struct image image;
    int r = image_open(&image, maps[0].data, maps[0].size, why);

    if (r < 0)
        return r;
    identity_read(&image, &out->identity);
    fingerprint_take(&image, &out->fingerprint);
    if (sources_have(request->sources, SOURCE_SYMTAB))
        (void)symbols_find(&image, &image, SOURCE_SYMTAB, &out->findings, &miss);
    if (sources_have(request->sources, SOURCE_DEBUG_FILE) && request->has_debug_file)
        find_in_debug_file(&maps[1], &image, out);
    if (structure_find(&image, &out->findings, &structure, &miss) == 0)
        add_shapes(&structure, &out->findings);
    out->findings.layout.has_contract = out->identity.has_contract;
    for (enum site site = 0; site < SITE_MAX; site++) {
        if (sources_have(request->sources, SOURCE_STRUCTURE) &&
            !finding_is_found(&out->findings.sites[site]))
            out->findings.sites[site] = structure.sites[site];
        findings_miss(&out->findings, site, "%s", miss.text);
    }
    check_shapes(&structure, &out->findings);
    add_offsets(&image, &out->findings);
    image_close(&image);
    return 0;
}

static int check_text(char *text, size_t size)
{
    if (!memchr(text, 0, size))
        return -EBADMSG;
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            *text = '?';
    return 0;
}

static int check_identity(struct identity *identity)
{
    if (identity->kind >= IMAGE_KIND_MAX || identity->build_id.length > BUILD_ID_MAX ||
        identity->writable_count > IDENTITY_WRITABLE_MAX)
        return -EBADMSG;
    if (check_text(identity->version, sizeof(identity->version)) < 0)
        return -EBADMSG;
    return check_text(identity->debuglink, sizeof(identity->debuglink));
}

static int check_finding(struct finding *finding)
{
    if (finding->source >= SOURCE_MAX || finding->confidence >= CONFIDENCE_MAX ||
        finding->address > ADDRESS_MAX ||
        finding_is_found(finding) != (finding->confidence != CONFIDENCE_NONE))
        return -EBADMSG;
    return check_text(finding->evidence, sizeof(finding->evidence));
}

static int check_inspection(struct inspection *inspection)
{
    int r = check_identity(&inspection->identity);

    if (!findings_are_credible(&inspection->findings))
        r = -EBADMSG;
    if (inspection->fingerprint.count > FINGERPRINT_SAMPLES ||
        inspection->findings.layout.session_start_time >= 256)
        r = -EBADMSG;
    for (enum site site = 0; site < SITE_MAX && r == 0; site++)
        r = check_finding(&inspection->findings.sites[site]);
    return r;
}

int inspect_identity(int fd, struct identity *out, struct reason *why)
{
    struct confined_files files = {.fds = {fd}, .count = 1};
    struct identity identity = {0};
    int r = confine_parse(&files, parse_identity, NULL, &identity, sizeof(identity), why);

    if (r < 0)
        return r;
    if (check_identity(&identity) < 0)
        return reason_set(why, -EBADMSG, "its parser gave an impossible answer");
    *out = identity;
    return 0;
}

int inspect_image(int fd, int debug_fd, source_set sources, struct inspection *out,
                  struct reason *why)
{
    struct confined_files files = {.fds = {fd, debug_fd}, .count = debug_fd >= 0 ? 2 : 1};
    struct request request = {sources, debug_fd >= 0};
    struct inspection inspection = {0};
    int r = confine_parse(&files, parse_image, &request, &inspection, sizeof(inspection), why);

    if (r < 0)
        return r;
    if (check_inspection(&inspection) < 0)
        return reason_set(why, -EBADMSG, "its parser gave an impossible answer");
    *out = inspection;
    return 0;
}
