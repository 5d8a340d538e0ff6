/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/structure.h"

#include "elf/dynamic.h"
#include "elf/section.h"
#include "locate/marks.h"

static const struct {
    find_function *find;
    enum site first, last; /* of the sites it answers for */
} finders[] = {
    {structure_find_gc, SITE_GC_STATE_LEVELS, SITE_GC_CONTROL_PRIVATE_SVR},
    {structure_find_providers, SITE_PROVIDER_CONTEXT_RUNTIME, SITE_EVENTPIPE_PROVIDER_RUNTIME},
    {structure_find_sessions, SITE_EVENTPIPE_SESSIONS, SITE_EVENTPIPE_SESSIONS},
    {structure_find_locks, SITE_LOCK_CONTENTION_ENTER, SITE_LOCK_CONTENTION_EXIT},
    {structure_find_waits, SITE_WAIT_ENTER, SITE_WAIT_EXIT},
    {structure_find_events, SITE_EVENTPIPE_WRITE, SITE_EVENTPIPE_WRITE},
};

static void clues_free(struct clues *clues)
{
    free(clues->events);
}

int clues_events(const struct code *code, struct clues *clues, const struct event_map **out,
                 struct reason *why)
{
    if (!clues->events) {
        _free_ struct event_map *map = calloc(1, sizeof(*map));
        int r = map ? event_map_read(code, clues->creator, map, why)
                    : reason_set(why, -ENOMEM, "no memory");

        if (r < 0)
            return r;
        clues->events = TAKE_PTR(map);
    }
    *out = clues->events;
    return 0;
}

int structure_find(struct image *image, const struct findings *named, struct findings *findings,
                   struct reason *why)
{
    struct findings before = *findings;
    _decoder_free_ struct decoder *decoder = NULL;
    struct code code = {.image = image};
    _cleanup_(clues_free) struct clues clues = {.named = named};
    int r = decoder_new(&decoder, image->machine);

    if (r < 0)
        return reason_set(why, r, "no decoder for ELF machine %u", image->machine);
    code.decoder = decoder;
    section_load_got(image);
    r = dynamic_load_relocations(image, why);
    if (r == 0)
        r = frames_load(image, why);
    if (r == 0)
        r = frames_fill_gaps(image, why);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(finders); i++) {
        struct reason miss = {""};

        if (finders[i].find(&code, &clues, findings, &miss) == 0)
            continue;
        for (enum site site = finders[i].first; site <= finders[i].last; site++)
            findings_miss(findings, site, "%s", miss.text);
    }
    marks_find(&code, &findings->marks);
    if (decoder_has_given_up(decoder)) { /* what seems the only match may have a second one */
        *findings = before;
        return reason_set(why, -E2BIG, "its code takes more than %u instructions to search",
                          DECODER_INSTRUCTIONS_MAX);
    }
    return 0;
}
