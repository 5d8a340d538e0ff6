/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/mangled.h"

#include <ctype.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/text.h"

#define DEPTH_MAX 16

struct parser {
    const char *at;
    char *out; /* NULL: what is read is skipped */
    size_t size;
    const char *last; /* the name that a constructor repeats */
    size_t last_length;
};

static const struct {
    char code[3];
    const char *name;
} operators[] = {
    {"nw", "operator new"}, {"na", "operator new[]"},    {"dl", "operator delete"},
    {"pl", "operator+"},    {"da", "operator delete[]"}, {"mi", "operator-"},
    {"ml", "operator*"},    {"dv", "operator/"},         {"eq", "operator=="},
    {"ne", "operator!="},   {"lt", "operator<"},         {"gt", "operator>"},
    {"le", "operator<="},   {"ge", "operator>="},        {"aS", "operator="},
    {"pL", "operator+="},   {"mI", "operator-="},        {"ls", "operator<<"},
    {"rs", "operator>>"},   {"pp", "operator++"},        {"mm", "operator--"},
    {"cl", "operator()"},   {"ix", "operator[]"},        {"pt", "operator->"},
    {"nt", "operator!"},    {"de", "operator*"},         {"ad", "operator&"},
};

static bool skip_type(struct parser *parser, unsigned depth);

static void put(struct parser *parser, const char *text, size_t length)
{
    size_t used = parser->out ? strlen(parser->out) : 0;

    if (!parser->out || used + 1 >= parser->size)
        return;
    if (length > parser->size - used - 1)
        length = parser->size - used - 1;
    memcpy(parser->out + used, text, length);
    parser->out[used + length] = 0;
}

static void put_text(struct parser *parser, const char *text)
{
    put(parser, text, strlen(text));
}

static bool accept(struct parser *parser, const char *text)
{
    if (!text_starts_with(parser->at, text))
        return false;
    parser->at += strlen(text);
    return true;
}

static bool source_name(struct parser *parser)
{
    size_t length = 0;

    while (isdigit((unsigned char)*parser->at) && length < 4096)
        length = length * 10 + (size_t)(*parser->at++ - '0');
    if (length == 0 || strnlen(parser->at, length) < length)
        return false;
    parser->last = parser->at;
    parser->last_length = length;
    if (length >= 11 && text_starts_with(parser->at, "_GLOBAL__N_"))
        put_text(parser, "(anonymous)");
    else
        put(parser, parser->at, length);
    parser->at += length;
    return true;
}

/* Up to the "E" behind a list of types and constants. */
static bool skip_arguments(struct parser *parser, unsigned depth)
{
    if (depth == DEPTH_MAX)
        return false;
    while (*parser->at && !accept(parser, "E")) {
        if (accept(parser, "J")) {
            if (!skip_arguments(parser, depth + 1))
                return false;
        } else if (accept(parser, "L")) {
            if (*parser->at == '_' || !skip_type(parser, depth + 1))
                return false;
            while (isalnum((unsigned char)*parser->at) && *parser->at != 'E')
                parser->at++;
            if (!accept(parser, "E"))
                return false;
        } else if (!skip_type(parser, depth + 1)) {
            return false;
        }
    }
    return parser->at[-1] == 'E';
}

static bool skip_substitution(struct parser *parser)
{
    if (accept(parser, "t"))
        return source_name(parser);
    if (*parser->at && strchr("absiod", *parser->at)) {
        parser->at++;
        return true;
    }
    while (isdigit((unsigned char)*parser->at) || isupper((unsigned char)*parser->at))
        parser->at++;
    return accept(parser, "_");
}

static bool special_name(struct parser *parser)
{
    bool destructor = *parser->at == 'D';

    if (!parser->last || !isdigit((unsigned char)parser->at[1]))
        return false;
    parser->at += 2;
    if (destructor)
        put_text(parser, "~");
    put(parser, parser->last, parser->last_length);
    return true;
}

static bool operator_name(struct parser *parser)
{
    for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
        if (!accept(parser, operators[i].code))
            continue;
        put_text(parser, operators[i].name);
        return true;
    }
    return false;
}

static bool component(struct parser *parser)
{
    if (accept(parser, "St")) {
        put_text(parser, "std");
        return true;
    }
    accept(parser, "L"); /* of one translation unit alone */
    if (isdigit((unsigned char)*parser->at))
        return source_name(parser);
    if (*parser->at == 'C' || *parser->at == 'D')
        return special_name(parser);
    return operator_name(parser);
}

/* What may follow a component without being one: arguments of a template, an ABI's tag. */
static bool decoration(struct parser *parser, unsigned depth)
{
    struct parser hidden = {.at = parser->at};
    bool fits = true;

    while (fits && (*hidden.at == 'I' || *hidden.at == 'B')) {
        bool arguments = *hidden.at++ == 'I';

        fits = arguments ? skip_arguments(&hidden, depth + 1) : source_name(&hidden);
    }
    parser->at = hidden.at;
    return fits;
}

static bool nested_name(struct parser *parser, unsigned depth)
{
    bool first = true;

    while (*parser->at && strchr("rVKRO", *parser->at))
        parser->at++;
    while (*parser->at && *parser->at != 'E') {
        if (!first)
            put_text(parser, "::");
        first = false;
        if (*parser->at == 'S' && parser->at[1] != 't' && !parser->out) {
            parser->at++;
            if (!skip_substitution(parser))
                return false;
        } else if (!component(parser)) {
            return false;
        }
        if (!decoration(parser, depth))
            return false;
    }
    return !first && accept(parser, "E");
}

static bool skip_type(struct parser *parser, unsigned depth)
{
    if (depth == DEPTH_MAX)
        return false;
    while (*parser->at && strchr("PRKVOr", *parser->at))
        parser->at++;
    if (isdigit((unsigned char)*parser->at))
        return source_name(parser) && decoration(parser, depth);
    if (accept(parser, "S"))
        return skip_substitution(parser) && decoration(parser, depth);
    if (accept(parser, "N"))
        return nested_name(parser, depth + 1);
    if (accept(parser, "F"))
        return skip_arguments(parser, depth + 1);
    if (*parser->at == 'D' && islower((unsigned char)parser->at[1]))
        parser->at++;
    if (!islower((unsigned char)*parser->at))
        return false;
    parser->at++; /* a builtin type */
    return true;
}

bool mangled_name(const char *symbol, char *out, size_t size)
{
    struct parser parser = {.at = symbol, .out = out, .size = size};

    out[0] = 0;
    if (!accept(&parser, "_Z"))
        return false;
    if (accept(&parser, "N"))
        return nested_name(&parser, 0);
    if (accept(&parser, "St"))
        put_text(&parser, "std::");
    return component(&parser) && out[0];
}
