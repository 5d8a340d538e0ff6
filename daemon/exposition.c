/* SPDX-License-Identifier: Apache-2.0 */
#include "exposition.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "util/text.h"

#define FIRST_ROOM  (64 * 1024)
#define NS_PER_S    1000000000ULL
#define SECONDS_MAX 32

static const struct {
    const char *names[EXPOSITION_FORMAT_MAX];
    const char *suffix; /* of a sample; in the text format also of the head */
} types[FAMILY_TYPE_MAX] = {
    [FAMILY_GAUGE] = {{"gauge", "gauge"}, ""},
    [FAMILY_COUNTER] = {{"counter", "counter"}, "_total"},
    [FAMILY_INFO] = {{"gauge", "info"}, "_info"},
    [FAMILY_HISTOGRAM] = {{"histogram", "histogram"}, ""},
};

static int grow(struct exposition *text, size_t wanted)
{
    size_t room = text->room ? text->room : FIRST_ROOM;
    char *data;

    if (wanted > EXPOSITION_SIZE_MAX)
        return -EFBIG;
    while (room <= wanted)
        room *= 2;
    if (room == text->room)
        return 0;
    data = realloc(text->data, room);
    if (!data)
        return -ENOMEM;
    text->data = data;
    text->room = room;
    return 0;
}

static void put_bytes(struct exposition *text, const char *bytes, size_t size)
{
    if (!text->error)
        text->error = grow(text, text->size + size);
    if (text->error)
        return;
    memcpy(text->data + text->size, bytes, size);
    text->size += size;
}

static void put(struct exposition *text, const char *string)
{
    put_bytes(text, string, strlen(string));
}

static void put_escaped(struct exposition *text, const char *value)
{
    while (*value) {
        size_t plain = strcspn(value, "\\\"\n");

        put_bytes(text, value, plain);
        value += plain;
        if (!*value)
            break;
        put_bytes(text, (char[]){'\\', *value == '\n' ? 'n' : *value}, 2);
        value++;
    }
}

static void put_head(struct exposition *text, const char *what, const char *rest)
{
    const char *suffix = types[text->family->type].suffix;

    put(text, what);
    put(text, text->family->name);
    put(text, text->format == EXPOSITION_TEXT ? suffix : "");
    put(text, " ");
    put(text, rest);
    put(text, "\n");
}

void exposition_family(struct exposition *text, const struct family *family)
{
    text->family = family;
    put_head(text, "# HELP ", family->help);
    put_head(text, "# TYPE ", types[family->type].names[text->format]);
    if (text->format == EXPOSITION_OPENMETRICS && family->unit)
        put_head(text, "# UNIT ", family->unit);
}

void exposition_sample_of(struct exposition *text, const char *part)
{
    text->labels = 0;
    put(text, text->family->name);
    put(text, part);
}

void exposition_sample(struct exposition *text)
{
    exposition_sample_of(text, types[text->family->type].suffix);
}

void exposition_label(struct exposition *text, const char *name, const char *value)
{
    char printable[EXPOSITION_LABEL_MAX];

    text_copy(printable, sizeof(printable), value);
    text_printable(printable);
    put(text, text->labels++ ? "," : "{");
    put(text, name);
    put(text, "=\"");
    put_escaped(text, printable);
    put(text, "\"");
}

static void end_sample(struct exposition *text, const char *value)
{
    put(text, text->labels ? "} " : " ");
    put(text, value);
    put(text, "\n");
}

void exposition_number(struct exposition *text, uint64_t value)
{
    char number[24];

    snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
    end_sample(text, number);
}

static void format_seconds(uint64_t ns, char text[static SECONDS_MAX])
{
    snprintf(text, SECONDS_MAX, "%llu.%09llu", (unsigned long long)(ns / NS_PER_S),
             (unsigned long long)(ns % NS_PER_S));
}

void exposition_seconds(struct exposition *text, uint64_t ns)
{
    char number[SECONDS_MAX];

    format_seconds(ns, number);
    end_sample(text, number);
}

void exposition_bound(struct exposition *text, uint64_t ns)
{
    char number[SECONDS_MAX] = "+Inf";

    if (ns < UINT64_MAX)
        format_seconds(ns, number);
    exposition_label(text, "le", number);
}

int exposition_end(struct exposition *text, char **out, size_t *size)
{
    _free_ char *data = NULL;

    put(text, text->format == EXPOSITION_OPENMETRICS ? "# EOF\n" : "");
    data = TAKE_PTR(text->data);
    if (text->error)
        return text->error;
    data[text->size] = '\0';
    *out = TAKE_PTR(data);
    *size = text->size;
    return 0;
}

const char *exposition_content_type(enum exposition_format format)
{
    static const char *const content_types[EXPOSITION_FORMAT_MAX] = {
        [EXPOSITION_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
        [EXPOSITION_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
    };

    return content_types[format];
}

static const char blanks[] = " \t";

/* "0.75" is 750, and "1" is 1000, as is what is no number. */
static unsigned thousandths(const char *at, const char *end)
{
    unsigned value = 0, weight = 1000;

    if (at == end || *at != '0')
        return 1000;
    for (at++; at < end && (*at == '.' || (*at >= '0' && *at <= '9')); at++) {
        if (*at != '.')
            value += (unsigned)(*at - '0') * (weight /= 10);
    }
    return value;
}

/* The q among the parameters in [@at, @end). */
static unsigned quality(const char *at, const char *end)
{
    while ((at = memchr(at, ';', (size_t)(end - at)))) {
        at++;
        at += strspn(at, blanks);
        if (end - at >= 2 && strncasecmp(at, "q=", 2) == 0)
            return thousandths(at + 2, end);
    }
    return 1000;
}

enum exposition_format exposition_format_of_accept(const char *accept)
{
    static const struct {
        const char *range;
        enum exposition_format format;
    } ranges[] = {
        {"application/openmetrics-text", EXPOSITION_OPENMETRICS},
        {"text/plain", EXPOSITION_TEXT},
        {"text/*", EXPOSITION_TEXT},
        {"*/*", EXPOSITION_TEXT},
    };
    unsigned best[EXPOSITION_FORMAT_MAX] = {0};

    for (const char *at = accept ? accept : "", *end; *at; at = *end ? end + 1 : end) {
        size_t length;
        unsigned q;

        at += strspn(at, blanks);
        end = strchrnul(at, ',');
        length = strcspn(at, "; \t,");
        q = quality(at, end);
        for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
            unsigned *most = &best[ranges[i].format];

            if (length == strlen(ranges[i].range) && !strncasecmp(at, ranges[i].range, length))
                *most = q > *most ? q : *most;
        }
    }
    return best[EXPOSITION_OPENMETRICS] && best[EXPOSITION_OPENMETRICS] >= best[EXPOSITION_TEXT]
               ? EXPOSITION_OPENMETRICS
               : EXPOSITION_TEXT;
}
