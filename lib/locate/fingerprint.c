/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/fingerprint.h"

#include <string.h>

static void take(const struct image *image, uint64_t offset, struct fingerprint *out)
{
    const void *bytes = image_bytes(image, offset, FINGERPRINT_BYTES);
    struct sample *sample = &out->samples[out->count];

    if (!bytes || out->count == FINGERPRINT_SAMPLES)
        return;
    sample->offset = offset;
    memcpy(sample->bytes, bytes, FINGERPRINT_BYTES);
    out->count++;
}

void fingerprint_take(const struct image *image, struct fingerprint *out)
{
    size_t executable = 0;

    *out = (struct fingerprint){0};
    for (size_t i = 0; i < image->segment_count; i++)
        executable += image->segments[i].flags & SEGMENT_EXECUTABLE ? 1 : 0;
    for (size_t i = 0; executable && i < image->segment_count; i++) {
        const struct segment *segment = &image->segments[i];
        size_t each = FINGERPRINT_SAMPLES / executable;
        uint64_t step = segment->file_size / (each + 1);

        if (!(segment->flags & SEGMENT_EXECUTABLE))
            continue;
        for (size_t n = 1; n <= each; n++)
            take(image, segment->offset + n * step, out);
    }
}

bool fingerprint_matches(const struct fingerprint *fingerprint, int fd)
{
    for (size_t i = 0; i < fingerprint->count; i++) {
        const struct sample *sample = &fingerprint->samples[i];
        uint8_t bytes[FINGERPRINT_BYTES];

        if (pread(fd, bytes, sizeof(bytes), (off_t)sample->offset) != sizeof(bytes) ||
            memcmp(bytes, sample->bytes, sizeof(bytes)) != 0)
            return false;
    }
    return fingerprint->count > 0;
}
