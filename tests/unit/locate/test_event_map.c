/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "elf/dynamic.h"
#include "elf/frames.h"
#include "locate/event_map.h"
#include "locate/scenes.h"

static struct builder builder;
static struct event_map map;

static int read_map(uint64_t creator, struct reason *why)
{
    _decoder_free_ struct decoder *decoder = NULL;
    struct image image;
    struct code code = {.image = &image};
    int r;

    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    assert_int_equal(dynamic_load_relocations(&image, NULL), 0);
    assert_int_equal(frames_load(&image, NULL), 0);
    assert_int_equal(decoder_new(&decoder, EM_X86_64), 0);
    code.decoder = decoder;
    r = event_map_read(&code, creator, &map, why);
    image_close(&image);
    return r;
}

static void all_events(void **state)
{
    const struct event *event;

    builder_init(&builder, EM_X86_64);
    scene_init(&builder, SCENE_COUNT);
    assert_int_equal(read_map(SCENE_INIT, NULL), 0);
    assert_int_equal(map.count, SCENE_COUNT);
    event = event_map_next(&map, map.items, 91);
    assert_non_null(event);
    assert_int_equal(event->version, 1);
    assert_int_equal(event->keywords, 0x4000);
    assert_int_equal(event->variable, scene_variable(1));
    assert_null(event_map_next(&map, event + 1, 91));
    assert_null(event_map_next(&map, map.items, 82));
}

static void what_is_none(void **state)
{
    const uint64_t end = SCENE_INIT + 31 + 24 * SCENE_COUNT; /* of the last store */
    struct reason why;

    builder_init(&builder, EM_X86_64);
    scene_init(&builder, 63);
    assert_int_equal(read_map(SCENE_INIT, &why), -ENODATA);
    assert_string_equal(why.text,
                        "the function that creates the provider defines 63 events, not 64");
    assert_int_equal(read_map(0, &why), -ENODATA);
    assert_string_equal(why.text, "no function that creates the runtime's events");
    assert_int_equal(read_map(0x2001, &why), -ENODATA);
    builder_init(&builder, EM_X86_64); /* the last variable lies elsewhere */
    scene_init(&builder, SCENE_COUNT);
    builder_put_32(&builder, end - 4, 0x9f00 - end);
    assert_int_equal(read_map(SCENE_INIT, &why), -ENODATA);
    assert_string_equal(why.text, "the variables of 104 events do not lie side by side");
}

/* Where the id is not a constant the event is left out; its variable still counts. */
static void unknown_id(void **state)
{
    builder_init(&builder, EM_X86_64);
    scene_init(&builder, SCENE_COUNT);
    builder_put(&builder, SCENE_INIT + 26 + 5, "\x89\xc6\x90\x90\x90", 5); /* mov esi, eax */
    assert_int_equal(read_map(SCENE_INIT, NULL), 0);
    assert_int_equal(map.count, SCENE_COUNT - 1);
    assert_null(event_map_next(&map, map.items, 81));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_events),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(unknown_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
