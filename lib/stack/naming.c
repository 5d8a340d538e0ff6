/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/naming.h"

#include <inttypes.h>

#include "metadata/metadata.h"
#include "stack/native.h"
#include "stack/ready_to_run.h"
#include "util/confine.h"
#include "util/text.h"

#define PAGE 4096

static void name_module(struct frame *frame, const char *module, uint64_t address)
{
    snprintf(frame->text, sizeof(frame->text), "%s+0x%" PRIx64, module, address);
    text_printable(frame->text);
    frame->source = FRAME_MODULE;
}

/* A managed image whose places are being named. */
struct managed {
    struct pe_image image;
    struct metadata metadata;
    struct ready_to_run ready;
    char name[NAMING_FILE_MAX];
};

/* The page may hold the end of what comes before: in a bundle images begin anywhere in a page. */
static int find_image(struct bytes file, uint64_t page, uint64_t offset, struct pe_image *out)
{
    for (uint64_t at = page; at < page + PAGE && at < offset; at++) {
        struct bytes image = bytes_from(file, at);
        struct reason ignored;
        uint32_t rva;

        if (bytes_u16(image, 0) == 0x5a4d && pe_open(out, image, &ignored) == 0 &&
            pe_code_rva(out, offset - at, &rva))
            return 0;
    }
    return -ENOENT;
}

static void open_managed(struct managed *managed, const struct naming *question)
{
    struct reason ignored;

    text_copy(managed->name, sizeof(managed->name), question->file);
    if (metadata_open(&managed->metadata, managed->image.metadata, &ignored) < 0)
        return;
    if (metadata_module_name(&managed->metadata, managed->name, sizeof(managed->name)) < 0)
        text_copy(managed->name, sizeof(managed->name), question->file);
    (void)!ready_to_run_open(&managed->ready, &managed->image,
                             managed->metadata.rows[METADATA_METHOD_DEF], &ignored);
}

static void name_method(const struct managed *managed, uint32_t rva, struct frame *frame)
{
    struct ready_method method;

    if (managed->ready.owners && ready_to_run_method(&managed->ready, rva, &method) &&
        method.module == 0 &&
        metadata_method_name(&managed->metadata, METADATA_TOKEN(METADATA_METHOD_DEF, method.row),
                             frame->text, sizeof(frame->text)) == 0)
        frame->source = FRAME_READY;
    else
        name_module(frame, managed->name, rva);
}

/* Places of one managed image at a time: all that begin where the first unnamed one does. */
static void name_image(struct bytes file, const struct naming *question, size_t first,
                       struct frame *frames)
{
    const struct naming_place *place = &question->places[first];
    struct managed managed = {0};

    if (find_image(file, place->image, place->offset, &managed.image) < 0)
        return;
    open_managed(&managed, question);
    for (size_t i = first; i < question->count; i++) {
        uint64_t start = (uint64_t)(managed.image.file.data - file.data);
        uint32_t rva;

        if (question->places[i].image == place->image && frames[i].source == FRAME_UNKNOWN &&
            question->places[i].offset >= start &&
            pe_code_rva(&managed.image, question->places[i].offset - start, &rva))
            name_method(&managed, rva, &frames[i]);
    }
    ready_to_run_close(&managed.ready);
}

static void name_managed(struct bytes file, const struct naming *question, struct frame *frames)
{
    for (size_t i = 0; i < question->count; i++)
        if (frames[i].source == FRAME_UNKNOWN && question->places[i].image != NAMING_NATIVE)
            name_image(file, question, i, frames);
}

static bool code_at(const struct image *image, uint64_t offset, uint64_t *va)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct segment *segment = &image->segments[i];

        if (!(segment->flags & SEGMENT_EXECUTABLE) || offset < segment->offset ||
            offset - segment->offset >= segment->file_size)
            continue;
        *va = segment->va + (offset - segment->offset);
        return true;
    }
    return false;
}

static void name_native(struct bytes file, const struct naming *question, struct frame *frames)
{
    struct native_place places[NAMING_PLACES_MAX];
    struct reason ignored;
    struct image image;
    size_t count = 0;
    uint64_t va;

    if (image_open(&image, file.data, file.size, &ignored) < 0)
        return;
    for (size_t i = 0; i < question->count; i++) {
        if (!code_at(&image, question->places[i].offset, &va))
            continue;
        name_module(&frames[i], question->file, va);
        places[count++] = (struct native_place){va, &frames[i]};
    }
    if (count)
        native_names(&image, question->sites, places, count);
    image_close(&image);
}

void naming_answer(struct bytes file, const struct naming *question, struct frame *frames)
{
    for (size_t i = 0; i < question->count; i++)
        frames[i] = (struct frame){0};
    name_native(file, question, frames);
    name_managed(file, question, frames);
}

static int answer_confined(const struct mapped_file *maps, const void *data, void *reply,
                           struct reason *why)
{
    naming_answer((struct bytes){maps[0].data, maps[0].size}, data, reply);
    return 0;
}

int naming_ask(int fd, const struct naming *question, struct frame *frames, struct reason *why)
{
    return frames_parse(fd, answer_confined, question, frames, question->count, why);
}
