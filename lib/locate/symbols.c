/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/symbols.h"

#include <string.h>

#include "elf/symtab.h"

struct candidate {
    const char *name; /* NULL: none yet */
    uint64_t address;
    bool ambiguous;
};

/* The site that a symbol means, or SITE_MAX. All names begin alike in few ways: look before
 * compare. */
static enum site site_of_symbol(const char *symbol)
{
    if (symbol[0] != '_' && symbol[0] != 'M' && symbol[0] != 'E' && symbol[0] != 'W')
        return SITE_MAX;
    for (enum site site = 0; site < SITE_MAX; site++)
        for (const char *const *name = site_symbols(site); *name; name++)
            if (strcmp(*name, symbol) == 0)
                return site;
    return SITE_MAX;
}

static bool is_in(const struct image *image, enum site site, uint64_t address)
{
    return site_is_function(site) ? image_is_code(image, address)
                                  : image_is_writable(image, address);
}

int symbols_find(const struct image *from, const struct image *image, enum source source,
                 struct findings *findings, struct reason *why)
{
    struct candidate candidates[SITE_MAX] = {0};
    struct symbols symbols;
    struct symbol symbol;
    int r = symtab_open(from, &symbols);

    if (r < 0)
        return reason_set(why, r, r == -ENODATA ? "no .symtab" : ".symtab lies outside the file");
    for (size_t i = 0; i < symbols.count; i++) {
        enum site site = symtab_at(&symbols, i, &symbol) ? site_of_symbol(symbol.name) : SITE_MAX;

        if (site == SITE_MAX || !is_in(image, site, symbol.address))
            continue;
        candidates[site].ambiguous |=
            candidates[site].name && candidates[site].address != symbol.address;
        candidates[site].name = symbol.name;
        candidates[site].address = symbol.address;
    }
    for (enum site site = 0; site < SITE_MAX; site++)
        if (candidates[site].name && !candidates[site].ambiguous)
            findings_add(findings, site, source, CONFIDENCE_CERTAIN, candidates[site].address,
                         "symbol %.120s", candidates[site].name);
    return 0;
}
