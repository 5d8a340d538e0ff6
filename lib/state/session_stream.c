/* SPDX-License-Identifier: Apache-2.0 */
#include "state/session_stream.h"

#include "util/bytes.h"

#define FD_MAX (1 << 20)

struct stream_layout {
    uint8_t serializer;   /* in the file */
    uint8_t writer;       /* in the file too; 0: not there */
    uint8_t write_failed; /* in the serializer, whose first member is the writer */
    uint8_t socket;       /* in the stream; behind a vtable, or else the first member */
};

static const struct stream_layout layout_3 = {.serializer = 24, .write_failed = 8};
static const struct stream_layout layout_5 = {
    .serializer = 56, .writer = 48, .write_failed = 12, .socket = 8};

static uint64_t word_at(const uint8_t *bytes, size_t offset)
{
    uint64_t value;

    memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

static bool is_vtable(const struct session_facts *facts, uint64_t address)
{
    return address % 8 == 0 && address >= facts->data_start && address < facts->data_end;
}

static int read_object(const struct reader *reader, const struct session_facts *facts,
                       uint64_t address, uint8_t *to, size_t size)
{
    int r = reader_follow(reader, address, to, size);

    return r < 0 || is_vtable(facts, word_at(to, 0)) ? r : -EBADMSG;
}

static int read_socket(const struct reader *reader, const struct session_facts *facts,
                       const struct stream_layout *layout, uint64_t stream, int *fd)
{
    uint8_t bytes[16];
    size_t size = layout->socket + sizeof(*fd);
    int r = layout->socket ? read_object(reader, facts, stream, bytes, size)
                           : reader_follow(reader, stream, bytes, size);

    if (r < 0)
        return r;
    memcpy(fd, bytes + layout->socket, sizeof(*fd));
    return *fd < -1 || *fd >= FD_MAX ? -EBADMSG : 0;
}

int session_stream_read(const struct reader *reader, const struct session_facts *facts,
                        uint64_t file, int *fd)
{
    const struct stream_layout *layout = facts->start == SESSION_START_3 ? &layout_3 : &layout_5;
    uint8_t file_bytes[64], serializer[16], writer[16];
    int r = read_object(reader, facts, file, file_bytes, sizeof(file_bytes));

    if (r == 0)
        r = reader_follow(reader, word_at(file_bytes, layout->serializer), serializer,
                          sizeof(serializer));
    if (r == 0 &&
        (serializer[layout->write_failed] > 1 ||
         (layout->writer && word_at(file_bytes, layout->writer) != word_at(serializer, 0))))
        r = -EBADMSG;
    if (r == 0)
        r = read_object(reader, facts, word_at(serializer, 0), writer, sizeof(writer));
    if (r == 0)
        r = read_socket(reader, facts, layout, word_at(writer, 8), fd);
    return r;
}
