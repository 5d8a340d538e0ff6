/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/marks.h"

#include "elf/usdt.h"

void mark_name(const char *event, uint8_t version, char name[static MARK_NAME_MAX])
{
    if (version)
        snprintf(name, MARK_NAME_MAX, "%s_V%u", event, version);
    else
        snprintf(name, MARK_NAME_MAX, "%s", event);
}

static bool find_newest(const struct image *image, const char *event, uint8_t *version,
                        struct usdt_probe *out)
{
    char name[MARK_NAME_MAX];

    for (*version = MARK_VERSION_MAX;; --*version) {
        mark_name(event, *version, name);
        if (usdt_find(image, MARK_PROVIDER, name, out))
            return true;
        if (!*version)
            return false;
    }
}

/* In 3.1 the function asks first whether events are to be logged at all. */
static bool asks_first(const struct code *code, uint64_t location)
{
    const struct function *function = frames_function(code->image, location);
    struct walk walk;

    if (!function)
        return true;
    walk_start(&walk, code, function);
    while (walk_next(&walk) && walk.instruction.address < location)
        if (walk.instruction.operation == OPERATION_CALL)
            return true;
    return false;
}

void marks_find(const struct code *code, struct contention_marks *out)
{
    struct contention_marks marks = {.found = true};
    struct usdt_probe start, stop;

    if (!find_newest(code->image, "ContentionStart", &marks.start, &start) ||
        !find_newest(code->image, "ContentionStop", &marks.stop, &stop))
        return;
    marks.need_event_log = asks_first(code, start.location) || asks_first(code, stop.location);
    *out = marks;
}
