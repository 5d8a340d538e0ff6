/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/native.h"

#include <string.h>

#include "elf/frames.h"
#include "elf/symtab.h"
#include "stack/mangled.h"
#include "util/text.h"

#define SYMBOLS_MAX (4u << 20)

/* Of several names of one function: the C++ one, then the plainest. */
static unsigned plainness(const char *name)
{
    return text_starts_with(name, "_Z") ? 0 : 1 + (unsigned)strspn(name, "_");
}

static bool is_better(const struct symbol *symbol, const struct symbol *than)
{
    unsigned one, other;

    if (!than->name || symbol->address != than->address)
        return !than->name || symbol->address > than->address;
    one = plainness(symbol->name);
    other = plainness(than->name);
    return one != other ? one < other : strcmp(symbol->name, than->name) < 0;
}

static size_t first_place(const struct native_place *places, size_t count, uint64_t va)
{
    size_t low = 0;

    while (low < count) {
        size_t middle = low + (count - low) / 2;

        if (places[middle].va < va)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* Hand-written code may have symbols without a size: then a frame must tell how far they go. */
static uint64_t symbol_size(const struct image *image, const struct symbol *symbol)
{
    const struct function *function;

    if (symbol->size || symbol->name[0] == '$') /* "$x", "$d": what aarch64's code consists of */
        return symbol->size;
    function = frames_function(image, symbol->address);
    return function && function->start == symbol->address ? function->end - function->start : 0;
}

static void match_symbols(const struct image *image, const struct symbols *symbols,
                          const struct native_place *places, struct symbol *best, size_t count)
{
    for (size_t i = 0; i < symbols->count && i < SYMBOLS_MAX; i++) {
        struct symbol symbol;
        uint64_t size;

        if (!symtab_at(symbols, i, &symbol) || !image_is_code(image, symbol.address))
            continue;
        size = symbol_size(image, &symbol);
        for (size_t k = first_place(places, count, symbol.address);
             size && k < count && places[k].va - symbol.address <= size; k++)
            if (is_better(&symbol, &best[k]))
                best[k] = symbol;
    }
}

static void write_symbol(const char *name, struct frame *frame)
{
    if (!mangled_name(name, frame->text, sizeof(frame->text))) {
        text_copy(frame->text, sizeof(frame->text), name);
        frame->text[strcspn(frame->text, "@")] = 0; /* a version */
    }
    text_printable(frame->text);
    frame->source = FRAME_SYMBOL;
}

static void name_site(const struct image *image, const uint64_t *sites,
                      const struct native_place *place)
{
    const struct function *function = frames_function(image, place->va);
    const struct segment *segment = function ? image_segment(image, function->start) : NULL;
    uint64_t offset = segment ? function->start - segment->va + segment->offset : 0;

    for (enum site site = 0; offset && site < SITE_MAX; site++) {
        if (sites[site] != offset || !site_is_function(site))
            continue;
        text_copy(place->frame->text, sizeof(place->frame->text), site_name(site));
        place->frame->source = FRAME_SITE;
        return;
    }
}

static int by_va(const void *a, const void *b)
{
    const struct native_place *x = a, *y = b;

    return (x->va > y->va) - (x->va < y->va);
}

void native_names(struct image *image, const uint64_t *sites, struct native_place *places,
                  size_t count)
{
    _free_ struct symbol *best = calloc(count + 1, sizeof(*best));
    struct symbols symbols;
    struct reason ignored;

    if (!best)
        return;
    if (!image->functions)
        (void)!frames_load(image, &ignored);
    qsort(places, count, sizeof(*places), by_va);
    if (symtab_open(image, &symbols) == 0)
        match_symbols(image, &symbols, places, best, count);
    if (symtab_open_exported(image, &symbols) == 0)
        match_symbols(image, &symbols, places, best, count);
    for (size_t i = 0; i < count; i++) {
        if (best[i].name)
            write_symbol(best[i].name, places[i].frame);
        else if (sites)
            name_site(image, sites, &places[i]);
    }
}
