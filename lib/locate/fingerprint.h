/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/image.h"

/*
 * Samples of an image's code by which it is known again: sites found in one file are used for
 * another only where all samples are the same there. A build id alone can be copied by anybody.
 */

#define FINGERPRINT_SAMPLES 16
#define FINGERPRINT_BYTES   16

struct sample {
    uint64_t offset; /* in the file */
    uint8_t bytes[FINGERPRINT_BYTES];
};

struct fingerprint {
    struct sample samples[FINGERPRINT_SAMPLES];
    size_t count;
};

/* Takes samples evenly spread over the executable segments. */
void fingerprint_take(const struct image *image, struct fingerprint *out);

/* Does the open file @fd have these bytes at these places? No parsing: it reads and compares. */
bool fingerprint_matches(const struct fingerprint *fingerprint, int fd);
