/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnostics/nettrace_blocks.h"

#include <inttypes.h>
#include <string.h>

#include "util/array.h"

#define TYPE_NAME_MAX 32
#define KEEP_FREE     4096 /* consumed bytes that are not worth moving the rest for */

static const char start_of_stream[] = "Nettrace\x14\0\0\0!FastSerialization.1";
#define START_SIZE (sizeof(start_of_stream) - 1)
#define MAGIC_SIZE 8

enum tag {
    TAG_NULL = 1,
    TAG_BEGIN = 5,
    TAG_END = 6,
};

int nettrace_new(struct nettrace **out, nettrace_taker *take, void *data)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    (*out)->take = take;
    (*out)->data = data;
    return 0;
}

void nettrace_free(struct nettrace **nettrace)
{
    struct nettrace *own = *nettrace;

    if (!own)
        return;
    for (size_t i = 0; i < own->kind_count; i++)
        free(own->kinds[i].provider);
    numbering_close(&own->threads);
    free(own->sequence);
    free(own->kinds);
    free(own->stacks);
    free(own->frames);
    free(own->bytes);
    free(own);
    *nettrace = NULL;
}

bool nettrace_ended(const struct nettrace *nettrace)
{
    return nettrace->ended;
}

struct nettrace_counts nettrace_counts(const struct nettrace *nettrace)
{
    return nettrace->counts;
}

uint64_t nettrace_offset(const struct nettrace *nettrace, const uint8_t *at)
{
    return nettrace->offset + (uint64_t)(at - nettrace->bytes);
}

int nettrace_malformed(struct nettrace *nettrace, const uint8_t *at, const char *what)
{
    return reason_set(&nettrace->why, -EBADMSG, "no nettrace stream: %s at byte %" PRIu64, what,
                      nettrace_offset(nettrace, at));
}

int nettrace_no_memory(struct nettrace *nettrace)
{
    return reason_set(&nettrace->why, -ENOMEM, "no memory");
}

static const struct object_type *find_type(const char *name, size_t length)
{
    for (const struct object_type *type = nettrace_types; type->name; type++) {
        if (strlen(type->name) == length && memcmp(type->name, name, length) == 0)
            return type;
    }
    return NULL;
}

/* The readers below return 1 for what is there, 0 as long as it is not, or a negative errno. */
static int take_size(struct nettrace *nettrace, struct cursor *from, uint32_t *out)
{
    const uint8_t *at = from->at;

    if (!cursor_u32(from, out))
        return 0;
    if (*out > NETTRACE_BLOCK_MAX)
        return nettrace_malformed(nettrace, at, "a block of an impossible size");
    return cursor_skip(from, (size_t)(-nettrace_offset(nettrace, from->at) & 3));
}

static int take_type(struct nettrace *nettrace, struct cursor *from, const struct object_type **out)
{
    static const uint8_t begin[] = {TAG_BEGIN, TAG_BEGIN, TAG_NULL};
    const uint8_t *at = from->at;
    uint32_t version, oldest_reader, length;
    uint8_t tags[sizeof(begin)], tag;
    struct cursor name;

    if (!cursor_take(from, tags, sizeof(tags)))
        return 0;
    if (memcmp(tags, begin, sizeof(begin)) != 0)
        return nettrace_malformed(nettrace, at, "no object");
    if (!cursor_u32(from, &version) || !cursor_u32(from, &oldest_reader) ||
        !cursor_u32(from, &length))
        return 0;
    if (length > TYPE_NAME_MAX)
        return nettrace_malformed(nettrace, at, "an object of an unknown type");
    if (!cursor_part(from, length, &name) || !cursor_u8(from, &tag))
        return 0;
    *out = find_type((const char *)name.at, length);
    if (!*out || tag != TAG_END)
        return nettrace_malformed(nettrace, at, "an object of an unknown type");
    if (oldest_reader > (*out == nettrace_types ? 5 : 2))
        return reason_set(&nettrace->why, -EPROTONOSUPPORT,
                          "the stream is of format %u, and only 4 and 5 are known", oldest_reader);
    if ((*out == nettrace_types) == nettrace->has_header)
        return nettrace_malformed(nettrace, at, "an object out of its order");
    return 1;
}

static int take_object(struct nettrace *nettrace, struct cursor *from)
{
    const struct object_type *type = NULL;
    struct cursor content;
    uint32_t size;
    uint8_t tag;
    int r = take_type(nettrace, from, &type);

    if (r <= 0)
        return r;
    size = type->size;
    r = size ? 1 : take_size(nettrace, from, &size);
    if (r <= 0)
        return r;
    if (!cursor_part(from, size, &content) || !cursor_u8(from, &tag))
        return 0;
    if (tag != TAG_END)
        return nettrace_malformed(nettrace, from->at - 1, "an object without an end");
    r = type->take(nettrace, content);
    return r < 0 ? r : 1;
}

/* From version 6 on a zero follows the magic, where the text's length stands before. */
static int take_start(struct nettrace *nettrace, struct cursor *from)
{
    size_t known = from->left < START_SIZE ? from->left : START_SIZE;

    if (known > MAGIC_SIZE && from->at[MAGIC_SIZE] == 0 &&
        memcmp(from->at, start_of_stream, MAGIC_SIZE) == 0)
        return reason_set(&nettrace->why, -EPROTONOSUPPORT,
                          "the stream is of format 6 or later, and only 4 and 5 are known");
    if (memcmp(from->at, start_of_stream, known) != 0)
        return nettrace_malformed(nettrace, from->at, "another start");
    if (!cursor_skip(from, START_SIZE))
        return 0;
    nettrace->started = true;
    return 1;
}

static int take_next(struct nettrace *nettrace, struct cursor *from)
{
    if (from->left == 0)
        return 0;
    if (nettrace->ended)
        return nettrace_malformed(nettrace, from->at, "more after the end");
    if (!nettrace->started)
        return take_start(nettrace, from);
    if (*from->at != TAG_NULL)
        return take_object(nettrace, from);
    nettrace->ended = true;
    return cursor_skip(from, 1);
}

static int keep(struct nettrace *nettrace, const void *bytes, size_t length)
{
    uint8_t *grown;

    if (nettrace->done > KEEP_FREE || (nettrace->done > 0 && nettrace->done == nettrace->length)) {
        nettrace->length -= nettrace->done;
        memmove(nettrace->bytes, nettrace->bytes + nettrace->done, nettrace->length);
        nettrace->offset += nettrace->done;
        nettrace->done = 0;
    }
    grown = array_grow(nettrace->bytes, nettrace->length + length, 1, &nettrace->room);
    if (!grown)
        return nettrace_no_memory(nettrace);
    nettrace->bytes = grown;
    memcpy(grown + nettrace->length, bytes, length);
    nettrace->length += length;
    return 0;
}

static int take_all(struct nettrace *nettrace)
{
    int r;

    do {
        struct cursor from = {.at = nettrace->bytes + nettrace->done,
                              .left = nettrace->length - nettrace->done};

        r = take_next(nettrace, &from);
        if (r > 0)
            nettrace->done = (size_t)(from.at - nettrace->bytes);
    } while (r > 0);
    return r;
}

int nettrace_push(struct nettrace *nettrace, const void *bytes, size_t length, struct reason *why)
{
    if (!nettrace->failed && length > 0) {
        nettrace->failed = keep(nettrace, bytes, length);
        if (!nettrace->failed)
            nettrace->failed = take_all(nettrace);
    }
    return nettrace->failed ? reason_set(why, nettrace->failed, "%s", nettrace->why.text) : 0;
}
