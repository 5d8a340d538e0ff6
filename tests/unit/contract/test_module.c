/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "contract/crafted.h"
#include "contract/crafted_image.h"
#include "contract/module.h"

static struct crafted crafted;
static uint8_t image[CRAFTED_IMAGE_SIZE];

static int open_crafted(struct module *out)
{
    struct reason why = {""};
    int r = module_open(&crafted.view, address_of(&crafted.module), out, &why);

    assert_true(r == 0 || (why.text[0] && !out->copy));
    return r;
}

static void set_up(int spread)
{
    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    craft_image(image, spread);
    crafted.module.base = address_of(image);
}

static void either_form(void **state)
{
    for (int spread = 0; spread < 2; spread++) {
        struct module module;
        char name[64];

        set_up(spread);
        assert_int_equal(open_crafted(&module), 0);
        assert_int_equal(metadata_method_name(&module.metadata, 0x06000001, name, sizeof(name)), 0);
        assert_string_equal(name, CRAFTED_TYPE_NAME ".Do");
        assert_true(module_is_current(&crafted.view, &module));
        crafted.module.base++;
        assert_false(module_is_current(&crafted.view, &module));
        module_close(&module);
        assert_null(module.copy);
    }
}

static void thirty_two_bits(void **state)
{
    uint8_t *optional = image + 0x80 + 24;
    struct module module;

    set_up(0);
    put(optional, 0x10b, 2);
    memmove(optional + 96, optional + 112, 16 * 8);
    assert_int_equal(open_crafted(&module), 0);
    module_close(&module);
}

/* Flat, and @width bytes at an offset are others. */
static void changed(void **state)
{
    static const struct {
        uint32_t offset;
        uint64_t value;
        size_t width;
    } cases[] = {
        {0, 0x4d5a, 2},                                 /* no image */
        {0x3c, UINT32_MAX, 4},                          /* its header is nowhere */
        {0x3c, 1000, 4},                                /* nor here */
        {0x86, 97, 2},                                  /* too many sections */
        {0x86, 0, 2},                                   /* none */
        {0x94, UINT16_MAX, 2},                          /* sections are nowhere */
        {0x98, 0x107, 2},                               /* an image of another kind */
        {0x98 + 224, 0, 4},                             /* not managed */
        {0x98 + 228, 71, 4},                            /* too short */
        {0x98 + 224, UINT32_MAX, 4},                    /* outside */
        {0x98 + 240 + 20, UINT32_MAX, 4},               /* the section is */
        {CRAFTED_SECTION + 8, 0, 4},                    /* no metadata */
        {CRAFTED_SECTION + 8, UINT32_MAX, 4},           /* outside */
        {CRAFTED_SECTION + 12, 0, 4},                   /* of no size */
        {CRAFTED_SECTION + 12, UINT32_MAX, 4},          /* too large */
        {CRAFTED_SECTION + 12, MODULE_METADATA_MAX, 4}, /* more than there is */
        {CRAFTED_SECTION + CRAFTED_METADATA, 0, 4},     /* it does not begin so */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct module module;

        set_up(0);
        put(image + cases[i].offset, cases[i].value, cases[i].width);
        if (open_crafted(&module) == 0)
            fail_msg("case %zu is opened", i);
    }
}

static void no_image(void **state)
{
    struct module module;

    assert_int_equal(craft(&crafted, CRAFTED_10), 0);
    assert_int_equal(open_crafted(&module), -ENOENT);
    crafted.module.base = UINT64_MAX - 100;
    assert_int_equal(open_crafted(&module), -EINVAL);
    assert_int_equal(module_open(&crafted.view, 0, &module, NULL), -EINVAL);
    module_close(&module);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_form),
        cmocka_unit_test(thirty_two_bits),
        cmocka_unit_test(changed),
        cmocka_unit_test(no_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
