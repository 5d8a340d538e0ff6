/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "contract/contract.h"
#include "contract/crafted.h"
#include "contract/crafted_image.h"

static struct crafted crafted;
static uint8_t image[CRAFTED_IMAGE_SIZE];
static uint64_t pointers[] = {0, 0};

static struct {
    char magic[8];
    uint32_t flags;
    uint32_t size;
    const char *json;
    uint32_t count;
    uint32_t padding;
    const uint64_t *pointers;
} exported = {.magic = "DNCCDAC", .flags = 1, .count = 2, .pointers = pointers};

static struct contract *open_crafted(const char *json)
{
    struct contract_place place = {
        .descriptor = address_of(&exported),
        .writable = {{address_of(crafted.levels[0]), sizeof(crafted.levels[0]) + 64}},
        .writable_count = 1,
    };
    struct contract *contract;

    assert_int_equal(craft(&crafted, json), 0);
    craft_image(image, 1);
    crafted.module.base = address_of(image);
    crafted.chunk.token = 0;
    crafted.chunk.methods[1].token = 1;
    pointers[1] = address_of(crafted.levels);
    exported.json = json;
    exported.size = (uint32_t)strlen(json);
    assert_int_equal(contract_open(&contract, &crafted.memory, &place, NULL), 0);
    return contract;
}

static int ask_method(struct contract *contract, const char *expected)
{
    char name[CONTRACT_NAME_MAX] = "?";
    struct reason why = {""};
    int r =
        contract_method_name(contract, address_of(crafted.code) + CRAFTED_BEGIN + 5, name, &why);

    assert_string_equal(name, expected);
    assert_true(r == 0 || why.text[0]);
    return r;
}

static int ask_type(struct contract *contract, const char *expected)
{
    char name[CONTRACT_NAME_MAX] = "?";
    struct reason why = {""};
    int r = contract_type_name(contract, address_of(crafted.object), name, &why);

    assert_string_equal(name, expected);
    assert_true(r == 0 || why.text[0]);
    return r;
}

static void methods(void **state)
{
    struct contract *contract = open_crafted(CRAFTED_10);

    assert_int_equal(ask_method(contract, CRAFTED_TYPE_NAME ".Do"), 0);
    assert_int_equal(ask_method(contract, CRAFTED_TYPE_NAME ".Do"), 0);
    crafted.chunk.methods[1].token = 2;
    assert_int_equal(ask_method(contract, ""), -ENOENT);
    crafted.chunk.methods[1].flags = CRAFTED_DYNAMIC;
    strcpy(crafted.name, "made\x1b[2J");
    assert_int_equal(ask_method(contract, "made?[2J"), 0);
    crafted.section.heap = 0;
    assert_int_equal(ask_method(contract, ""), -EBADMSG);
    contract_free(&contract);
    assert_null(contract);
}

/* Another module takes the place of one whose metadata is known. */
static void replaced(void **state)
{
    static uint8_t second[CRAFTED_IMAGE_SIZE];
    struct contract *contract = open_crafted(CRAFTED_10);

    assert_int_equal(ask_method(contract, CRAFTED_TYPE_NAME ".Do"), 0);
    memcpy(second, image, sizeof(second));
    *(char *)memmem(second, sizeof(second), "Thing", 5) = 'S';
    crafted.module.base = address_of(second);
    assert_int_equal(ask_method(contract, "Here.Shing.Do"), 0);
    crafted.module.base = 0;
    assert_int_equal(ask_method(contract, ""), -ENOENT);
    contract_free(&contract);
}

static void map_is_searched(void **state)
{
    struct contract *contract = open_crafted(CRAFTED_9);

    assert_int_equal(ask_method(contract, CRAFTED_TYPE_NAME ".Do"), 0);
    contract_free(&contract);
}

static void map_comes_late(void **state)
{
    struct contract *contract = open_crafted(CRAFTED_9);
    uint64_t top = crafted.levels[0][0];

    crafted.levels[0][0] = 0;
    assert_int_equal(ask_method(contract, ""), -ENOENT);
    crafted.levels[0][0] = top;
    assert_int_equal(ask_method(contract, CRAFTED_TYPE_NAME ".Do"), 0);
    contract_free(&contract);
}

static void map_never_comes(void **state)
{
    struct contract *contract = open_crafted(CRAFTED_9);
    int r = 0;

    crafted.levels[0][0] = 0;
    for (int i = 0; i < 100; i++)
        r = ask_method(contract, "");
    assert_int_equal(r, -ENOTSUP);
    contract_free(&contract);
}

static void types(void **state)
{
    static const struct {
        uint32_t flags;
        uint8_t rank;
        const char *name;
    } cases[] = {
        {0x800a0008, 0, CRAFTED_TYPE_NAME "[]"},
        {0x80080008, 1, CRAFTED_TYPE_NAME "[*]"},
        {0x80080008, 2, CRAFTED_TYPE_NAME "[,]"},
        {0x80080008, 4, CRAFTED_TYPE_NAME "[,,,]"},
    };
    struct contract *contract = open_crafted(CRAFTED_10);

    assert_int_equal(ask_type(contract, CRAFTED_TYPE_NAME), 0);
    crafted.object[0] = address_of(&crafted.other);
    crafted.other.element = address_of(&crafted.table);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        crafted.other.flags = cases[i].flags;
        crafted.other_class.rank = cases[i].rank;
        assert_int_equal(ask_type(contract, cases[i].name), 0);
    }
    contract_free(&contract);
}

/* What is asked last is made of what comes first. */
static void order_of_shapes(void **state)
{
    struct contract *contract = open_crafted(CRAFTED_10);

    crafted.object[0] = address_of(&crafted.other);
    crafted.other.flags = 0x80080008;
    crafted.other_class.rank = 3;
    crafted.other.element = address_of(&crafted.type_desc) | 2;
    crafted.type_desc.flags = 0x0f;
    crafted.type_desc.argument = address_of(&crafted.table);
    assert_int_equal(ask_type(contract, CRAFTED_TYPE_NAME "*[,,]"), 0);
    crafted.type_desc.argument = address_of(&crafted.type_desc) | 2;
    assert_int_equal(ask_type(contract, ""), -EBADMSG);
    crafted.type_desc.flags = 0x1b;
    assert_int_equal(ask_type(contract, ""), -ENOTSUP);
    crafted.table.flags_2 = 9u << 8;
    crafted.object[0] = address_of(&crafted.table);
    assert_int_equal(ask_type(contract, ""), -ENOENT);
    crafted.object[0] = 0;
    assert_int_equal(ask_type(contract, ""), -EBADMSG);
    contract_free(&contract);
}

static void no_contract(void **state)
{
    const struct contract_place place = {.descriptor = address_of(&crafted)};
    struct contract *contract = (struct contract *)&crafted;
    struct reason why = {""};

    craft(&crafted, CRAFTED_10);
    assert_int_equal(contract_open(&contract, &crafted.memory, &place, &why), -EBADMSG);
    assert_null(contract);
    assert_true(why.text[0]);
    contract_free(&contract);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods),         cmocka_unit_test(replaced),
        cmocka_unit_test(map_is_searched), cmocka_unit_test(map_comes_late),
        cmocka_unit_test(map_never_comes), cmocka_unit_test(types),
        cmocka_unit_test(order_of_shapes), cmocka_unit_test(no_contract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
