/* SPDX-License-Identifier: Apache-2.0 */
#include "state/session_stream.h"

#include <string.h>

#define FD_MAX (1 << 20)

struct stream_layout {
    uint8_t serializer;   /* word of the file */
    uint8_t writer;       /* word of the file too; 0: not there */
    uint8_t write_failed; /* byte of the serializer, whose first word is the writer */
    uint8_t socket;       /* byte of the stream; behind a vtable, or else the first member */
};

static const struct stream_layout layout_3 = {.serializer = 3, .write_failed = 8};
static const struct stream_layout layout_5 = {
    .serializer = 7, .writer = 6, .write_failed = 12, .socket = 8};

static bool is_vtable(const struct session_facts *facts, uint64_t address)
{
    return address % 8 == 0 && address >= facts->data_start && address < facts->data_end;
}

/* Of at least one word. */
static int read_object(const struct reader *reader, const struct session_facts *facts,
                       uint64_t address, uint64_t *to, size_t size)
{
    int r = reader_follow(reader, address, to, size);

    return r < 0 || is_vtable(facts, to[0]) ? r : -EBADMSG;
}

static int read_socket(const struct reader *reader, const struct session_facts *facts,
                       const struct stream_layout *layout, uint64_t stream, int *fd)
{
    uint64_t words[2];
    size_t size = layout->socket + sizeof(*fd);
    int r = layout->socket ? read_object(reader, facts, stream, words, size)
                           : reader_follow(reader, stream, words, size);

    if (r < 0)
        return r;
    memcpy(fd, (const uint8_t *)words + layout->socket, sizeof(*fd));
    return *fd < -1 || *fd >= FD_MAX ? -EBADMSG : 0;
}

static bool is_serializer(const uint64_t words[static 2], const uint64_t file[static 8],
                          const struct stream_layout *layout)
{
    const uint8_t *bytes = (const uint8_t *)words;

    return bytes[layout->write_failed] <= 1 &&
           (!layout->writer || file[layout->writer] == words[0]);
}

int session_stream_read(const struct reader *reader, const struct session_facts *facts,
                        uint64_t file, int *fd)
{
    const struct stream_layout *layout = facts->start == SESSION_START_3 ? &layout_3 : &layout_5;
    uint64_t words[8], serializer[2], writer[2];
    int r = read_object(reader, facts, file, words, sizeof(words));

    if (r == 0)
        r = reader_follow(reader, words[layout->serializer], serializer, sizeof(serializer));
    if (r == 0 && !is_serializer(serializer, words, layout))
        r = -EBADMSG;
    if (r == 0)
        r = read_object(reader, facts, serializer[0], writer, sizeof(writer));
    return r < 0 ? r : read_socket(reader, facts, layout, writer[1], fd);
}
