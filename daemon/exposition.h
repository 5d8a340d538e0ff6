/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * The text that a scrape reads, in two formats which differ in their heads and in the end. It knows
 * nothing of what is measured. An error stays and is asked for once, at the end.
 *
 *   exposition_family(&text, &family);
 *   exposition_sample(&text);
 *   exposition_label(&text, "cause", "client");
 *   exposition_number(&text, 17);
 */

#define EXPOSITION_SIZE_MAX  (16 * 1024 * 1024)
#define EXPOSITION_LABEL_MAX 128 /* of a value, with the NUL; longer ones are cut */

enum exposition_format {
    EXPOSITION_TEXT,        /* Prometheus text format 0.0.4 */
    EXPOSITION_OPENMETRICS, /* OpenMetrics 1.0 */
    EXPOSITION_FORMAT_MAX,
};

enum family_type {
    FAMILY_GAUGE,
    FAMILY_COUNTER,   /* samples are NAME_total */
    FAMILY_INFO,      /* samples are NAME_info */
    FAMILY_HISTOGRAM, /* samples are NAME_bucket, whose last label is le, NAME_sum, NAME_count */
    FAMILY_TYPE_MAX,
};

struct family {
    const char *name; /* without the suffix; ends in the unit */
    enum family_type type;
    const char *unit; /* "seconds", "bytes"; NULL: none */
    const char *help; /* without backslash, quote and newline */
};

struct exposition {
    enum exposition_format format; /* the only one to be set; the rest begins as zero */
    const struct family *family;
    unsigned labels; /* of the sample that is being written */
    char *data;
    size_t size;
    size_t room;
    int error;
};

/* Begins a family, which stays the caller's and is there until the next. */
void exposition_family(struct exposition *text, const struct family *family);

/* Begins a sample: its labels follow, and one of the numbers. */
void exposition_sample(struct exposition *text);

/* The same of a histogram: "_bucket", "_sum" or "_count". */
void exposition_sample_of(struct exposition *text, const char *part);

/* @value may be any bytes: it is made printable UTF-8 and escaped. */
void exposition_label(struct exposition *text, const char *name, const char *value);

/* The bound of a bucket, le="0.001048576"; UINT64_MAX: "+Inf". */
void exposition_bound(struct exposition *text, uint64_t ns);

void exposition_number(struct exposition *text, uint64_t value);
void exposition_seconds(struct exposition *text, uint64_t ns); /* exact, and in no locale */

/*
 * Hands out the whole, NUL-terminated and the caller's to free; @size is without the NUL. -EFBIG
 * for more than EXPOSITION_SIZE_MAX, -ENOMEM; the outputs are untouched then. Nothing is left
 * behind.
 */
_must_check_ int exposition_end(struct exposition *text, char **out, size_t *size);

/* "text/plain; version=0.0.4; charset=utf-8" */
const char *exposition_content_type(enum exposition_format format);

/* What an Accept header (NULL: none) prefers; OpenMetrics only if it is named. */
enum exposition_format exposition_format_of_accept(const char *accept);
